"""The scoreboard: its figures from the store to the API, the client, CSV and the command line."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import numpy as np
import pandas as pd
import pytest

from recsysops import columns as c
from recsysops import terminal
from recsysops.client import Client
from recsysops.domain.run import Run
from recsysops.domain.scoreboard import GroupKind, ScoreFilter
from recsysops.errors import ApiError, UsageError
from recsysops.http import create_app
from recsysops.service.learn import LearnReport
from recsysops.service.queries._score_groups import lacks_metadata
from recsysops.service.queries._score_lines import wilson
from recsysops.service.queries.scoreboard import misses, scoreboard
from recsysops.testing.fake_store import FakeStore
from recsysops.testing.sample_api import API_KEY, InProcessTransport, sample_context, sample_http
from recsysops.testing.sample_results import AS_OF, requirements
from recsysops.testing.sample_scores import SampleScores, fill_scores

DAY = timedelta(days=1)
SUFFIX = " =1+1"


@pytest.fixture(scope="module")
def store() -> FakeStore:
    made = FakeStore()
    fill_scores(made, SampleScores(n_titles=40, suffix=SUFFIX))
    return made


@pytest.fixture(scope="module")
def board(store):
    return scoreboard(store, ScoreFilter(measure="reach", horizon=7), requirements())


@pytest.fixture
def scored_api(store) -> Iterator[httpx.Client]:
    with sample_http(sample_context(store)) as client:
        yield client


def line(board, lead, predictor, model_id=""):
    return next(x for x in board.lines if (x.lead, x.predictor, x.model_id) == (lead, predictor, model_id))


def rows_of(store, predictor, lead):
    with store.read() as unit:
        rows = unit.scores.latest(measure="reach", horizon=7)
    return rows[(rows[c.PREDICTOR] == predictor) & (rows[c.LEAD] == lead)]


def test_figures_are_means_over_launches(store, board):
    rows = rows_of(store, "model", 7)
    baseline = rows_of(store, c.COMPARABLE_TITLES, 7)

    found = line(board, 7, "model")

    assert (found.n, found.n_titles, found.n_weeks) == (160, 40, rows[c.LAUNCH_AT].dt.isocalendar().week.nunique())
    assert found.mae.value == pytest.approx(rows[c.ABSOLUTE_ERROR].mean())
    assert found.mae.low < found.mae.value < found.mae.high
    assert found.coverage_80.value == pytest.approx(rows[c.PIT].between(0.1, 0.9).mean())
    assert found.coverage_90.value == pytest.approx(rows[c.PIT].between(0.05, 0.95).mean())
    assert found.skill.value == pytest.approx(1 - rows[c.CRPS].mean() / baseline[c.CRPS].mean())
    assert found.skill.low > 0.1
    assert found.n_paired == 160


def test_every_predictor_has_a_line_and_each_model_its_own(board):
    names = [(x.predictor, x.model_id) for x in board.lines if x.lead == 14]

    assert names == [
        ("served", ""), ("model", ""), ("model", "m-1"), ("comparable_titles", ""), ("challenger", ""),
        ("challenger", "m-2"),
    ]  # fmt: skip
    assert line(board, 14, c.COMPARABLE_TITLES).skill is None
    assert board.leads == (14, 7, 3, 1)
    assert line(board, 14, "served").mae == line(board, 14, "model").mae


def test_calibration_counts_outcomes_below_each_quantile(store, board):
    pit = rows_of(store, "model", board.lead)[c.PIT].to_numpy()

    found = next(each for each in board.calibrations if each.predictor == "model")

    np.testing.assert_allclose([p.observed for p in found.points], [(pit <= p.nominal).mean() for p in found.points])
    assert sum(found.bins) == pytest.approx(1)
    assert found.bins[0] == pytest.approx((pit < 0.1).mean())
    assert found.band_low < 0.1 < found.band_high
    assert all(point.low <= point.nominal <= point.high for point in found.points)


def test_groups_stand_by_their_error_and_small_ones_say_so(board):
    markets = [group for group in board.groups if group.kind is GroupKind.MARKET]
    providers = [group for group in board.groups if group.kind is GroupKind.PROVIDER]

    assert [group.mae.value for group in markets] == sorted((g.mae.value for g in markets), reverse=True)
    assert not any(group.is_small for group in markets)
    assert all(group.is_small and group.n_titles == 10 for group in providers)
    assert {group.kind for group in board.groups} == set(GroupKind)
    assert sum(group.n for group in markets) == 160


def test_the_curve_is_about_the_same_launches_where_all_were_predicted_at_every_lead(board):
    own = [point for point in board.curve if point.predictor == c.COMPARABLE_TITLES]

    assert board.is_curve_paired
    assert [point.lead for point in own] == [14, 7, 3, 1]
    assert own[0].mae.value > own[-1].mae.value


def test_a_curve_over_few_titles_says_that_leads_differ_in_launches(store):
    rows = rows_of(store, "model", 7)
    thin = FakeStore()
    with thin.write() as unit:
        unit.scores.add(rows)
        unit.scores.add(rows.iloc[::8].assign(**{c.LEAD: 1}))
        unit.commit()

    found = scoreboard(thin, ScoreFilter(), requirements().iloc[:0])

    assert not found.is_curve_paired
    assert [point.n for point in found.curve if point.predictor == "model"] == [160, 20]
    assert GroupKind.METADATA not in {group.kind for group in found.groups}
    assert line(found, 7, "model").skill is None


def test_with_few_weeks_coverage_counts_titles_and_errors_have_no_interval(store):
    last = scoreboard(store, ScoreFilter(measure="reach", horizon=7, since=AS_OF - 20 * DAY), requirements())

    found = line(last, 7, "model")

    assert found.n_weeks < 5
    assert found.mae.low is None
    assert found.coverage_80 == wilson(found.coverage_80.value, found.n_titles)
    assert last.n_launches < 160


def test_wilsons_interval_is_the_known_one():
    found = wilson(0.8, 50)

    assert (found.low, found.high) == (pytest.approx(0.6696, abs=1e-3), pytest.approx(0.8876, abs=1e-3))


def test_titles_are_listed_by_their_worst_cell(store):
    rows = rows_of(store, "model", 7)
    worst = rows.groupby(c.TITLE_ID)[c.ABSOLUTE_ERROR].max().sort_values(ascending=False)

    found = misses(store, ScoreFilter(measure="reach", horizon=7, lead=7, predictor="model"), offset=2, limit=5)

    assert [row.title_id for row in found.rows] == worst.index[2:7].tolist()
    assert [row.absolute_error for row in found.rows] == pytest.approx(worst.iloc[2:7].tolist())
    assert (found.total, found.rows[0].n_cells) == (40, 4)
    assert found.rows[0].low < found.rows[0].median < found.rows[0].high


def test_a_score_that_was_taken_back_counts_for_nothing(store):
    rows = rows_of(store, "model", 7)
    own = FakeStore()
    with own.write() as unit:
        unit.scores.add(rows)
        unit.scores.add(rows.iloc[:10].assign(**{c.ACTUAL: np.nan, c.PIT: np.nan}))
        unit.commit()

    assert scoreboard(own, ScoreFilter(), requirements()).n_launches == 150


def test_metadata_is_missing_as_it_was_known_when_predicted():
    at = [pd.Timestamp(AS_OF - days * DAY) for days in (1, 5, 5, 1)]
    rows = pd.DataFrame({c.TITLE_ID: ["a", "a", "b", "b"], c.MARKET: ["us", "us", "de", "us"], c.SURFACE: "home",
                         c.AS_OF: at})  # fmt: skip
    titles = pd.DataFrame(
        [
            ("a", c.ALL, AS_OF - 9 * DAY, "A", None, "p", {"synopsis": ""}),
            ("a", c.ALL, AS_OF - 3 * DAY, "A", None, "p", {"synopsis": "s"}),
            ("b", c.ALL, AS_OF - 9 * DAY, "B", None, "p", {"synopsis": "s"}),
            ("b", "de", AS_OF - 9 * DAY, None, None, None, {"synopsis": []}),
        ],
        columns=list(c.TITLE_VERSION),
    )
    required = requirements().iloc[:1].assign(**{c.FIELD: "synopsis", c.MARKET: c.ALL, c.SURFACE: c.ALL})

    assert lacks_metadata(rows, titles, required) == [False, True, True, False]


def test_before_the_first_score_everything_is_empty_and_nothing_is_refused():
    found = scoreboard(FakeStore(), ScoreFilter(measure="reach", lead=3, predictor="model"), requirements())

    assert (found.targets, found.lines, found.groups, found.curve, found.lead) == ((), (), (), (), 3)
    assert misses(FakeStore(), ScoreFilter()).rows == ()


def test_what_was_never_scored_is_refused_by_its_name(store):
    with pytest.raises(UsageError, match=r'no score of "oracle" \(there are: served, model'):
        scoreboard(store, ScoreFilter(predictor="oracle"), requirements())
    rows = rows_of(store, "model", 7)
    own = FakeStore()
    with own.write() as unit:
        unit.scores.add(rows)
        unit.commit()
    with pytest.raises(UsageError, match=r"lead of 14 days \(there are: 7\)"):
        misses(own, ScoreFilter(lead=14))


def test_the_api_answers_what_the_query_does(scored_api, store, board):
    client = Client("http://api.test", API_KEY, transport=InProcessTransport(create_app(sample_context(store))))
    wanted = ScoreFilter(measure="reach", horizon=7)

    assert client.scoreboard(wanted) == board
    late = replace(wanted, since=AS_OF - 20 * DAY, until=AS_OF)
    assert client.scoreboard(late) == scoreboard(store, late, requirements())
    assert client.scoreboard_titles(wanted, limit=3) == misses(store, wanted, limit=3)
    assert client.scoreboard().horizon == 1


@pytest.mark.parametrize("asked", ["horizon=3", "lead=2", "predictor=oracle", "since=2026-03-01", "measure=luck"])
def test_what_makes_no_sense_is_refused(scored_api, asked):
    answer = scored_api.get(f"/v1/scoreboard?{asked}")

    assert answer.status_code == 422, answer.text


def test_the_client_says_what_the_api_says(store):
    client = Client("http://api.test", API_KEY, transport=InProcessTransport(create_app(sample_context(store))))

    with pytest.raises(ApiError, match="There is no horizon of 3 days"):
        client.scoreboard(ScoreFilter(horizon=3))


def test_titles_come_as_csv_that_no_spreadsheet_runs(store):
    hostile = FakeStore()
    fill_scores(hostile, SampleScores(n_titles=3))
    with hostile.write() as unit:
        titles = unit.versions.history(c.TITLES).drop(columns=c.LOADED_AT)
        later = titles.assign(**{c.NAME: "=1+1", c.OBSERVED_AT: titles[c.OBSERVED_AT] + DAY})
        unit.versions.add(c.TITLES, later, "b-launched", AS_OF)
        unit.commit()
    client = Client("http://api.test", API_KEY, transport=InProcessTransport(create_app(sample_context(hostile))))

    body = client.scoreboard_titles_csv(ScoreFilter(measure="reach")).decode()

    lines = list(csv.DictReader(io.StringIO(body)))
    assert [row["name"] for row in lines] == ["'=1+1"] * 3
    assert lines[0]["predicted_at"].endswith("Z")
    assert float(lines[0]["absolute_error"]) >= float(lines[-1]["absolute_error"])


def test_the_terminal_prints_lines_groups_and_titles(store, board, capsys):
    terminal.show((board, misses(store, ScoreFilter(measure="reach", horizon=7), limit=3)), render=terminal.scored)

    said = capsys.readouterr().out
    assert "reach, 7 d: 160 launches from" in said
    assert "comparable titles" in said
    assert "only 10 titles" in said
    assert "Launched" in said


def test_the_terminal_says_that_nothing_was_scored(capsys):
    nothing = scoreboard(FakeStore(), ScoreFilter(), requirements()), misses(FakeStore(), ScoreFilter())

    terminal.show(nothing, render=terminal.scored)

    assert "Nothing was scored yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("n_new", "said"), [(3, "Held 3 predictions of 1 launches"), (0, "No outcome is new. 2 scores were taken back")]
)
def test_the_terminal_says_what_was_learned(n_new, said, capsys):
    run = Run(run_id="learn-1", verb="learn", as_of=AS_OF, started_at=AS_OF)

    report = LearnReport(run=run, n_launches=1, n_new=n_new, n_corrected=0, n_withdrawn=2)
    terminal.show(report, render=terminal.learned)

    assert said in capsys.readouterr().out
