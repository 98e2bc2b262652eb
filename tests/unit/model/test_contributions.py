"""What the model made of each field: it adds up, finds what was planted, and stands for the answer that is served."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsysops.columns import LAUNCH_SCORE, QUANTILES
from recsysops.domain.contribution import AnswerParts
from recsysops.domain.measure import inverse
from recsysops.errors import ModelError
from recsysops.model import _contributions as told
from recsysops.model._recipe import FieldRecipe, Recipe
from recsysops.model._text import TextModel
from recsysops.model._values import Kind
from recsysops.model.forecaster import LaunchForecaster
from recsysops.settings import ModelSettings

SETTINGS = ModelSettings(seed=1, threads=1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, make):
    make_history, make_cells, _ = make
    folder, forecaster = tmp_path_factory.mktemp("models"), LaunchForecaster()
    history = make_history(missing=0.3)
    as_of = (history.launches["launch_at"].min() + pd.Timedelta(days=100)).to_pydatetime()
    card = forecaster.train(history, as_of, "reach", 7, SETTINGS, folder, lambda what, done: None)
    return forecaster, history, make_cells(history, as_of), as_of, card, folder


def taken_apart(trained, cell: pd.DataFrame) -> AnswerParts:
    forecaster, history, _, as_of, card, folder = trained
    return forecaster.contributions(history, cell, as_of, card, SETTINGS, folder)


def test_base_and_amounts_sum_to_the_answer(trained):
    cells = trained[2]

    for at in range(0, len(cells), 7):
        found = taken_apart(trained, cells.iloc[[at]])
        assert found.base + sum(part.amount for part in found.parts) == pytest.approx(found.answer, abs=1e-9)


def test_the_median_is_the_one_that_is_predicted(trained):
    forecaster, history, cells, as_of, card, folder = trained
    frame = forecaster.predict(history, cells, as_of, {("reach", 7): card}, SETTINGS, folder)
    predicted = frame[frame["predictor"] == "model"].set_index("title_id")[QUANTILES[9]]

    for at in (0, 11):
        cell = cells.iloc[[at]]
        assert taken_apart(trained, cell).median == pytest.approx(predicted[cell["title_id"].iloc[0]], rel=1e-12)


def too_high(as_of):
    """Return scores of a hundred launches whose outcomes were all above what had been predicted."""
    known = pd.Timestamp(as_of) - pd.to_timedelta(np.arange(100) // 10 * 7 + 1, unit="D")
    frame = pd.DataFrame({
        "title_id": [f"t{at}" for at in range(100)], "market": "US", "surface": "home", "measure": "reach",
        "horizon": 7, "lead": 1, "as_of": known - pd.Timedelta(days=8), "launch_at": known - pd.Timedelta(days=7),
        "predictor": "model", "model_id": "m", "is_served": True, "actual": 0.1, "denominator": 100.0, "pit": 1.0,
        "crps": 0.1, "pinball": 0.1, "absolute_error": 0.1, "known_at": known, **dict.fromkeys(QUANTILES, 0.1),
    })  # fmt: skip
    return frame[list(LAUNCH_SCORE)].astype(dict.fromkeys(("as_of", "launch_at", "known_at"), "datetime64[us, UTC]"))


def test_the_median_is_the_one_that_is_predicted_where_past_predictions_were_too_low(trained, make):
    forecaster, history, cells, as_of, card, folder = trained
    taught, cell = make[2](history, scores=too_high(as_of)), cells.iloc[[0]]

    frame = forecaster.predict(taught, cell, as_of, {("reach", 7): card}, SETTINGS, folder)
    found = forecaster.contributions(taught, cell, as_of, card, SETTINGS, folder)

    assert found.median == pytest.approx(frame[frame["predictor"] == "model"][QUANTILES[9]].iloc[0], rel=1e-12)
    assert found.median > taken_apart(trained, cell).median
    assert found.answer == taken_apart(trained, cell).answer


def test_a_planted_loss_for_a_missing_field_is_the_fields_contribution(trained):
    _, history, cells, *_ = trained
    fields = history.titles.set_index("title_id")["fields"]
    lacking = [at for at, title in enumerate(cells["title_id"]) if fields[title]["synopsis"] is None]

    for at in lacking[:5]:
        found = taken_apart(trained, cells.iloc[[at]])
        synopsis = next(part for part in found.parts if part.name == "synopsis")
        completeness = next(part for part in found.parts if part.name == told.COMPLETENESS)
        assert synopsis.value == ""
        assert synopsis.amount + completeness.amount < -0.2
        assert inverse("reach", found.answer, found.denominator) < inverse(
            "reach", found.answer - synopsis.amount - completeness.amount, found.denominator
        )


def test_each_field_stands_once_with_its_value_and_the_largest_first(trained):
    _, history, cells, *_ = trained
    title_id = cells["title_id"].iloc[0]

    found = taken_apart(trained, cells.iloc[[0]])

    names = [part.name for part in found.parts]
    fields = history.titles.set_index("title_id")["fields"][title_id]
    values = {part.name: part.value for part in found.parts}
    assert len(names) == len(set(names))
    assert {"genres", "director", "runtime", "synopsis", told.LAUNCH, told.COMPARABLES} <= set(names)
    assert told.OTHER not in names
    assert values["genres"] == ", ".join(sorted(fields["genres"]))
    assert float(values["runtime"]) == pytest.approx(fields["runtime"], rel=1e-4)
    assert values[told.LAUNCH].endswith("UTC")
    assert [abs(part.amount) for part in found.parts] == sorted((abs(p.amount) for p in found.parts), reverse=True)


def test_a_damaged_model_is_refused_before_it_is_read(trained):
    forecaster, history, cells, as_of, card, folder = trained
    strange = replace(card, manifest_sha256="0" * 64)

    with pytest.raises(ModelError, match="does not match its manifest"):
        forecaster.contributions(history, cells.iloc[[0]], as_of, strange, SETTINGS, folder)


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("genre|is|a|b", "genre"),
        ("genre|sub|missing", "genre|sub"),
        ("plot|length", "plot"),
        ("|text_03", told.TEXTS),
        ("|market|is|de", told.PLACE),
        ("|level", told.PLACE),
        ("|week", told.LAUNCH),
        ("|comparables_10_spread", told.COMPARABLES),
        ("|same_window", told.COMPETITION),
        ("|lead", told.LEAD),
        ("|is_known", told.COMPLETENESS),
        ("|something_new", told.OTHER),
        ("gone|is|x", told.OTHER),
    ],
)
def test_a_column_belongs_to_what_it_encodes(column, name):
    kinds = {"genre": Kind.CATEGORY, "genre|sub": Kind.CATEGORY, "plot": Kind.TEXT, "tagline": Kind.TEXT}
    text = TextModel((), np.zeros(0), np.zeros((0, 0)))
    recipe = Recipe(tuple(FieldRecipe(field, kind) for field, kind in kinds.items()), text)

    assert told.grouping(recipe)(column) == name


def test_the_words_of_the_only_text_belong_to_its_field():
    text = TextModel((), np.zeros(0), np.zeros((0, 0)))

    assert told.grouping(Recipe((FieldRecipe("plot", Kind.TEXT),), text))("|text_03") == "plot"
