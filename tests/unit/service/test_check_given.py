import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from recsysops import columns as c
from recsysops.domain.batch import BatchReceipt
from recsysops.domain.given import MAX_CELLS, GivenTitles
from recsysops.domain.severity import Severity
from recsysops.domain.verdict import Status
from recsysops.errors import UsageError
from recsysops.service._standing import LOOK_SECONDS, Standings
from recsysops.service.check import check
from recsysops.service.check_file import check_file, check_file_or_store, read_titles
from recsysops.service.check_given import MAX_TOGETHER, GivenCheck, SharedCheck, _fitting
from recsysops.service.predict import predict
from recsysops.service.train import train

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)
LAUNCH = "2026-03-07T00:00:00Z"


def title(title_id="new", mark="good", *, launches=None, **more):
    places = launches or [{"market": "us", "surface": "home", "launch_at": LAUNCH}]
    fields = {} if mark is None else {"mark": mark}
    return {"title_id": title_id, "name": f"Name of {title_id}", "fields": fields, "launches": places, **more}


def asked(*titles, **more):
    return GivenTitles.model_validate_json(json.dumps({"titles": titles, **more}))


def judged(context, request):
    return GivenCheck(context).judge([request])[0].answer


def test_titles_that_are_stored_nowhere_are_judged_in_the_order_given(world):
    answer = judged(world.context(), asked(title("b", "good"), title("a", "bad"), fail_on="warning"))

    assert [given.title_id for given in answer.titles] == ["b", "a"]
    assert [given.status for given in answer.titles] == [Status.OK, Status.AT_RISK]
    assert [given.is_known for given in answer.titles] == [False, False]
    assert (answer.exit_code, answer.n_failed, answer.n_unknown) == (1, 1, 0)
    assert answer.titles[1].cells[0].findings[0].why == "The mark is bad."


def test_what_cannot_be_judged_is_unknown_and_fails_unless_allowed(world):
    strict = judged(world.context(), asked(title(mark=None)))
    lenient = judged(world.context(), asked(title(mark=None), allow_unknown=True))

    assert (strict.exit_code, strict.n_unknown) == (1, 1)
    assert lenient.exit_code == 0


def test_of_a_stored_title_the_given_metadata_is_judged(world):
    world.upcoming(stored="bad")

    answer = judged(world.context(), asked(title("stored", "good"), fail_on="warning"))

    assert answer.titles[0].is_known
    assert answer.titles[0].status is Status.OK
    assert check(world.context(), fail_on=Severity.WARNING).exit_code == 1


def test_a_market_overrides_the_fields_that_differ_there(world):
    launches = [{"market": m, "surface": "home", "launch_at": LAUNCH} for m in ("us", "de")]
    given = title("new", "good", launches=launches, overrides={"de": {"mark": "bad"}})

    answer = judged(world.context(), asked(given))

    assert {cell.cell.market: cell.cell.status for cell in answer.titles[0].cells} == {
        "de": Status.AT_RISK, "us": Status.OK,
    }  # fmt: skip
    assert answer.titles[0].status is Status.AT_RISK


def test_predictions_come_with_the_interval_and_what_predicted(world):
    answer = judged(world.context(), asked(title()))

    first = answer.titles[0].predictions[0]
    assert (first.market, first.surface, first.measure, first.horizon) == ("us", "home", "impression_share", 1)
    assert first.low < first.median < first.high
    assert (first.predictor, first.denominator, first.abstains) == (c.COMPARABLE_TITLES, 1000.0, "")


def test_a_plan_is_for_every_launch_it_concerns(world):
    launches = [{"market": m, "surface": "home", "launch_at": LAUNCH} for m in ("us", "de")]
    plan = {"measure": "reach", "horizon": 7, "low": 0.1, "best": 0.2, "high": 0.3, "market": "de"}

    answer = judged(world.context(), asked(title(launches=launches, expectations=[plan])))

    assert {cell.cell.market: cell.cell.has_expectation for cell in answer.titles[0].cells} == {"de": True, "us": False}


def test_nothing_is_stored(world):
    world.upcoming(stored="good")
    before = [frame.to_csv() for frame in _stored(world)]

    judged(world.context(), asked(title(), title("stored", "bad")))

    assert [frame.to_csv() for frame in _stored(world)] == before
    with world.store.read() as unit:
        assert unit.runs.list() == ()
        assert unit.results.load("findings").empty


def _stored(world):
    with world.store.read() as unit:
        return [unit.versions.history(table) for table in (c.TITLES, c.LAUNCHES, c.EXPECTATIONS)]


