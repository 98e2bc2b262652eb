"""What the recommender said, embeddings, local calendar and comparable titles without a field, as features."""

import numpy as np
import pandas as pd
import pytest

from recsysops.columns import SHADOW_SCORE
from recsysops.model._asof import DAY
from recsysops.model._boosting import fit
from recsysops.model._embedding import principal, projected
from recsysops.model._encode import encode, parts, vectors
from recsysops.model._features import FeatureBuilder
from recsysops.model._known import Known
from recsysops.model._launches import LaunchBook
from recsysops.model._past import Rows
from recsysops.model._recipe import Recipe
from recsysops.model._shadow import ALONE, COMPETITION, JOINT, ShadowBook
from recsysops.model._values import Kind, clean, kind_of
from recsysops.model.forecaster import LaunchForecaster
from recsysops.settings import ModelSettings

SETTINGS = ModelSettings(seed=1, threads=1)
NEVER = 10**18
EPOCH = pd.Timestamp(0, tz="UTC")


def answers(*said):
    """Return SHADOW_SCORE of (title, day asked, joint, alone, version)."""
    numbers = (1000, 1.0, 0.8, 0.01, 0.6, -1.0, 0.0, 1.0)
    rows = []
    for title, day, joint, alone, version in said:
        n, eligible, candidate, error, percentile, *margins = numbers
        share = np.nan if joint is None else 1.0
        counted = (n, eligible * share, candidate * share, joint, alone, error, percentile * share)
        at = EPOCH + pd.Timedelta(days=day)
        rows.append((title, "US", "home", at, EPOCH, *counted, *(m * share for m in margins), version, ""))
    frame = pd.DataFrame(rows, columns=list(SHADOW_SCORE)).astype({"reach_joint": float, "reach_alone": float})
    return frame.assign(as_of=frame["as_of"].astype("datetime64[us, UTC]"))


def rows_of(*cells):
    """Return rows of (title, cut day), launched a week after."""
    title = np.array([cell[0] for cell in cells], dtype=object)
    cut = np.array([cell[1] * DAY for cell in cells], dtype=np.int64)
    place = [np.array([name] * len(cells), dtype=object) for name in ("US", "home")]
    return Rows(title, *place, cut + 7 * DAY, cut, np.full(len(cells), 7.0))


def test_the_latest_answer_at_the_cut_counts_and_a_failed_call_is_no_answer():
    book = ShadowBook(answers(("a", 1, 0.2, 0.3, "v1"), ("a", 5, 0.4, 0.4, "v2"), ("a", 7, None, None, "v2")), NEVER)

    found = book.columns(rows_of(("a", 0), ("a", 4), ("a", 9), ("b", 9)), ("v1", "v2"))

    assert np.isnan(found[JOINT]).tolist() == [True, False, False, True]
    np.testing.assert_allclose(found[JOINT][1:3], np.log([200.5 / 800.5, 400.5 / 600.5]))
    assert found["|shadow_age"][1:3].tolist() == [3.0, 4.0]
    assert found["|shadow_days_ahead"][1:3].tolist() == [10.0, 11.0]
    assert found[COMPETITION][1] < found[COMPETITION][2] == 0
    assert found["|shadow_version|is|v2"].tolist()[1:3] == [0.0, 1.0]
    for name, values in found.items():
        assert np.isnan(values[[0, 3]]).all(), name


def test_an_unknown_version_is_missing_and_versions_are_those_known_at_the_time():
    book = ShadowBook(answers(("a", 1, 0.2, 0.3, "v1"), ("a", 5, 0.4, 0.4, "v2"), ("b", 2, 0.1, 0.1, "")), NEVER)

    assert book.versions(4 * DAY) == ("v1",)
    assert book.versions(9 * DAY) == ("v1", "v2")
    assert np.isnan(book.columns(rows_of(("a", 9)), ("v1",))["|shadow_version|is|v1"]).all()


def test_answers_that_are_given_hold_at_any_time():
    book = ShadowBook(answers(("a", 50, 0.2, 0.3, "v1")), 0, is_given=True)

    found = book.columns(rows_of(("a", 9)), ())

    assert np.isfinite(found[JOINT]).all()
    assert found["|shadow_age"].tolist() == [0.0]


