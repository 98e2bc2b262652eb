"""What an ingest did. Not for doing it."""

from dataclasses import dataclass

from recsysops.domain.batch import BatchReceipt
from recsysops.domain.drift import HeldBatch
from recsysops.domain.run import StepReport


@dataclass(frozen=True, kw_only=True)
class AlreadyLoaded:
    """A file whose content was loaded before: nothing was done."""

    table: str
    file: str
    batch_id: str
    """The batch it was loaded as."""


@dataclass(frozen=True, kw_only=True)
class FileError:
    """A file that could not be read; nothing of it was published."""

    table: str
    file: str
    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class IngestReport:
    """What came in and what became of it."""

    receipts: tuple[BatchReceipt, ...]
    already_loaded: tuple[AlreadyLoaded, ...]
    errors: tuple[FileError, ...]
    steps: tuple[StepReport, ...]
    label: str = ""
    """`not point-in-time` where any new batch rests on assumed times."""
    held: tuple[HeldBatch, ...] = ()
    """Batches this ingest held: nothing of them was published."""
    still_held: tuple[HeldBatch, ...] = ()
    """Batches an earlier ingest held, whose files lie there unchanged and on which nobody has decided."""
    notes: tuple[str, ...] = ()
    """What is worth knowing and stopped nothing: new columns, files a person refused."""

    @property
    def rows_in(self) -> int:
        """Rows of all new batches: accepted + duplicate + quarantined."""
        return sum(receipt.rows_in for receipt in self.receipts)

    @property
    def accepted(self) -> int:
        """Rows published."""
        return sum(receipt.accepted for receipt in self.receipts)

    @property
    def duplicate(self) -> int:
        """Rows that repeated others."""
        return sum(receipt.duplicate for receipt in self.receipts)

    @property
    def quarantined(self) -> int:
        """Rows kept out."""
        return sum(receipt.quarantined for receipt in self.receipts)
