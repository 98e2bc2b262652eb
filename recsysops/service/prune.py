"""`prune`: removes what the settings under [retention] no longer keep. What is kept for ever is in `Housekeeping`."""

from collections.abc import Mapping
from dataclasses import dataclass

from recsysops.domain.run import Run
from recsysops.service.context import Context
from recsysops.service.recording import Recorder


@dataclass(frozen=True, kw_only=True)
class PruneReport:
    """What was removed."""

    run: Run
    removed: Mapping[str, int]
    """Rows removed by table; every table is a key."""

    @property
    def n_removed(self) -> int:
        """Rows removed of all tables."""
        return sum(self.removed.values())


def prune(context: Context) -> PruneReport:
    """Remove what is older than it need be, on record as a run of its own."""
    recorder = Recorder(context, "prune", context.as_of())
    removed = prune_into(context, recorder)
    return PruneReport(run=recorder.finish(), removed=removed)


def prune_into(context: Context, recorder: Recorder) -> Mapping[str, int]:
    """Do the work of `prune` as a step of another run."""
    with recorder.step("prune") as step:
        with context.store.write() as unit:
            # A replay stands in the past and a rehearsal in the future: neither may cost what is young by the clock.
            removed = unit.housekeeping.prune(context.settings.retention, min(context.as_of(), context.clock()))
            unit.commit()
        step.n = sum(removed.values())
    return removed
