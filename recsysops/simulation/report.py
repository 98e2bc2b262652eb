"""What a simulation reports about itself: files, counts, planted faults and dirty rows."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class PlantedFault:
    """A fault planted in an upcoming title, with its dearest cell."""

    title_id: str
    title: str
    field: str
    """Metadata field the fault is in; `embedding` or `candidate_index` where no metadata shows it."""
    kind: str
    severity: int
    market: str
    """Market where the fault costs most."""
    surface: str
    launch_at: datetime
    reach: float
    """First-day reach in that cell with the fault, a share in [0, 1]."""
    reach_without_faults: float
    material: bool
    """Whether it costs at least 0.4 logit of first-day reach in any cell."""
    words: str


@dataclass(frozen=True)
class DirtyRow:
    """A row put into a file on purpose that a careful reader refuses or counts as a duplicate."""

    file: str
    line: int
    """Line in the file, the header being line 1."""
    words: str


@dataclass(frozen=True)
class SimulationReport:
    """Everything a demo or a test wants to know about a simulated service."""

    folder: Path
    catalogue: Path
    launch_plan: Path
    expectations: Path
    impressions: Path
    """Folder of the impression files, one per UTC day."""
    interactions: Path
    """Folder of the interaction files, one per UTC day."""
    truth_treatment: Path
    truth_faults: Path
    as_of: datetime
    n_days: int
    n_impressions: int
    n_interactions: int
    n_titles: int
    """Titles in the catalogue file, back catalogue included."""
    n_upcoming: int
    n_past_faults: int
    min_active: int
    """Fewest members with an impression in any market, surface and UTC day."""
    planted: tuple[PlantedFault, ...]
    """Faults of upcoming titles, earliest launch first."""
    dirty: tuple[DirtyRow, ...]
