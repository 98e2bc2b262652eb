"""Rules on one field: an expectation of Great Expectations with a mask of our own, judged on the different values."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsysops.quality._catalogue import Bools, Catalogue
from recsysops.quality._distinct import distinct
from recsysops.quality._masks import MASKS
from recsysops.quality._prepared import COLUMN, Prepared
from recsysops.quality._suite_file import SuiteRule
from recsysops.quality.missing import shown


def prepare(rule: SuiteRule, field: str, catalogue: Catalogue, here: Bools) -> Prepared:
    """Return a rule on a field, made ready; missing values are not judged, of lists every element is.

    Args:
        rule: With an expectation in `MASKS`.
        field: One of its fields; some title has it.
        catalogue: All cells.
        here: Which cells it holds in.
    """
    column = catalogue.column(field)
    owners, items = column.items()
    kwargs = dict(rule.kwargs)
    mostly = float(kwargs.pop("mostly", 1.0))
    once = distinct(pd.Series(items, dtype="object"))
    seen, is_met = MASKS[rule.expectation](list(once.each), kwargs)
    broken = np.zeros(len(column.found.each) + 1, dtype=np.bool_)
    is_item_bad = ~once.flags(is_met, of_nothing=True) if len(items) else np.zeros(0, dtype=np.bool_)
    np.logical_or.at(broken, owners, is_item_bad)
    judged = here & column.rows_filled
    cells = np.flatnonzero(judged & broken[column.found.codes])
    if mostly < 1 and len(cells) <= (1 - mostly) * judged.sum():
        cells = cells[:0]
    bad_items = _bad_items(owners, items, is_item_bad)
    return Prepared(
        expectation=rule.expectation, kwargs=kwargs, columns={COLUMN: seen}, broken=~is_met, judged=judged,
        cells=cells, found=[bad_items[at] for at in column.found.codes[cells]], details=[""] * len(cells),
    )  # fmt: skip


def _bad_items(owners: npt.NDArray[np.int64], items: list[object], is_bad: Bools) -> dict[int, str]:
    """Return, by different value, its elements that break the rule, as text that can be shown."""
    found: dict[int, list[str]] = {}
    for at in np.flatnonzero(is_bad):
        found.setdefault(int(owners[at]), []).append(shown(items[at]))
    return {owner: shown(texts) if len(texts) > 1 else texts[0] for owner, texts in found.items()}
