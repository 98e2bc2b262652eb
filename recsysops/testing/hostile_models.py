"""Models that were damaged or made with ill will: for tests of what stands between a model file and the process.

Everything is made from a seed. Not for damaging a model that anybody needs.
"""

import dataclasses
import json
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import MODEL
from recsysops.domain.model import ModelCard
from recsysops.model import _artifacts, _signing
from recsysops.model._boosting import fit
from recsysops.model._conformal import Calibration
from recsysops.model._files import MANIFEST, digest
from recsysops.model._recipe import Recipe
from recsysops.model._training import TrainedModel
from recsysops.settings import ModelSettings

N_COLUMNS: Final = 6
_VALUES: Final = (
    "nan", "inf", "-inf", "-1", "0", "1", "2", "99999999", "-99999999", "2147483648", "9" * 25, "1e999", "-1e308", "",
    "x", "1_0", "0x10", "1 1", "\x00", "٣",
)  # fmt: skip
Mutate = Callable[[bytes, np.random.Generator], bytes]


def small_model(seed: int = 1, *, n_columns: int = N_COLUMNS) -> TrainedModel:
    """Return a model of a few small trees on made-up numbers."""
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(200, n_columns))
    rows[generator.random(rows.shape) < 0.1] = np.nan
    outcome = np.nan_to_num(rows[:, 0]) - 0.5 * np.nan_to_num(rows[:, 1]) + generator.normal(0, 0.1, 200)
    frame = pd.DataFrame(rows, columns=[f"c{at}" for at in range(n_columns)])
    settings = ModelSettings(seed=seed, rounds=10, leaves=5, threads=1)
    point = fit(frame, outcome, settings)
    score = generator.normal(0, 0.3, 50)
    calibration = Calibration(generator.normal(size=50), score, np.arange(50, dtype=np.int64) % 2)
    return TrainedModel(Recipe.fit([], settings, ["us"], ["home"]), point, None, calibration)


def kept(model: TrainedModel, folder: Path, *, measure: str = "reach", horizon: int = 1) -> ModelCard:
    """Write a model as training does, and return its card."""
    model_id, manifest = _artifacts.write(model, f"{measure}-{horizon}d", {}, folder)
    return ModelCard(
        model_id=model_id, measure=measure, horizon=horizon, trained_as_of=datetime(2026, 1, 1, tzinfo=UTC), n_titles=1,
        n_rows=200, folder=f"{_artifacts.MODELS}/{model_id}", manifest_sha256=manifest, serves=MODEL,
    )  # fmt: skip


def forged(card: ModelCard, folder: Path, changed: Mapping[str, bytes], *, name: str = "forged") -> ModelCard:
    """Return the card of a copy in which files were changed and every hash and the signature made anew.

    The golden predictions stay those of training: who damages a model before it is signed does not know them.
    """
    place = folder / _artifacts.MODELS / name
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder / card.folder, place)
    manifest = json.loads((place / MANIFEST).read_bytes())
    for file, content in changed.items():
        (place / file).write_bytes(content)
        manifest["files"][file] = {"sha256": digest(content), "bytes": len(content)}
    content = json.dumps(manifest, sort_keys=True, indent=1).encode()
    (place / MANIFEST).write_bytes(content)
    (place / _signing.SIGNATURE).write_bytes(_signing.sign(content, folder))
    return dataclasses.replace(card, folder=f"{_artifacts.MODELS}/{name}", manifest_sha256=digest(content))


def mutant(text: bytes, generator: np.random.Generator) -> bytes:
    """Return a LightGBM text with one thing wrong; it may be the same where a value was put in its own place."""
    return _WAYS[int(generator.integers(0, len(_WAYS)))](text, generator)


def _field(text: bytes, generator: np.random.Generator) -> bytes:
    """Change one value of one field: the commonest damage, and the most dangerous."""
    lines = text.decode().split("\n")
    sign = "=" if generator.random() < 0.9 else ": "  # most lines are parameters, which matter least
    places = [at for at, line in enumerate(lines) if sign in line]
    at = places[int(generator.integers(0, len(places)))]
    key, _, value = lines[at].partition(sign)
    tokens = value.split(" ")
    which = int(generator.integers(0, len(tokens)))
    tokens[which] = _token(tokens[which], generator)
    lines[at] = key + sign + " ".join(tokens)
    return "\n".join(lines).encode()


def _token(token: str, generator: np.random.Generator) -> str:
    digits = [at for at, sign in enumerate(token) if sign.isdigit()]
    if digits and generator.random() < 0.6:
        at = digits[int(generator.integers(0, len(digits)))]
        return f"{token[:at]}{generator.integers(0, 10)}{token[at + 1 :]}"
    return _VALUES[int(generator.integers(0, len(_VALUES)))]


def _cut(text: bytes, generator: np.random.Generator) -> bytes:
    return text[: int(generator.integers(0, len(text)))]


def _byte(text: bytes, generator: np.random.Generator) -> bytes:
    at = int(generator.integers(0, len(text)))
    return text[:at] + bytes([int(generator.integers(0, 256))]) + text[at + 1 :]


def _lines(text: bytes, generator: np.random.Generator) -> bytes:
    """Drop, double or exchange lines."""
    lines = text.split(b"\n")
    one, two = (int(at) for at in generator.integers(0, len(lines), 2))
    way = int(generator.integers(0, 3))
    if way == 0:
        del lines[one]
    elif way == 1:
        lines.insert(two, lines[one])
    else:
        lines[one], lines[two] = lines[two], lines[one]
    return b"\n".join(lines)


def _trees(text: bytes, generator: np.random.Generator) -> bytes:
    """Exchange the bodies of two trees, or put one in another's place; the header's sizes may fit or not."""
    parts = text.split(b"Tree=")
    one, two = (int(at) for at in generator.integers(1, len(parts), 2))
    bodies = [part.partition(b"\n") for part in parts]
    keeps = bool(generator.integers(0, 2))
    mine, other = bodies[one], bodies[two]
    parts[one] = b"%s\n%s" % (mine[0], other[2])
    if keeps:
        parts[two] = b"%s\n%s" % (other[0], mine[2])
    return b"Tree=".join(parts)


def _more(text: bytes, generator: np.random.Generator) -> bytes:
    """Put something between, or after the end."""
    at = len(text) if generator.random() < 0.3 else int(generator.integers(0, len(text)))
    junk = generator.integers(0, 128, int(generator.integers(1, 40))).astype(np.uint8).tobytes()
    return text[:at] + junk + text[at:]


_WAYS: Final[tuple[Mutate, ...]] = (_field, _field, _field, _field, _cut, _byte, _lines, _trees, _more)
