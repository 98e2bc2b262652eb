"""What a recommender would do with titles: against a count by hand, with any abilities, and with any fault."""

import math
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from recsysops import columns as c
from recsysops.contract.recommender import Ability, AskedTitle, Eligibility, Place
from recsysops.shadow import asking as asking_module
from recsysops.shadow.asking import NUMBERS
from recsysops.testing.fake_recommender import FakeRecommender, FaultyRecommender, slow_by

LAUNCH = datetime(2026, 3, 7, tzinfo=UTC)
FROM_SCORES = {
    c.ELIGIBLE_SHARE, c.REACH_JOINT, c.REACH_ALONE, c.STANDARD_ERROR, c.RANK_PERCENTILE, c.MARGIN_P50
}  # fmt: skip
PAIR = frozenset({Ability.SCORE, Ability.ELIGIBILITY})


def by_hand(recommender, window, sample, slots):
    """Count, member by member and with Python's own sort, whom each title would be shown to."""
    place = Place(market="us", surface="home", at=window.at)
    ids = [*window.cells[c.TITLE_ID]]
    weight = [sample.shares[h] / np.sum(sample.stratum == h) for h in sample.stratum]
    rows = []
    for title in ids:
        eligible = candidate = joint = alone = percentile = 0.0
        for w, member in zip(weight, sample.members, strict=True):
            everything = [*window.on_offer, *ids, *window.rivals]
            asked = [AskedTitle(title_id=each) for each in everything]
            scores = dict(zip(everything, recommender.score([member], asked, place)[0], strict=True))
            is_candidate = dict(zip(everything, recommender.candidates([member], asked, place)[0], strict=True))
            own = scores[title]
            may = math.isfinite(own)
            eligible += w * may
            candidate += w * (may and is_candidate[title])
            pool = {t: s for t, s in scores.items() if is_candidate[t] and math.isfinite(s)}
            offered = {t: s for t, s in pool.items() if t in window.on_offer}
            above_alone = sum(s > own for s in offered.values())
            above_joint = sum(s > own for t, s in pool.items() if t != title)
            alone += w * (title in pool and above_alone < slots)
            joint += w * (title in pool and above_joint < slots)
            percentile += w * (1 - (above_alone + 1) / (len(offered) + 1)) * may
        rows.append([eligible, candidate / eligible, joint, alone, percentile / eligible])
    return np.array(rows)


def test_shares_are_those_counted_by_hand(window, sample, session):
    recommender = FakeRecommender(levels={"hit": 3.0, "odd": -2.0})
    asked = window("hit", "plain", "odd", rivals=("rival",))

    frame = session(recommender, members_per_call=17, titles_per_call=9).ask(asked, sample())

    found = frame[[c.ELIGIBLE_SHARE, c.CANDIDATE_SHARE, c.REACH_JOINT, c.REACH_ALONE]].to_numpy()
    expected = by_hand(recommender, asked, sample(), slots=5)
    assert found == pytest.approx(expected[:, :4])
    assert frame[c.RANK_PERCENTILE].to_numpy() == pytest.approx(
        expected[:, 4], abs=0.02
    )  # ranks below slots are binned
    assert frame[c.REASON].isna().all()
    assert frame[c.MODEL_VERSION].tolist() == ["fake-1"] * 3
    assert (frame[c.N_MEMBERS] == 60).all()
    assert list(frame.columns) == list(c.SHADOW_SCORE)
    assert frame[c.REACH_ALONE].iloc[0] > frame[c.REACH_ALONE].iloc[2]


def test_competition_is_the_difference_between_alone_and_together(window, sample, session):
    recommender = FakeRecommender(abilities=PAIR, levels={f"hit{i}": 4.0 for i in range(12)})
    together = window(*[f"hit{i}" for i in range(12)])

    frame = session(recommender).ask(together, sample())

    assert (frame[c.REACH_JOINT] < frame[c.REACH_ALONE]).all()
    one = session(recommender).ask(window("hit0"), sample())
    assert one[c.REACH_JOINT].tolist() == one[c.REACH_ALONE].tolist()
    assert one[c.REACH_ALONE].iloc[0] == pytest.approx(frame[c.REACH_ALONE].iloc[0])


