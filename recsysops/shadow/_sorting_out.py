"""Finds the titles a recommender chokes on, so that one of them does not cost the others."""

from collections.abc import Sequence
from typing import Final

from recsysops.contract.recommender import AskedTitle, Place
from recsysops.shadow._faults import Fault, Unanswered
from recsysops.shadow._thresholds import scores_of
from recsysops.shadow.guarded import GuardedRecommender

OF_TITLES: Final = frozenset({Fault.RAISED, Fault.WRONG_SHAPE, Fault.WRONG_TYPE, Fault.NOT_A_NUMBER})
"""Faults that one title may be the cause of: a recommender that is slow or gone is so for all."""
_PIECE: Final = 32
_MEMBERS: Final = 4
_MAX_BAD_PIECES: Final = 8
"""Where more pieces have a bad title, it is not the titles."""


def bad_titles(
    guarded: GuardedRecommender, members: Sequence[str], titles: Sequence[AskedTitle], place: Place, fault: Unanswered
) -> dict[str, Unanswered]:
    """Ask a few members about a few titles at a time, and about each alone where that fails.

    Args:
        guarded: Who is asked.
        members: Members to ask about.
        titles: Titles of which some may be bad.
        place: Where.
        fault: What went wrong when all were asked about at once.

    Returns:
        The bad titles and what is wrong with each; all of them where it is not a matter of titles.
    """
    everything = dict.fromkeys((title.title_id for title in titles), fault)
    if fault.fault not in OF_TITLES:
        return everything
    few, bad, n_bad_pieces = members[:_MEMBERS], dict[str, Unanswered](), 0
    for start in range(0, len(titles), _PIECE):
        piece = titles[start : start + _PIECE]
        if not isinstance(scores_of(guarded, few, piece, place), Unanswered):
            continue
        n_bad_pieces += 1
        if n_bad_pieces > _MAX_BAD_PIECES:
            return everything
        for title in piece:
            answer = scores_of(guarded, few, [title], place)
            if isinstance(answer, Unanswered):
                bad[title.title_id] = answer
    return bad or everything  # few members did not show it: the fault lies elsewhere
