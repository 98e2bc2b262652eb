"""Says which files a count was made from, so that it is used again only while those are the ones that count."""

import hashlib
import json
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from recsysops.domain.batch import LogFile
from recsysops.domain.log_view import LogView
from recsysops.events.coverage import Ints, microseconds

_DEFINITION: Final = "1"
"""Changes with what is counted, so that nothing counted otherwise is used again."""
Keys = npt.NDArray[np.int64]


class FileKeys:
    """Keys of the files with rows in a stretch of time: a sum of 128-bit hashes, which knows no order."""

    def __init__(self, files: Sequence[LogFile]) -> None:
        timed = [(_hash(file), file.first_at, file.last_at) for file in files if file.first_at and file.last_at]
        self._hashes = np.asarray([each[0] for each in timed], dtype=np.uint64).reshape(-1, 2)
        self._first = np.asarray([microseconds(each[1]) for each in timed], dtype=np.int64)
        self._last = np.asarray([microseconds(each[2]) for each in timed], dtype=np.int64)

    def between(self, start: Ints, end: Ints) -> Keys:
        """Return the key of each stretch, two columns: all files begun before its end, less those over before it."""
        begun = self._up_to(self._first, end)
        over = self._up_to(self._last, start)
        return (begun - over).view(np.int64)

    def _up_to(self, times: Ints, limits: Ints) -> npt.NDArray[np.uint64]:
        order = np.argsort(times, kind="stable")
        sums = np.zeros((len(order) + 1, 2), dtype=np.uint64)
        np.cumsum(self._hashes[order], axis=0, out=sums[1:])
        return sums[np.searchsorted(times[order], limits, side="left")]


def _hash(file: LogFile) -> list[int]:
    """Return what a file's counted rows follow from, as two whole numbers."""
    view = json.dumps(LogView.of(file.mapping).as_mapping(), sort_keys=True)
    said = "\n".join((_DEFINITION, file.content_hash, str(file.mapping.get("sha256")), str(file.declared_day), view))
    digest = hashlib.sha256(said.encode()).digest()
    return [int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:16], "big")]
