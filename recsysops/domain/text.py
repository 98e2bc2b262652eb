"""Text that others wrote, made fit to be shown on one line. Not for HTML or Markdown: each face escapes for its own."""

import unicodedata
from typing import Final

_JOINERS: Final = frozenset("\u200c\u200d")
"""Format characters that scripts and emoji need; they cannot move or hide other text."""
_HARMFUL: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"})


def plain(text: str, limit: int | None = None) -> str:
    r"""Return text without line breaks, terminal controls or characters that change reading direction.

    Args:
        text: Untrusted text.
        limit: Longest result in characters, None for any; a cut is shown by an ellipsis, which counts.

    Returns:
        The text with runs of white space as one space and each harmful character written as its escape, e.g. `\x1b`.
    """
    # Cut before escaping: a cell of a million characters costs no more than what is shown of it.
    source = text if limit is None else text[: 4 * limit + 4]
    shown = " ".join(source.split())
    if not (shown.isascii() and shown.isprintable()):
        shown = "".join(_safe(character) for character in shown)
    if limit is None or (len(shown) <= limit and len(source) == len(text)):
        return shown
    return shown[: max(limit - 1, 0)].rstrip() + "…"


def _safe(character: str) -> str:
    if character.isascii() and character.isprintable():
        return character
    if character in _JOINERS or unicodedata.category(character) not in _HARMFUL:
        return character
    return character.encode("unicode_escape").decode("ascii")