def test_the_order_of_the_titles_does_not_matter(window, sample, session):
    recommender = FakeRecommender()
    there = session(recommender).ask(window("a", "b", "x"), sample()).set_index(c.TITLE_ID)
    back = session(recommender).ask(window("x", "b", "a"), sample()).set_index(c.TITLE_ID)

    pd.testing.assert_frame_equal(there[list(NUMBERS)], back.loc[there.index, list(NUMBERS)])


def test_a_title_that_is_never_shown_has_no_reach_and_no_margin(window, sample, session):
    frame = session(FakeRecommender(never=frozenset({"a"}))).ask(window("a", "b"), sample())

    row = frame.iloc[0]
    assert (row[c.ELIGIBLE_SHARE], row[c.REACH_JOINT], row[c.REACH_ALONE]) == (0, 0, 0)
    assert row[[c.CANDIDATE_SHARE, c.RANK_PERCENTILE, c.MARGIN_P50]].isna().all()
    assert row[c.STANDARD_ERROR] > 0  # of few members nobody can say that it is nobody


def test_an_excluded_title_says_why_and_competes_with_nobody(window, sample, session):
    recommender = FakeRecommender(levels={"out": 9.0}, excluded={"out": "no licence"})

    frame = session(recommender).ask(window("out", "b"), sample())

    assert frame[c.ELIGIBLE_SHARE].tolist()[0] == 0
    assert frame[c.REACH_JOINT].tolist()[0] == 0
    assert "no licence" in frame[c.REASON].tolist()[0]
    alone = session(recommender).ask(window("b"), sample())
    assert frame[c.REACH_JOINT].iloc[1] == alone[c.REACH_JOINT].iloc[0]


def test_titles_on_offer_that_are_not_eligible_take_no_slot(window, sample, session):
    levels = {f"o{i}": 20.0 for i in range(10)}
    gone = FakeRecommender(abilities=PAIR, levels=levels, excluded=dict.fromkeys(levels, "expired"))

    frame = session(gone).ask(window("a"), sample())

    assert frame[c.REACH_ALONE].iloc[0] > 0
    assert (
        session(FakeRecommender(abilities=PAIR, levels=levels)).ask(window("a"), sample())[c.REACH_ALONE].iloc[0] == 0
    )


def test_titles_without_a_launch_are_on_offer_only_where_the_recommender_says_so(window, sample, session):
    levels = {"back": 20.0}
    asked = window("a", n_offered=5, unscheduled=("back",))
    with_list = session(FakeRecommender(abilities=PAIR, levels=levels), slots=1).ask(asked, sample())
    without = session(FakeRecommender(abilities=frozenset({Ability.SCORE}), levels=levels), slots=1).ask(
        asked, sample()
    )

    assert with_list[c.REACH_ALONE].iloc[0] == 0
    assert without[c.REACH_ALONE].iloc[0] > 0


def test_equal_scores_share_the_last_slot(window, sample, session):
    def flat(ability, answer):
        return np.zeros_like(answer) if ability == "score" else answer

    frame = session(FaultyRecommender(abilities=PAIR, fault=flat)).ask(window("a", "b"), sample())

    assert frame[[c.REACH_JOINT, c.REACH_ALONE]].to_numpy() == pytest.approx(0.5)
    assert frame[c.MARGIN_P50].isna().all()  # nobody's scores differ


def test_margins_are_in_standard_deviations_of_a_members_scores(window, sample, session):
    def stretched(ability, answer):
        return answer * 100 if ability == "score" else answer

    plain = session(FakeRecommender(abilities=PAIR)).ask(window("a"), sample())
    wide = session(FaultyRecommender(abilities=PAIR, fault=stretched)).ask(window("a"), sample())

    margins = [c.MARGIN_P10, c.MARGIN_P50, c.MARGIN_P90]
    assert wide[margins].to_numpy() == pytest.approx(plain[margins].to_numpy(), rel=1e-4)
    assert plain[c.MARGIN_P10].iloc[0] < plain[c.MARGIN_P50].iloc[0] < plain[c.MARGIN_P90].iloc[0]