def book_of(n, rng):
    """Return planned launches of n titles, some of them moved."""
    launch = EPOCH + pd.to_timedelta(rng.integers(50, 70, 2 * n), unit="D")
    observed = EPOCH + pd.to_timedelta(np.r_[np.zeros(n), rng.integers(10, 60, n)], unit="D")
    frame = pd.DataFrame(
        {
            "title_id": [f"t{at}" for at in range(n)] * 2, "market": "US", "surface": "home",
            "observed_at": observed, "launch_at": launch,
            "launch_status": ["planned"] * n + list(rng.choice(["planned", "cancelled"], n)),
        }
    )  # fmt: skip
    for name in ("observed_at", "launch_at"):
        frame[name] = frame[name].astype("datetime64[us, UTC]")
    return LaunchBook(frame, (EPOCH + pd.Timedelta(days=900)).to_pydatetime())


def test_competition_of_many_rows_at_one_time_is_that_of_each_alone():
    rng = np.random.default_rng(4)
    launches = book_of(40, rng)
    said = [(f"t{at}", int(rng.integers(0, 50)), float(rng.uniform()), 0.5, "v1") for at in range(40) for _ in (1, 2)]
    rivals = ShadowBook(answers(*said), NEVER)
    many = rows_of(*((f"t{at}", 52) for at in range(45)))

    together = launches.competition(many, 3, rivals)
    alone = [launches.competition(many.take(np.array([at])), 3, rivals) for at in range(45)]

    for at, values in enumerate(together):
        np.testing.assert_array_equal(values, np.concatenate([each[at] for each in alone]))
    assert together[2].max() > 0.5


def test_the_strength_of_the_competition_is_the_others_reach_in_the_window():
    def launch(title, day):
        return (title, "US", "home", EPOCH, EPOCH + pd.Timedelta(days=day), "planned")

    columns = ["title_id", "market", "surface", "observed_at", "launch_at", "launch_status"]
    frame = pd.DataFrame([launch("new", 17), launch("a", 16), launch("b", 18), launch("far", 40)], columns=columns)
    frame = frame.assign(**{name: frame[name].astype("datetime64[us, UTC]") for name in ("observed_at", "launch_at")})
    rivals = ShadowBook(
        answers(*((title, day, reach, 0.5, "") for title, day, reach in
                  (("a", 1, 0.25), ("b", 1, 0.5), ("b", 11, 0.125), ("far", 1, 0.9), ("new", 1, 0.9)))), NEVER
    )  # fmt: skip

    _, _, strength = LaunchBook(frame, EPOCH.to_pydatetime()).competition(rows_of(("new", 10)), 3, rivals)

    assert strength.tolist() == [0.75]


def test_the_launch_is_read_by_the_clock_of_its_market(history, as_of, make):
    _, _, replace = make
    zones = {"US": "America/Los_Angeles"}
    hours = []
    for each in (history, replace(history, zones=zones), replace(history, zones={"all": "America/Los_Angeles"})):
        known = Known(each, as_of, SETTINGS)
        past = known.past("reach", 7)
        hours.append(FeatureBuilder(known, known.recipe).build(past.rows(7), past).frame)

    utc, local, general = hours

    assert sorted(set(utc["|hour"])) == [9.0, 21.0]
    assert sorted(set(local["|hour"])) == [1.0, 2.0, 13.0, 14.0]  # before and after summer time begins
    assert set(utc["|weekday"] - local["|weekday"]) == {0.0}
    pd.testing.assert_frame_equal(local, general)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([0.5, 1, 2, 3.0], (0.5, 1.0, 2.0, 3.0)), (["0.5", "-1e-3", "2", ".25"], (0.5, -0.001, 2.0, 0.25)),
        ("[0.5, 1.0, -2, 3]", (0.5, 1.0, -2.0, 3.0)), ("0.5 1.0 -2 3", (0.5, 1.0, -2.0, 3.0)),
        ([1, 2, 3, 4], ("1", "2", "3", "4")), ([0.5, 1.5], ("0.5", "1.5")), ("2013-05-01", "2013-05-01"),
        ({0.5, 1.5, 2.5, 3.5}, ("0.5", "1.5", "2.5", "3.5")), ("-", "-"), ("12 angry men, 3.5 of 4", ...),
        ([0.5, float("nan"), 1, 2], ("0.5", "1", "2")),
    ],
)  # fmt: skip
def test_a_list_of_numbers_with_decimals_is_an_embedding_in_its_own_order(value, expected):
    assert clean(value) == (value if expected is ... else expected)


