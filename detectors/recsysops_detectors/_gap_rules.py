"""The rules of `expectation_gap`: how bad each plan's gap is, and whose business."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from recsysops import columns as c
from recsysops.domain.severity import FindingClass, Severity
from recsysops_detectors import _gap_numbers as g

if TYPE_CHECKING:
    from recsysops_detectors.expectation_gap import ExpectationGapParams

UNDER_SERVED: Final = "under_served"
OVER_SERVED: Final = "over_served"
UNFIT: Final = "unfit_expectation"
MORE_LIKELY_THAN_NOT: Final = 0.5


def judged(plans: pd.DataFrame, rule: str, params: "ExpectationGapParams") -> pd.DataFrame:
    """Return the plans with the severity (empty for none) and class a rule gives them, worst first."""
    severity, finding_class = _RULES[rule](plans, params)
    rows = plans.assign(**{c.SEVERITY: severity, c.CLASS: finding_class})
    is_own = rows[c.AUTHOR] == c.COMPARABLE_TITLES
    rows.loc[is_own & (rows[c.SEVERITY] != ""), c.SEVERITY] = Severity.INFO.value
    rank = rows[c.SEVERITY].map({severity.value: severity.rank for severity in Severity}).fillna(len(Severity))
    size = rows[g.SIZE] * (-1 if rule == OVER_SERVED else 1)
    order = rows.assign(rank=rank, **{g.SIZE: size}).sort_values(
        ["rank", g.SIZE, c.HORIZON], ascending=[True, False, True]
    )
    return order.drop(columns="rank")


_Judgement = tuple[pd.Series, pd.Series]


def _class(plans: pd.DataFrame) -> pd.Series:
    finding_class = pd.Series(FindingClass.ALGORITHM.value, index=plans.index, dtype="object")
    finding_class[plans[g.IS_ALONE]] = FindingClass.PREDICTION.value
    finding_class[plans[g.IS_UNFIT]] = FindingClass.PLAN.value
    finding_class[plans[g.MISSING] != ""] = FindingClass.SETUP.value
    return finding_class


def _short(plans: pd.DataFrame, params: "ExpectationGapParams") -> _Judgement:
    severity, finding_class = pd.Series("", index=plans.index, dtype="object"), _class(plans)
    matters = plans[g.SHORTFALL] >= params.min_worth
    is_sure = (plans[g.P_BELOW] >= params.min_probability) & matters
    is_large = plans[g.SHORTFALL] >= params.critical_shortfall_share * plans[g.PLANNED]
    # Comparable titles inherit the fault they should expose, and a plan that fits nothing may be a slip of the pen:
    # neither is a reason to wake anybody.
    may_page = (plans[c.PREDICTOR] != c.COMPARABLE_TITLES) & (finding_class != FindingClass.PLAN.value)
    severity[is_sure] = Severity.WARNING.value
    severity[is_sure & is_large & may_page] = Severity.CRITICAL.value
    is_material = plans[g.SHORTFALL] > (1 - 1 / params.tolerance) * plans[g.PLANNED]
    is_wide = plans[g.SPREAD] > np.log(params.unsure_ratio)
    is_unsure = ~is_sure & matters & (plans[g.P_BELOW] >= MORE_LIKELY_THAN_NOT) & is_material & is_wide
    severity[is_unsure] = Severity.INFO.value
    finding_class[is_unsure] = FindingClass.PREDICTION.value
    return severity, finding_class


def _over(plans: pd.DataFrame, params: "ExpectationGapParams") -> _Judgement:
    is_sure = (plans[g.P_ABOVE] >= params.min_probability) & (plans[g.EXCESS] >= params.min_worth)
    return pd.Series(np.where(is_sure, Severity.WARNING.value, ""), index=plans.index, dtype="object"), _class(plans)


def _unfit(plans: pd.DataFrame, _: "ExpectationGapParams") -> _Judgement:
    severity = pd.Series(np.where(plans[g.IS_UNFIT], Severity.INFO.value, ""), index=plans.index, dtype="object")
    return severity, pd.Series(FindingClass.PLAN.value, index=plans.index, dtype="object")


_RULES: Final[Mapping[str, Callable[[pd.DataFrame, "ExpectationGapParams"], _Judgement]]] = {
    UNDER_SERVED: _short,
    OVER_SERVED: _over,
    UNFIT: _unfit,
}
