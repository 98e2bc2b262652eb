"""What every recommender adapter must do: functions `check_*`, for ours and for other people's.

    @pytest.mark.parametrize("check", RECOMMENDER_CHECKS)
    def test_my_adapter_keeps_the_contract(check):
        check(connected, questions)

A check is silent or raises AssertionError with a sentence. It asks only for what the adapter says it can answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from recsysops.contract.recommender import Ability, AnyAdapter, AskedTitle, Eligibility, Place, Recommender


@dataclass(frozen=True, kw_only=True)
class Questions:
    """What an adapter is asked in the checks: members and titles that its recommender knows."""

    members: Sequence[str]
    """At least 3."""
    titles: Sequence[str]
    """At least 3."""
    place: Place

    @property
    def asked(self) -> list[AskedTitle]:
        """The titles, with the metadata the recommender has."""
        return [AskedTitle(title_id=title) for title in self.titles]


Check = Callable[[Recommender, Questions], None]


def check_it_can_answer_something(recommender: Recommender, questions: Questions) -> None:
    """An adapter without score, candidates and eligibility is no use."""
    abilities = recommender.abilities
    assert isinstance(abilities, frozenset), "abilities must be a frozenset"
    assert all(isinstance(ability, Ability) for ability in abilities), "abilities must be of the enum Ability"
    assert abilities & {Ability.SCORE, Ability.CANDIDATES, Ability.ELIGIBILITY}, "it can answer nothing"
    assert recommender.abilities == abilities, "abilities change from one look to the next"
    assert questions.members, "the questions name no member"


def check_its_version_is_text(recommender: Recommender, questions: Questions) -> None:
    """The version is text, and the same after questions."""
    version = recommender.version
    assert isinstance(version, str), "the version must be text"
    _ask_everything(recommender, questions)
    assert recommender.version == version, "the version changes without a new model"


def check_scores_have_the_right_shape_and_are_numbers(recommender: Recommender, questions: Questions) -> None:
    """Scores are members by titles, finite or -inf."""
    if Ability.SCORE not in recommender.abilities:
        return
    scores = recommender.score(questions.members, questions.asked, questions.place)
    _shaped(scores, questions)
    assert np.asarray(scores).dtype.kind == "f", "scores must be floats"
    assert not np.isnan(scores).any(), "a score is NaN (-inf: never shown to this member)"
    assert not np.isposinf(scores).any(), "a score is +inf"


def check_candidates_have_the_right_shape_and_are_flags(recommender: Recommender, questions: Questions) -> None:
    """Candidates are members by titles, true or false."""
    if Ability.CANDIDATES not in recommender.abilities:
        return
    flags = recommender.candidates(questions.members, questions.asked, questions.place)
    _shaped(flags, questions)
    assert np.asarray(flags).dtype.kind == "b", "candidates must be true or false"


def check_eligibility_is_told_in_the_order_asked(recommender: Recommender, questions: Questions) -> None:
    """Every title has its eligibility, in the order asked, and an excluded one a reason."""
    if Ability.ELIGIBILITY not in recommender.abilities:
        return
    for asked in (questions.asked, questions.asked[::-1]):
        found = recommender.eligibility(asked, questions.place)
        assert all(isinstance(each, Eligibility) for each in found), "the answers must be of Eligibility"
        told = [each.title_id for each in found]
        assert told == [title.title_id for title in asked], "the titles are not those asked about, in their order"
        assert all(each.is_eligible or each.reason for each in found), "a title is excluded without a reason"


def check_the_same_question_has_the_same_answer(recommender: Recommender, questions: Questions) -> None:
    """Asked twice about the same time, it says the same."""
    for first, second in zip(*(_ask_everything(recommender, questions) for _ in range(2)), strict=True):
        assert np.array_equal(first, second), "the same question has two answers"


def check_some_members_have_the_same_rows(recommender: Recommender, questions: Questions) -> None:
    """A member's answer does not depend on who else is asked about."""
    some = replace(questions, members=[questions.members[1], questions.members[0]])
    for whole, part in zip(_matrices(recommender, questions), _matrices(recommender, some), strict=True):
        assert np.allclose(whole[[1, 0]], part), "a member's answer depends on the other members asked about"


