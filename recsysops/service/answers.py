"""Whether a detector answered as the contract asks: what it leaves out must not look like what it found in order."""

from collections.abc import Iterable

import pandas as pd

from recsysops.columns import ALL, CELL_KEY, FINDING, FINDING_KEY, OUTCOME, RULE, SEVERITY, VERDICT
from recsysops.contract.detector import AnyDetector, Detection
from recsysops.domain.severity import Severity
from recsysops.domain.verdict import CheckOutcome
from recsysops.errors import PluginError

_OF_SERVICE = pd.DataFrame([(ALL,) * len(CELL_KEY)], columns=list(CELL_KEY))


def expect_whole(detector: AnyDetector, detection: Detection, cells: pd.DataFrame) -> None:
    """Refuse an answer that leaves out a cell, speaks of another one, or uses words nobody knows.

    Args:
        detector: Who answered.
        detection: The answer.
        cells: The cells it was asked about, columns CELL_KEY.

    Raises:
        PluginError: It breaks the contract; one sentence says how.
    """
    for name, frame, columns in (("findings", detection.findings, FINDING), ("verdicts", detection.verdicts, VERDICT)):
        if tuple(frame.columns) != columns:
            raise _broken(detector, f"its {name} have other columns than the contract names")
    asked = cells[list(CELL_KEY)]
    if detector.scope == "service":
        asked = pd.concat([asked, _OF_SERVICE], ignore_index=True)
    _expect_verdicts(detector, detection.verdicts, asked)
    _expect_words(detector, "outcome", detection.verdicts[OUTCOME], CheckOutcome)
    _expect_words(detector, "severity", detection.findings[SEVERITY], Severity)
    _expect_findings(detector, detection.findings, asked)


def _expect_verdicts(detector: AnyDetector, verdicts: pd.DataFrame, asked: pd.DataFrame) -> None:
    for rule in detector.rules:
        said = verdicts.loc[verdicts[RULE] == rule.name, list(CELL_KEY)]
        if len(said) == len(asked) and (said.to_numpy() == asked.to_numpy()).all():
            continue
        if said.duplicated().any():
            raise _broken(detector, f'it gives two verdicts on {_first(said[said.duplicated()])} by rule "{rule.name}"')
        left_out = _without(asked, said)
        if len(left_out):
            found = f"it gives no verdict on {len(left_out)} of {len(asked)} cells"
            raise _broken(detector, f'{found} by rule "{rule.name}" (the first: {_first(left_out)})')
        if len(said) > len(asked):
            raise _broken(detector, f"it judges {_first(_without(said, asked))}, which it was not asked about")
    _expect_words(detector, "rule", verdicts[RULE], [rule.name for rule in detector.rules])


def _expect_words(detector: AnyDetector, what: str, words: "pd.Series[str]", known: Iterable[str]) -> None:
    odd = sorted(set(map(str, words.unique())) - set(map(str, known)))
    if odd:
        raise _broken(detector, f'it uses the {what} "{odd[0][:60]}", which nobody knows')


def _expect_findings(detector: AnyDetector, findings: pd.DataFrame, asked: pd.DataFrame) -> None:
    strange = _without(findings[list(CELL_KEY)], asked)
    if len(strange):
        raise _broken(detector, f"it finds fault with {_first(strange)}, which it was not asked about")
    if findings[FINDING_KEY].duplicated().any():
        raise _broken(detector, "it gives two findings one key")
    _expect_words(detector, "rule", findings[RULE], [rule.name for rule in detector.rules])


def _without(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `left` that are none of `right`."""
    joined = left.astype("object").merge(right.astype("object").drop_duplicates(), how="left", indicator="found")
    return joined.loc[(joined["found"] == "left_only").to_numpy(), list(CELL_KEY)]


def _first(rows: pd.DataFrame) -> str:
    title_id, market, surface = (str(value)[:60] for value in rows.iloc[0])
    return f'"{title_id}" ({market}, {surface})'


def _broken(detector: AnyDetector, found: str) -> PluginError:
    return PluginError(
        f'Detector "{detector.name}" breaks its contract: {found}. Its answer is not used; try it with '
        "recsysops.testing.detectors."
    )