@pytest.mark.parametrize(
    ("abilities", "known"),
    [
        ({Ability.SCORE}, FROM_SCORES),
        ({Ability.CANDIDATES}, {c.CANDIDATE_SHARE}),
        ({Ability.ELIGIBILITY}, {c.ELIGIBLE_SHARE}),
        ({Ability.CANDIDATES, Ability.ELIGIBILITY}, {c.CANDIDATE_SHARE, c.ELIGIBLE_SHARE}),
        ({Ability.SCORE, Ability.CANDIDATES}, {c.CANDIDATE_SHARE, *FROM_SCORES}),
        (set(), set()),
    ],
)  # fmt: skip
def test_what_cannot_be_known_is_missing(window, sample, session, abilities, known):
    frame = session(FakeRecommender(abilities=frozenset(abilities))).ask(window("a", "b"), sample())

    have = {name for name in NUMBERS if frame[name].notna().all()} - {c.MARGIN_P10, c.MARGIN_P90}
    assert have == known
    assert frame[[name for name in NUMBERS if name not in known | {c.MARGIN_P10, c.MARGIN_P90}]].isna().all(axis=None)


def answers_of(change):
    def fault(ability, answer):
        return change(answer) if ability == "score" else answer

    return fault


def raising(_):
    raise RuntimeError("out\x1b[2J of\nmemory")


def leaving(_):
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (raising, r"raised: It raised RuntimeError: out\x1b[2J of memory"),
        (leaving, "raised: It raised SystemExit"),
        (lambda scores: scores.T, "wrong_shape"),
        (lambda scores: scores[:, 0], "wrong_shape"),
        (lambda scores: np.where(scores == scores.max(), np.nan, scores), "not_a_number"),
        (lambda scores: scores * np.inf, "not_a_number"),
        (lambda scores: scores.astype(str), "wrong_type"),
        (lambda scores: scores > 0, "wrong_type"),
        (lambda scores: None, "wrong_type"),
        (lambda scores: scores.astype(complex), "wrong_type"),
        (lambda scores: [[1.0], [1.0, 2.0]], "raised"),
    ],
)
def test_a_fault_costs_the_numbers_and_is_named(window, sample, session, change, reason):
    faulty = FaultyRecommender(fault=answers_of(change))

    frame = session(faulty).ask(window("a", "b"), sample())

    assert frame[[c.REACH_JOINT, c.REACH_ALONE]].isna().all(axis=None)
    assert (frame[c.N_MEMBERS] == 0).all()
    assert frame[c.ELIGIBLE_SHARE].tolist() == [1, 1]  # what was answered stays
    assert all(reason in said for said in frame[c.REASON])


def test_a_call_that_hangs_does_not_hang_the_run(window, sample, session):
    faulty = FaultyRecommender(abilities=frozenset({Ability.SCORE}), fault=slow_by(3))
    began = time.perf_counter()

    frame = session(faulty, timeout_seconds=0.1, members_per_call=10).ask(window("a"), sample())

    assert time.perf_counter() - began < 2.5
    assert frame[c.REACH_JOINT].isna().all()
    assert frame[c.REASON].iloc[0].startswith(("too_slow", "hangs", "gave_up"))


def test_a_whole_run_has_a_time_of_its_own(window, sample, session):
    asking = session(FaultyRecommender(abilities=frozenset({Ability.SCORE}), fault=slow_by(0.2)), total_seconds=0.3)
    asking.ask(window("a"), sample())
    asking.ask(window("b", n_offered=41), sample())

    frame = asking.ask(window("x", n_offered=42), sample())

    assert frame[c.REASON].iloc[0].startswith("out_of_time")
    assert asking.is_over


def test_a_recommender_that_has_failed_often_is_left_alone(window, sample, session):
    faulty = FaultyRecommender(abilities=frozenset({Ability.SCORE}), fault=answers_of(raising))
    asking = session(faulty, members_per_call=1)

    for title in ("a", "b", "x"):
        frame = asking.ask(window(title), sample())

    assert len(faulty.calls) == 5
    assert asking.is_over
    assert "calls failed in a row" in frame[c.REASON].iloc[0]


def test_members_who_were_not_answered_cost_sharpness_alone(window, sample, session):
    seen = []

    def sometimes(ability, answer):
        seen.append(ability)
        if len(seen) == 2:
            raise ConnectionResetError("gone")
        return answer

    faulty = FaultyRecommender(abilities=frozenset({Ability.SCORE}), fault=sometimes)
    frame = session(faulty, members_per_call=20).ask(window("a"), sample())

    assert frame[c.N_MEMBERS].tolist() == [40]
    assert frame[c.REACH_JOINT].notna().all()
    assert "ConnectionResetError" in frame[c.REASON].iloc[0]


