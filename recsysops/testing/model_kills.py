"""Kills a process that activates models and rolls them back, over and over, and looks at what it left behind.

Started as `python -m recsysops.testing.model_kills STORE_URL` it swaps until it is killed. Not for a store in use.
"""

import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime

import numpy as np

from recsysops.domain.model import ModelCard
from recsysops.domain.registry import ModelMove, MoveKind
from recsysops.store import open_store

_AT = datetime(2026, 1, 1, tzinfo=UTC)
IDS = ("m0", "m1", "m2")


def card(model_id: str) -> ModelCard:
    """Return the card of a model that has no files."""
    return ModelCard(
        model_id=model_id, measure="reach", horizon=1, trained_as_of=_AT, n_titles=1, n_rows=1, folder="models/x",
        manifest_sha256="0" * 64, serves="model",
    )  # fmt: skip


def prepare(url: str) -> None:
    """Make a store with three models, the first of them active."""
    with closing(open_store(url)) as store, store.write() as unit:
        for model_id in IDS[1:]:
            unit.models.add(card(model_id))
        unit.models.activate(card(IDS[0]))
        unit.models.record(_move(IDS[0], None))
        unit.commit()


def swap(url: str) -> None:
    """Activate one model after another, each with its move in one transaction, until killed."""
    with closing(open_store(url)) as store:
        at = 0
        while True:
            at += 1
            with store.write() as unit:
                before = unit.models.active()[0].model_id
                unit.models.activate(card(IDS[at % 3]))
                unit.models.challenge(card(IDS[(at + 1) % 3]), _AT)
                unit.models.record(_move(IDS[at % 3], before))
                unit.commit()
            if at == 1:  # from here on, and not while it starts, it is worth killing
                sys.stdout.write("ready\n")
                sys.stdout.flush()


def killed(url: str, generator: np.random.Generator, n: int) -> tuple[int, int]:
    """Kill the swapping process `n` times at random moments; return how often all was well, and the swaps made.

    Well: exactly one model is active, it is the one of the last move, and it is not its own challenger.
    """
    fine = 0
    for _ in range(n):
        words = [sys.executable, "-P", "-m", "recsysops.testing.model_kills", url]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as process:  # noqa: S603 - this very program
            assert process.stdout is not None
            process.stdout.readline()
            try:
                process.wait(float(generator.uniform(0, 0.08)))
            except subprocess.TimeoutExpired:
                process.kill()
        with closing(open_store(url, read_only=True)) as store, store.read() as unit:
            active, moves = unit.models.active(), unit.models.moves()
            beside = [known.card.model_id for known in unit.models.challengers()]
        is_one = len(active) == 1 and active[0].model_id == moves[-1].model_id
        fine += is_one and active[0].model_id not in beside
    return fine, len(moves) - 1


def _move(model_id: str, previous_id: str | None) -> ModelMove:
    return ModelMove(
        measure="reach", horizon=1, model_id=model_id, kind=MoveKind.ACTIVATED, previous_id=previous_id, actor="Ada",
        reason="why", at=_AT,
    )  # fmt: skip


if __name__ == "__main__":
    swap(sys.argv[1])
