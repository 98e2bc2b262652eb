"""Which log files are read alike. Not for reading them."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence

from recsysops.domain.batch import LogFile
from recsysops.domain.log_view import LogView
from recsysops.events.coverage import span_of


def alike(files: Sequence[LogFile]) -> Iterator[tuple[LogView, int | None, list[LogFile]]]:
    """Yield files that are read alike: their view, the start of their declared day where it matters, the files."""
    found: dict[tuple[str, int | None], list[LogFile]] = defaultdict(list)
    for file in files:
        span = None if file.declared_day is None or LogView.of(file.mapping).is_plain else span_of(file)
        reading = json.dumps(LogView.of(file.mapping).as_mapping(), sort_keys=True)
        found[reading, None if span is None else span.start].append(file)
    for (reading, day), group in found.items():
        yield LogView.of(json.loads(reading)), day, group
