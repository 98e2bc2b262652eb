"""The fake store's retention, written apart from the SQL it stands for."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pandas as pd

from recsysops import columns as c
from recsysops.settings import RetentionSettings
from recsysops.store.frames import LAUNCH_SCORES, RELABELLED_SCORES, RESULT_COLUMNS, micros
from recsysops.testing._fake_frames import FrameState
from recsysops.testing._fake_records import FakeRuns, RecordState


class FakeHousekeeping:
    """See `Housekeeping`."""

    def __init__(self, records: RecordState, frames: FrameState) -> None:
        """Work on both states."""
        self._records, self._frames = records, frames

    def prune(self, policy: RetentionSettings, now: datetime) -> Mapping[str, int]:
        """Remove what the policy no longer keeps; return rows removed by table, every table a key."""
        results_before = now - timedelta(days=policy.results_days)
        removed = {table: self._results(table, results_before) for table in RESULT_COLUMNS if table != c.PREDICTIONS}
        removed[c.PREDICTIONS] = self._predictions(results_before, now - timedelta(days=policy.unscored_days))
        removed[LAUNCH_SCORES] = self._scores(now - timedelta(days=policy.scores_days))
        removed[RELABELLED_SCORES] = self._relabelled(now - timedelta(days=policy.relabelled_days))
        before = now - timedelta(days=policy.runs_days)
        old = {run_id for run_id, run in self._records.runs.items() if run.started_at < before}
        tests = self._frames.scores
        gone = [run_id for run_id in list(tests)[:-1] if run_id in old]
        for run_id in gone:
            del tests[run_id]
        last = FakeRuns(self._records).last_followed()
        old -= {*self._frames.runs.values(), *tests, "" if last is None else last.run_id}
        for run_id in old:
            del self._records.runs[run_id]
        quarantine = self._quarantine(now - timedelta(days=policy.quarantine_days))
        return removed | {"backtests": len(gone), "runs": len(old), "quarantine": quarantine}

    def _results(self, table: str, before: datetime) -> int:
        times = sorted(at for name, at in self._frames.results if name == table)
        gone = [at for at in times[:-1] if at < before]
        for at in gone:
            del self._frames.runs[table, at]
        return sum(len(self._frames.results.pop((table, at))) for at in gone)

    def _predictions(self, before: datetime, settled: datetime) -> int:
        times = sorted(at for name, at in self._frames.results if name == c.PREDICTIONS)
        removed = 0
        for at in times[:-1]:
            if at >= before:
                continue
            frame = self._frames.results[c.PREDICTIONS, at]
            ends = frame[c.LAUNCH_AT] + pd.to_timedelta(frame[c.HORIZON], unit="D")
            stays = frame[ends > settled]
            removed += len(frame) - len(stays)
            if len(stays):
                self._frames.results[c.PREDICTIONS, at] = stays.reset_index(drop=True)
            else:
                del self._frames.results[c.PREDICTIONS, at], self._frames.runs[c.PREDICTIONS, at]
        return removed

    def _scores(self, before: datetime) -> int:
        kept = self._frames.launch_scores
        stays = [row for row in kept if row[c.LAUNCH_AT] >= before]
        self._frames.launch_scores = stays
        return len(kept) - len(stays)

    def _relabelled(self, before: datetime) -> int:
        kept, launch = self._frames.relabelled, c.RELABELLED.index(c.LAUNCH_AT)
        self._frames.relabelled = {key: row for key, row in kept.items() if row[launch] >= micros(before)}
        return len(kept) - len(self._frames.relabelled)

    def _quarantine(self, before: datetime) -> int:
        old = {batch.batch_id for batch in self._records.batches if batch.loaded_at < before}
        kept = [entry for entry in self._records.quarantined if entry[0] not in old]
        n = len(self._records.quarantined) - len(kept)
        self._records.quarantined[:] = kept
        return n