def test_one_title_the_recommender_chokes_on_does_not_cost_the_others(window, sample, session):
    class Choking(FakeRecommender):
        def score(self, members, titles, place):
            if any(title.title_id in {"bad", "o7"} for title in titles):
                raise KeyError("no such title")
            return super().score(members, titles, place)

    frame = session(Choking(abilities=frozenset({Ability.SCORE}))).ask(window("a", "bad", "b"), sample())

    assert frame[c.REACH_JOINT].notna().tolist() == [True, False, True]
    assert "KeyError" in frame[c.REASON].tolist()[1]
    assert frame[c.REASON].isna().tolist()[0]


def test_a_list_of_eligibilities_that_is_not_the_one_asked_for_is_refused(window, sample, session):
    def shuffled(ability, answer):
        return answer[::-1] if ability == "eligibility" else answer

    frame = session(FaultyRecommender(abilities=frozenset({Ability.ELIGIBILITY}), fault=shuffled)).ask(
        window("a", "b"), sample()
    )

    assert frame[c.ELIGIBLE_SHARE].isna().all()
    assert frame[c.REASON].str.startswith("bad_list").all()


def test_where_nobody_was_active_nobody_is_asked_about(window, session):
    recommender = FakeRecommender()

    frame = session(recommender).ask(window("a"), None)

    assert frame[c.REACH_JOINT].isna().all()
    assert "No member was active" in frame[c.REASON].iloc[0]
    assert {call[0] for call in recommender.calls} == {"eligibility"}


def test_where_nothing_else_is_on_offer_reach_means_nothing(window, sample, session):
    frame = session(FakeRecommender()).ask(window("a", n_offered=3), sample())

    assert frame[c.REACH_JOINT].isna().all()
    assert "Only 3 other titles" in frame[c.REASON].iloc[0]


def test_asking_again_with_changed_metadata_asks_about_the_changed_titles_alone(window, sample, session):
    recommender = FakeRecommender(abilities=frozenset({Ability.SCORE, Ability.CHANGED_METADATA}))
    asking = session(recommender)
    plain = asking.ask(window("a"), sample())
    before = len(recommender.calls)

    changed = asking.ask(window("a", fields={"a": {"level": 5.0}}), sample())

    assert changed[c.REACH_ALONE].iloc[0] > plain[c.REACH_ALONE].iloc[0]
    assert [call[2] for call in recommender.calls[before:]] == [1]


def test_a_session_apart_knows_what_the_other_learned_and_fails_alone(window, sample, session):
    recommender = FaultyRecommender(abilities=frozenset({Ability.SCORE}))
    asked = session(recommender)
    asked.ask(window("t1"), sample())
    n = len(recommender.calls)
    apart = asked.apart()

    apart.ask(window("t2"), sample())
    known = len(recommender.calls) - n
    recommender.fault = lambda ability, answer: None
    for _ in range(5):
        apart.ask(window("t3"), sample())
    recommender.fault = lambda ability, answer: answer

    assert known == 1  # what is on offer is not asked about again
    assert apart.is_over
    assert not asked.is_over
    assert asked.ask(window("t4"), sample())[c.REACH_JOINT].notna().all()


def test_of_many_windows_the_scores_remembered_are_bounded(window, sample, session, monkeypatch):
    monkeypatch.setattr(asking_module, "_REMEMBERED", 1)
    recommender = FakeRecommender(abilities=frozenset({Ability.SCORE}))
    asked = session(recommender)

    for at in (LAUNCH, LAUNCH + timedelta(days=9)):
        asked.ask(window("t1", at=at), sample())
    asked.ask(window("t2", at=LAUNCH + timedelta(days=9)), sample())
    asked.ask(window("t2"), sample())

    assert [n for _, _, n in recommender.calls] == [40, 1, 40, 1, 1, 40, 1]


def test_changed_metadata_needs_the_ability(window, sample, session):
    frame = session(FakeRecommender(abilities=frozenset({Ability.SCORE}))).ask(
        window("a", fields={"a": {"level": 5.0}}), sample()
    )

    assert frame[c.REACH_JOINT].isna().all()
    assert "changed_metadata" in frame[c.REASON].iloc[0]


