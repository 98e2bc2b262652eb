"""What a person decides through a process that otherwise only reads: on held batches, and on models.

For `bootstrap` to hand on; the store is opened for writing for that one decision.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from recsysops.service.context import Context

if TYPE_CHECKING:
    from recsysops.domain.registry import ModelAnswer
    from recsysops.service.release import DecisionReport

DECISION_WAIT_SECONDS = 2.0
"""How long a person who decides waits for another writer."""


def decide(
    context: Context, verb: Literal["release", "discard"], batch_id: str, by: str, reason: str
) -> "DecisionReport":
    """Record what a person decides on a held batch."""
    from recsysops.service.release import discard, release

    with _deciding(context, verb) as own:
        return (release if verb == "release" else discard)(own, batch_id, by, reason)


def move_models(
    context: Context, verb: Literal["activate", "rollback"], by: str, reason: str, *, model_id: str = "",
    measure: str | None = None, horizon: int | None = None,
) -> "tuple[ModelAnswer, ...]":  # fmt: skip
    """Record what a person decides on models."""
    from recsysops.service.models import activate, rollback

    with _deciding(context, f"model {verb}") as own:
        if verb == "activate":
            return (activate(own, model_id, by, reason),)
        return rollback(own, by, reason, measure=measure, horizon=horizon)


@contextmanager
def _deciding(context: Context, verb: str) -> Iterator[Context]:
    """Yield the context on a store that may be written; the context's own is only read, and stays so."""
    from recsysops.store import open_store
    from recsysops.store.lock import writer_lock

    settings = context.settings
    wait = min(settings.service.lock_wait_seconds, DECISION_WAIT_SECONDS)
    url = settings.store_url
    with (
        writer_lock(settings.data_folder, wait_seconds=wait, verb=verb, store_url=url),
        closing(open_store(url)) as store,
    ):
        yield replace(context, store=store)