def test_a_launch_that_is_not_ahead_is_refused(world):
    past = [{"market": "us", "surface": "home", "launch_at": "2026-03-02T00:00:00Z"}]

    with pytest.raises(UsageError, match=r'"old" launches at 2026-03-02 00:00 UTC, which is not after'):
        judged(world.context(), asked(title("old", launches=past)))


def test_a_check_that_did_not_run_is_named(world):
    answer = judged(world.context(), asked(title(mark="broken")))

    assert answer.notices == ("Detector toy did not run: RuntimeError: toy detector broke",)
    assert answer.exit_code == 1


def test_requests_judged_together_hear_what_they_would_have_heard_alone(world):
    requests = [asked(title("a", "bad")), asked(title("b", "good"), title("c", "bad")), asked(title("d", None))]
    check_ = GivenCheck(world.context())

    together = check_.judge(requests)
    alone = [check_.judge([request])[0] for request in requests]

    assert [each.answer for each in together] == [each.answer for each in alone]
    assert {each.n_shared for each in together} == {3}
    assert list(together[0].seconds) == ["ready", "features", "predict", "checks", "rules", "detect", "answer"]


def test_detectors_that_compare_titles_see_those_of_one_request_only(world):
    used = world.context().detectors[0]
    seen = []

    def detect(tables, params, *, as_of):
        seen.append(sorted(tables[c.CELLS][c.TITLE_ID]))
        return used.detector.detect(tables, params, as_of=as_of)

    joint = replace(used, detector=replace(used.detector, judges_jointly=True, detect=detect))

    GivenCheck(world.context(detectors=(joint,))).judge([asked(title("a"), title("b")), asked(title("c"))])

    assert seen == [["a", "b"], ["c"]]


def test_what_rests_on_the_store_is_made_ready_once_and_again_after_a_run(world):
    world.upcoming(stored="good")
    context, ticks = world.context(), iter([0.0, 0.1, LOOK_SECONDS + 1, LOOK_SECONDS + 1])
    standings = Standings(context, now=lambda: next(ticks))

    first, second = standings.get(AS_OF), standings.get(AS_OF)
    world.remark("stored", "bad")
    with world.store.write() as unit:
        unit.batches.add(_another_batch(), ())
        unit.commit()
    predict(context)
    third = standings.get(AS_OF)

    assert first is second
    assert third is not first
    assert len(context.forecaster.made_ready) == 2


def _another_batch():
    return BatchReceipt(
        batch_id="b2", table="titles", content_hash="b2", files=("g.csv",), rows_in=1, accepted=1, duplicate=0,
        quarantined=0, loaded_at=AS_OF,
    )  # fmt: skip


def test_predictions_stand_at_the_last_run_and_use_its_models(world):
    world.upcoming(stored="good")
    context = world.context()
    train(context, as_of=AS_OF - timedelta(hours=6))
    predict(context, as_of=AS_OF - timedelta(hours=3))

    answer = judged(context, asked(title()))

    assert answer.history_as_of == AS_OF - timedelta(hours=3)
    assert answer.as_of == AS_OF
    assert len(answer.models) == 6


def test_after_a_long_silence_predictions_stand_at_the_present(world):
    world.upcoming(stored="good")
    context = world.context()
    train(context, as_of=AS_OF - timedelta(days=40))

    answer = judged(context, asked(title()))

    assert answer.history_as_of == AS_OF


def test_requests_that_name_one_title_are_not_judged_together():
    requests = [asked(title("a")), asked(title("b")), asked(title("a"), title("c"))]

    assert _fitting(requests) == 2
    assert _fitting(requests[2:]) == 1


def test_large_requests_are_judged_alone():
    many = [title(f"t{number}") for number in range(MAX_TOGETHER)]

    assert _fitting([asked(*many), asked(title("one"))]) == 1
    assert _fitting([asked(title("one")), asked(*many)]) == 1


def test_one_wrong_request_does_not_spoil_the_others(world):
    past = [{"market": "us", "surface": "home", "launch_at": "2020-01-01T00:00:00Z"}]
    shared = SharedCheck(GivenCheck(world.context()).judge)

    answers = [shared.submit(asked(each)) for each in (title("a"), title("old", launches=past), title("b"))]

    assert answers[0].result(60).answer.titles[0].title_id == "a"
    assert answers[2].result(60).answer.titles[0].title_id == "b"
    assert isinstance(answers[1].exception(60), UsageError)