def test_whole_numbers_are_an_embedding_where_the_settings_say_so():
    assert clean([3, 1, 2, 3], is_embedding=True) == (3.0, 1.0, 2.0, 3.0)
    assert kind_of([(3.0, 1.0, 2.0, 3.0)] * 5, is_text=False) is Kind.VECTOR


def test_an_embedding_becomes_its_principal_directions():
    rng = np.random.default_rng(1)
    plane = rng.normal(size=(400, 2)) @ rng.normal(size=(2, 64)) + 5
    values = [*map(tuple, plane.tolist()), None, (1.0, 2.0, 3.0, 4.5)]

    center, directions = principal(values)
    found = projected(values, center, directions)

    assert len(directions) == 2
    assert np.isnan(found[-2:]).all()
    np.testing.assert_allclose(found[:-2] @ np.array(directions) + np.array(center), plane, atol=1e-4)
    assert principal([None] * 5) == principal([(1.0, 2.0, 3.0, 4.0)] * 50) == ((), ())


def embedded(history, replace, n=240, size=16):
    """Return the history with an embedding that tells the outcome."""
    rng = np.random.default_rng(7)
    value = dict(zip(history.outcomes["title_id"], history.outcomes["value"], strict=True))
    titles = history.titles.copy()
    titles["fields"] = [
        {"vector": list(value[title] * np.arange(1, size + 1) + rng.normal(0, 0.01, size))}
        for title in titles["title_id"]
    ]
    return replace(history, titles=titles)


def test_a_recipe_with_an_embedding_survives_json_and_finds_titles_alike_by_it(history, as_of, make):
    known = Known(embedded(history, make[2]), as_of, SETTINGS)
    recipe = known.recipe
    past = known.past("reach", 7)
    states = known.catalogue.states[1:]

    again = Recipe.from_json(recipe.to_json(), recipe.text.idf, recipe.text.components)
    columns = dict(zip(*(getattr(encode(recipe, states), name) for name in ("names", "values")), strict=True))
    features = FeatureBuilder(known, recipe).build(past.rows(7), past)

    assert again == recipe or again.fingerprint == recipe.fingerprint
    assert len(vectors(recipe, states)) == len(columns["vector|direction_0"]) == len(states)
    assert np.isfinite(columns["vector|direction_0"]).all()
    late = slice(100, None)
    assert np.corrcoef(features.frame["|comparables_10"][late] + features.level[late], past.y[late])[0, 1] > 0.7


def test_comparable_titles_without_a_field_do_not_look_at_it(history, as_of, make):
    _, _, replace = make
    broken = history.titles.copy()
    last = broken["title_id"] == "t0170"
    broken["fields"] = [
        fields | {"genres": ["nonsense", "g9"]} if is_last else fields
        for fields, is_last in zip(broken["fields"], last, strict=True)
    ]
    names = ("|comparables_without|genres", "|comparables_25")
    values = []
    for each in (history, replace(history, titles=broken)):
        known = Known(each, as_of, SETTINGS)
        past = known.past("reach", 7)
        recipe = Known(history, as_of, SETTINGS).recipe
        rows = past.rows(7)
        frame = FeatureBuilder(known, recipe).build(rows.take(np.flatnonzero(rows.title == "t0170")), past).frame
        values.append([frame[name].iloc[0] for name in names])

    assert "genres" in [part.name for part in parts(recipe)]
    assert values[0][0] == pytest.approx(values[1][0])
    assert abs(values[0][1] - values[1][1]) > 1e-3


