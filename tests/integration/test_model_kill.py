"""A process killed in the middle of an activation or a rollback leaves exactly one model active: the last it moved."""

import time
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from recsysops.bootstrap import join, move_models
from recsysops.domain.registry import ModelState
from recsysops.model import _artifacts
from recsysops.service.models import models, rollback
from recsysops.settings import ServiceSettings, Settings
from recsysops.store import open_store
from recsysops.testing import model_kills
from recsysops.testing.hostile_models import kept, small_model

KILLS = 12


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_exactly_one_model_is_active_after_every_kill(kind, tmp_path, request):
    url = f"sqlite:///{tmp_path / 's.sqlite'}" if kind == "sqlite" else request.getfixturevalue("postgres_store_url")
    model_kills.prepare(url)

    fine, swaps = model_kills.killed(url, np.random.default_rng(3), KILLS)

    assert fine == KILLS
    assert swaps >= KILLS


def test_a_rollback_brings_back_golden_predictions_bit_for_bit_within_five_seconds(tmp_path):
    settings = Settings(service=ServiceSettings(name="test"), folder=tmp_path)
    first, second = small_model(1), small_model(2)
    folder = settings.data_folder
    old = kept(first, folder)
    new = replace(kept(second, folder), trained_as_of=old.trained_as_of + timedelta(days=1))
    before = _artifacts.golden_of(old, folder)
    store = open_store(settings.store_url)
    context = join(settings, store)
    with store.write() as unit:
        unit.models.activate(old)
        unit.models.add(new)
        unit.commit()
    move_models(context, "activate", "Ada", "Newer.", model_id=new.model_id)
    _artifacts.forget()

    began = time.perf_counter()
    rollback(context, "Ada", "Worse.")
    took = time.perf_counter() - began

    assert {known.card.model_id for known in models(store).models if known.state is ModelState.ACTIVE} == {old.model_id}
    assert _artifacts.golden_of(old, folder) == before
    assert _artifacts.load(old, folder).point.texts() == first.point.texts()
    assert took < 5
    store.close()