def check_the_order_of_titles_does_not_matter(recommender: Recommender, questions: Questions) -> None:
    """A title's answer does not depend on its place in the question."""
    turned = replace(questions, titles=questions.titles[::-1])
    for there, back in zip(_matrices(recommender, questions), _matrices(recommender, turned), strict=True):
        assert np.allclose(there, back[:, ::-1]), "a title's answer depends on its place in the question"


def check_some_titles_have_the_same_columns(recommender: Recommender, questions: Questions) -> None:
    """A title's answer does not depend on which others are asked about: competition is counted by who asks."""
    some = replace(questions, titles=questions.titles[:1])
    for whole, part in zip(_matrices(recommender, questions), _matrices(recommender, some), strict=True):
        assert np.allclose(whole[:, :1], part), "a title's answer depends on the other titles asked about"


def check_no_question_is_no_answer(recommender: Recommender, questions: Questions) -> None:
    """Without titles or members the answer is empty, of the right shape."""
    for members, titles in ((questions.members, ()), ((), questions.titles)):
        empty = replace(questions, members=members, titles=titles)
        for answer in _matrices(recommender, empty):
            assert answer.size == 0, "something is answered where nothing was asked"


def check_changed_metadata_is_used(recommender: Recommender, questions: Questions) -> None:
    """Metadata given in place of what the recommender has is taken; without the ability nobody gives any."""
    if not {Ability.CHANGED_METADATA, Ability.SCORE} <= recommender.abilities:
        return
    bare = [AskedTitle(title_id=title, fields={}) for title in questions.titles]
    scores = recommender.score(questions.members, bare, questions.place)
    _shaped(scores, questions)
    assert not np.isnan(scores).any(), "a title without any metadata has no score (-inf: never shown)"


def check_a_changed_launch_is_taken(recommender: Recommender, questions: Questions) -> None:
    """A launch given in place of the one the recommender knows is taken; without the ability nobody gives any."""
    if not {Ability.CHANGED_METADATA, Ability.SCORE} <= recommender.abilities:
        return
    at = questions.place.at
    moved = [AskedTitle(title_id=title, launch_at=at) for title in questions.titles]
    scores = recommender.score(questions.members, moved, questions.place)
    _shaped(scores, questions)
    assert not np.isnan(scores).any(), "a title with another launch has no score (-inf: never shown)"


RECOMMENDER_CHECKS: Final[tuple[Check, ...]] = (
    check_it_can_answer_something, check_its_version_is_text, check_scores_have_the_right_shape_and_are_numbers,
    check_candidates_have_the_right_shape_and_are_flags, check_eligibility_is_told_in_the_order_asked,
    check_the_same_question_has_the_same_answer, check_some_members_have_the_same_rows,
    check_the_order_of_titles_does_not_matter, check_some_titles_have_the_same_columns,
    check_no_question_is_no_answer, check_changed_metadata_is_used,
    check_a_changed_launch_is_taken,
)  # fmt: skip
"""All of them."""


def check_adapter(adapter: AnyAdapter, name: str) -> None:
    """Its name is its entry point's, it says what it is, and its settings are documented and refuse the unknown."""
    assert adapter.name == name, "the adapter calls itself otherwise than its entry point"
    assert adapter.summary.strip().endswith("."), "the summary is no sentence"
    assert adapter.settings.model_config.get("extra") == "forbid", "unknown settings are not refused"
    bare = [entry for entry, field in adapter.settings.model_fields.items() if not field.description]
    assert not bare, f"settings without a description: {', '.join(bare)}"


def _ask_everything(recommender: Recommender, questions: Questions) -> list[np.ndarray]:
    answers = _matrices(recommender, questions)
    if Ability.ELIGIBILITY in recommender.abilities:
        listed = recommender.eligibility(questions.asked, questions.place)
        answers.append(np.array([each.is_eligible for each in listed]))
    return answers


def _matrices(recommender: Recommender, questions: Questions) -> list[np.ndarray]:
    answers = []
    if Ability.SCORE in recommender.abilities:
        answers.append(np.asarray(recommender.score(questions.members, questions.asked, questions.place)))
    if Ability.CANDIDATES in recommender.abilities:
        answers.append(np.asarray(recommender.candidates(questions.members, questions.asked, questions.place)))
    for answer in answers:
        _shaped(answer, questions)
    return answers


def _shaped(answer: object, questions: Questions) -> None:
    found, expected = np.asarray(answer).shape, (len(questions.members), len(questions.titles))
    assert found == expected, f"the answer has the shape {found} ({expected} is expected)"