def test_the_model_never_falls_in_what_the_recommender_said():
    rng = np.random.default_rng(1)
    n = 400
    frame = pd.DataFrame({JOINT: rng.normal(size=n), ALONE: rng.normal(size=n), "other": rng.normal(size=n)})
    frame[COMPETITION] = frame[JOINT] - frame[ALONE]
    y = np.sin(3 * frame[JOINT]) + frame["other"]

    model = fit(frame, y.to_numpy(), ModelSettings(threads=1, rounds=60))
    for at in range(0, n, 40):
        joint = np.linspace(-3, 3, 50)
        line = pd.DataFrame({JOINT: joint, ALONE: frame[ALONE][at], "other": frame["other"][at]})
        line[COMPETITION] = line[JOINT] - line[ALONE]
        assert (np.diff(model.predict(line)) >= 0).all()
    free = fit(frame.rename(columns={JOINT: "a", ALONE: "b", COMPETITION: "c"}), y.to_numpy(), SETTINGS)
    assert (np.diff(free.predict(line.rename(columns={JOINT: "a", ALONE: "b", COMPETITION: "c"}))) < 0).any()


@pytest.fixture
def asked(history, as_of, make, shadow_of, quiet, tmp_path):
    """Return a forecaster trained on titles the recommender was asked about, of which metadata tells nothing."""
    _, make_cells, replace = make
    bare = history.titles.assign(fields=[{"genres": fields["genres"][1:]} for fields in history.titles["fields"]])
    history = replace(history, titles=bare, shadow=shadow_of(history))
    forecaster = LaunchForecaster()
    card = forecaster.train(history, as_of, "reach", 7, SETTINGS, tmp_path, quiet)
    return forecaster, history, card, make_cells(history, as_of)


def test_what_the_recommender_said_is_used_and_the_card_says_by_how_much(asked, as_of, tmp_path):
    forecaster, history, card, cells = asked

    found = forecaster.predict(history, cells, as_of, {("reach", 7): card}, SETTINGS, tmp_path)

    truth = history.outcomes[history.outcomes["horizon"] == 7].set_index("title_id")["value"]
    asked_about = history.shadow["title_id"][history.shadow["as_of"] <= as_of]
    model = found[(found["predictor"] == "model") & found["title_id"].isin(asked_about)]
    assert np.corrcoef(model["q50"], truth[model["title_id"]])[0, 1] > 0.7
    weights = [card.scores[f"stack_{name}"] for name in ("model", "shadow", "comparables")]
    assert sum(weights) == pytest.approx(1.0)
    assert min(weights) >= 0
    assert card.scores["stack_launches"] > 100


def test_given_titles_are_predicted_with_what_the_recommender_says_of_them(asked, as_of, tmp_path):
    forecaster, history, card, cells = asked
    cells = cells.head(6)
    titles = history.titles[history.titles["title_id"].isin(cells["title_id"])]
    stored = history.shadow[history.shadow["title_id"].isin(cells["title_id"]) & (history.shadow["as_of"] <= as_of)]
    ready = forecaster.ready(history, as_of, {("reach", 7): card}, SETTINGS, tmp_path)

    def medians(shadow):
        found = ready.predict(cells, titles, shadow)
        return found[found["predictor"] == "model"]["q50"].to_numpy()

    as_stored, as_given = medians(None), medians(stored)
    higher = medians(stored.assign(reach_joint=0.6, reach_alone=0.6))
    never = medians(stored.head(0))

    np.testing.assert_allclose(as_given, as_stored, rtol=1e-9)
    known = cells["title_id"].isin(stored["title_id"]).to_numpy()
    assert (higher[known] > as_stored[known]).all()
    assert known.any()
    assert (never[known] != as_stored[known]).all()


def test_base_and_parts_sum_to_the_answer_with_what_the_stack_adds(asked, as_of, tmp_path):
    forecaster, history, card, cells = asked

    found = forecaster.contributions(history, cells.iloc[[0]], as_of, card, SETTINGS, tmp_path)

    names = {part.name for part in found.parts}
    assert found.base + sum(part.amount for part in found.parts) == pytest.approx(found.answer, abs=1e-9)
    assert "What the recommender said when asked" in names
    assert ("The recommender's own answer, beside the model" in names) == (card.scores["stack_shadow"] > 0)