def test_the_past_needs_the_ability(window, sample, session):
    past = window("a")
    past = type(past)(**{**vars(past), "known_at": past.at - timedelta(days=7)})
    recommender = FakeRecommender(abilities=frozenset({Ability.SCORE, Ability.PAST}))

    able = session(recommender).ask(past, sample())
    unable = session(FakeRecommender(abilities=frozenset({Ability.SCORE}))).ask(past, sample())

    assert able[c.REACH_JOINT].notna().all()
    assert {place.known_at for place in recommender.places} == {past.known_at}
    assert "past" in unable[c.REASON].iloc[0]


def test_what_an_adapter_hands_out_may_change_later(window, sample, session):
    shared = {}

    def reused(ability, answer):
        if ability != "score":
            return answer
        kept = shared.setdefault(answer.shape, answer)
        kept[:] = answer
        return kept

    plain = session(FakeRecommender()).ask(window("a", "b"), sample())
    reusing = session(FaultyRecommender(fault=reused), members_per_call=20).ask(window("a", "b"), sample())

    assert reusing[c.REACH_JOINT].tolist() == pytest.approx(plain[c.REACH_JOINT].tolist())


def test_reasons_of_an_adapter_are_cut_and_harmless(window, sample, session):
    class Loud(FakeRecommender):
        def eligibility(self, titles, place):
            return tuple(
                Eligibility(title_id=title.title_id, is_eligible=False, reason="\x1b[31m" + "no " * 500)
                for title in titles
            )

    frame = session(Loud(abilities=frozenset({Ability.ELIGIBILITY}))).ask(window("a"), sample())

    assert "\x1b" not in frame[c.REASON].iloc[0]
    assert len(frame[c.REASON].iloc[0]) < 300


def test_about_that_fails_is_told_in_every_answer(window, sample, session):
    class Broken(FakeRecommender):
        @property
        def version(self):
            raise OSError("no model")

        @version.setter
        def version(self, value):
            pass

    asking = session(Broken())

    frame = asking.ask(window("a"), sample())

    assert "no model" in asking.reason
    assert asking.abilities == frozenset()
    assert "no model" in frame[c.REASON].iloc[0]


def test_candidates_alone_are_told_of_the_members_who_were_answered(window, sample, session):
    seen = []

    def sometimes(ability, answer):
        seen.append(ability)
        if len(seen) == 1:
            raise OSError("gone")
        return answer

    able = FaultyRecommender(abilities=frozenset({Ability.CANDIDATES}), fault=sometimes)
    frame = session(able, members_per_call=20).ask(window("a"), sample())
    none = session(
        FaultyRecommender(abilities=frozenset({Ability.CANDIDATES}), fault=lambda ability, answer: None)
    ).ask(window("a"), sample())

    assert frame[c.N_MEMBERS].tolist() == [40]
    assert frame[c.CANDIDATE_SHARE].notna().all()
    assert none[c.CANDIDATE_SHARE].isna().all()
    assert none[c.REASON].str.startswith("wrong_type").all()


def test_a_fault_of_members_is_not_laid_at_the_titles_door(window, sample, session):
    class Odd(FakeRecommender):
        def score(self, members, titles, place):
            if len(members) > 10:
                raise MemoryError
            return super().score(members, titles, place)

    frame = session(Odd(abilities=frozenset({Ability.SCORE}))).ask(window("a", "b"), sample())

    assert frame[c.REACH_JOINT].isna().all()
    assert frame[c.REASON].str.contains("MemoryError").all()


def test_where_most_titles_are_bad_it_is_not_the_titles(window, sample, session):
    class Old(FakeRecommender):
        def score(self, members, titles, place):
            if any(title.title_id.startswith("new") for title in titles):
                raise KeyError("unknown title")
            return super().score(members, titles, place)

    titles = [f"{'new' if i % 8 == 0 else 'a'}{i}" for i in range(320)]
    frame = session(Old(abilities=frozenset({Ability.SCORE}))).ask(window(*titles), sample())

    assert frame[c.REACH_JOINT].isna().all()


def test_a_call_that_comes_back_late_lets_the_next_one_through(window, sample, session):
    waits = iter([0.15])

    def late_once(ability, answer):
        time.sleep(next(waits, 0))
        return answer

    faulty = FaultyRecommender(abilities=frozenset({Ability.SCORE}), fault=late_once)
    frame = session(faulty, timeout_seconds=0.1, members_per_call=30).ask(window("a"), sample())

    assert frame[c.N_MEMBERS].tolist() == [30]
