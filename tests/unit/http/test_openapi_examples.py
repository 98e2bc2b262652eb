"""The examples of the API's description, run: what it shows is what it does."""

import jsonschema
import pytest

from recsysops.http import create_app
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_api import sample_context

DESCRIPTION = create_app(sample_context(FakeStore(), judge=lambda asked: None)).openapi()
SCHEMAS = DESCRIPTION["components"]["schemas"]
GETS = {path: methods["get"] for path, methods in DESCRIPTION["paths"].items() if "get" in methods}
MEASURE = "reach"
"""The measures are a closed set in the description: any of them is an example."""


def example(parameter):
    schema = parameter["schema"]
    if "$ref" in schema:
        return MEASURE
    assert schema.get("examples"), f"{parameter['name']} is needed and has no example"
    return schema["examples"][0]


@pytest.mark.parametrize("path", GETS)
def test_every_reading_route_answers_its_own_examples(path, api):
    asked = [parameter for parameter in GETS[path].get("parameters", []) if parameter.get("required")]
    values = {parameter["name"]: example(parameter) for parameter in asked}
    if "issue_id" in values:  # a hash: no example can know it
        values["issue_id"] = api.get("/v1/issues").json()["issues"][0]["issue"]["issue_id"]
    if "model_id" in values:
        values["model_id"] = api.get("/v1/models").json()["models"][0]["card"]["model_id"]
    in_path = {parameter["name"] for parameter in asked if parameter["in"] == "path"}
    query = {name: value for name, value in values.items() if name not in in_path}

    answer = api.get(path.format(**values), params=query)

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", [path for path in GETS if path.endswith(".csv")])
def test_the_head_of_every_csv_is_the_one_described(path, api):
    described = GETS[path]["responses"]["200"]["content"]["text/csv"]["example"]

    answer = api.get(path.format(batch_id="b-titles"))

    assert answer.text.splitlines()[0] == described


def test_the_metrics_have_the_one_described(api):
    described = GETS["/metrics"]["responses"]["200"]["content"]["text/plain"]["example"]

    assert described.rpartition(" ")[0] in api.get("/metrics").text


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_example_fits_its_schema(name):
    schema = SCHEMAS[name]
    for whole in schema.get("examples", []):
        jsonschema.validate(whole, {**schema, "components": {"schemas": SCHEMAS}})
    for part in schema.get("properties", {}).values():
        for value in part.get("examples", []):
            jsonschema.validate(value, {**part, "components": {"schemas": SCHEMAS}})


def test_the_example_of_an_error_is_one(api):
    fields = SCHEMAS["Problem"]["properties"]
    path = fields["instance"]["examples"][0]

    found = api.get(path).json()

    assert found["status"] == fields["status"]["examples"][0]
    assert found["title"] == fields["title"]["examples"][0]
    assert found["code"] == fields["code"]["examples"][0]