def test_a_file_of_titles_is_judged_like_the_store(world, tmp_path):
    world.upcoming(stored="bad")
    file = tmp_path / "titles.json"
    file.write_text(asked(title("b", "good"), title("a", "bad")).model_dump_json())

    report = check_file(world.context(), file, fail_on=Severity.WARNING, with_checks=True)

    assert [cell.title_id for cell in report.cells] == ["a", "b"]
    assert report.exit_code == 1
    assert report.cells[0].checks[0].detector == "toy"
    assert check_file_or_store(world.context(), file=file).cells[0].title_id == "a"
    assert check_file_or_store(world.context()).cells[0].title_id == "stored"


def test_a_file_leaves_no_choice_of_titles(world, tmp_path):
    with pytest.raises(UsageError, match="names all that is checked"):
        check_file_or_store(world.context(), file=tmp_path, title_ids=("a",))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[", "Invalid JSON"),
        ('{"titles": []}', "there is no title"),
        ('{"titles": 1}', "titles:"),
        ('{"titles": [{"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1}]}', "and 3 more"),
    ],
)
def test_a_file_that_holds_no_titles_is_refused_with_its_errors(tmp_path, content, said):
    file = tmp_path / "titles.json"
    file.write_text(content)

    with pytest.raises(UsageError, match=said):
        read_titles(file)


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_titles(tmp_path / "absent.json")
    monkeypatch.setattr("recsysops.service.check_file.MAX_BYTES", 1)
    (tmp_path / "large.json").write_text("{}")
    with pytest.raises(UsageError, match="is larger than"):
        read_titles(tmp_path / "large.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fields": {"x": {"nested": 1}}}, "Metadata is text"),
        ({"fields": {"x": [["nested"]]}}, "Metadata is text"),
        ({"fields": {"x": float("inf")}}, "Metadata is text"),
        ({"fields": {"x": 10**400}}, "Metadata is text"),
        ({"fields": {"provider": "p"}}, "is no metadata field"),
        ({"overrides": {"de": {"name": "n"}}}, "is no metadata field"),
        ({"overrides": {"all": {}}}, "is no market to override for"),
        ({"nobody_knows": 1}, "Extra inputs are not permitted"),
        ({"title_id": "a\x00b"}, "control characters"),
        ({"title_id": ""}, "at least 1 character"),
        ({"launches": []}, "it has no launch"),
        ({"launches": [{"launch_at": LAUNCH}, {"launch_at": LAUNCH}]}, "named by two launches"),
        ({"launches": [{"launch_at": "2026-03-07"}]}, "datetime"),
        ({"launches": [{"launch_at": "2026-03-07T00:00:00"}]}, "timezone"),
        ({"launches": [{"launch_at": 12}]}, "datetime"),
        ({"launches": [{"launch_at": "9999-03-07T00:00:00Z"}]}, "outside the years"),
        ({"expectations": [{"low": 0.3, "best": 0.2, "high": 0.4}]}, "low <= best <= high"),
        ({"expectations": [{"low": 1, "best": 2, "high": 3}]}, "between 0 and 1"),
        ({"expectations": [{"low": 1, "best": 2, "high": 3, "unit": "impressions"}]}, "counted in members"),
        ({"expectations": [{"low": 0, "best": 0, "high": 0, "market": "mars"}]}, "without a launch"),
        ({"expectations": [{"low": 0, "best": 0, "high": 0}] * 2}, "two expectations"),
        ({"expectations": [{"low": -1, "best": 0, "high": 0}]}, "greater than or equal to 0"),
    ],
)
def test_what_makes_no_sense_is_refused_with_one_sentence(change, said):
    plans = [{"measure": "reach", "horizon": 7, **plan} for plan in change.get("expectations", ())]

    with pytest.raises(ValidationError) as refused:
        asked({**title(), **change, **({"expectations": plans} if plans else {})})

    assert refused.value.error_count() == 1
    assert said in refused.value.errors()[0]["msg"]


def test_titles_are_given_once_and_not_too_many():
    many = [{"market": f"m{number}", "launch_at": LAUNCH} for number in range(500)]
    for titles, said in (
        ([title("a"), title("a")], '"a" is given twice'),
        ([title(f"t{n}", launches=many) for n in range(MAX_CELLS // 500 + 1)], "launches"),
        ([title(f"t{n}") for n in range(1001)], "at most 1000"),
    ):
        with pytest.raises(ValidationError, match=said):
            asked(*titles)
