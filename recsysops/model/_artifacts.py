"""A trained model as files, and back. A file is hostile until proven otherwise, and no pickle.

Before this process hands a byte to LightGBM: the manifest's hash is the card's, its signature is ours, every file has
its hash, every field of every file makes sense, and another process, held to a memory and a time, has loaded the model
and got the golden predictions, bit for bit. That verdict is remembered by the manifest's hash, so it is paid for once.
"""

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any, Final

from recsysops.columns import MODEL_ID
from recsysops.domain.model import ModelCard
from recsysops.errors import ModelError
from recsysops.model import _golden, _loading, _signing
from recsysops.model._contents import files_of, model_of
from recsysops.model._files import MANIFEST, damaged, digest, listed, manifest_from, read
from recsysops.model._packing import json_bytes
from recsysops.model._structure import RejectedError, Tree
from recsysops.model._structure_files import check_files
from recsysops.model._training import TrainedModel

MODELS: Final = "models"
"""Folder of all models, below the data folder."""
_MAX_MANIFEST: Final = 4 << 20
_verdicts: dict[str, str] = {}
"""By the manifest's hash: why a model is refused; empty where it may be loaded."""
_verdicts_lock: Final = Lock()


@dataclass(frozen=True)
class Layers:
    """Which layers of the defence stand; tests take some away to see what the others hold."""

    signature: bool = True
    structure: bool = True
    child: bool = True


_ALL: Final = Layers()


def write(model: TrainedModel, target: str, facts: Mapping[str, object], folder: Path) -> tuple[str, str]:
    """Write a model below `folder`, all of it or nothing, signed with the data folder's key.

    Args:
        model: What was trained.
        target: Measure and horizon, the first part of the model's id.
        facts: Training facts for the manifest; JSON values only.
        folder: The data folder.

    Returns:
        The model id, a hash of content and facts, and the SHA-256 of its manifest.

    Raises:
        ModelError: Our own check refuses what was trained.
    """
    files = files_of(model)
    try:
        trees = check_files(files)
    except RejectedError as error:
        raise ModelError(
            f"What was trained for {target} cannot be kept: {error} (expected a model that passes its own check). "
            "Please report it."
        ) from error
    golden = _golden.golden(model, _by_ensemble(trees))
    files |= golden.files()
    sizes = {name: {"sha256": digest(content), "bytes": len(content)} for name, content in sorted(files.items())}
    entries = {
        "target": target, "facts": _finite(facts), "files": sizes, "versions": _versions(), "golden": golden.answers,
    }  # fmt: skip
    model_id = f"{target}-{digest(json_bytes(entries))[:16]}"
    manifest = json_bytes({MODEL_ID: model_id, **entries})
    signature = _signing.sign(manifest, folder)
    _place(folder / MODELS / model_id, {**files, MANIFEST: manifest, _signing.SIGNATURE: signature})
    return model_id, digest(manifest)


def load(card: ModelCard, folder: Path, *, layers: Layers = _ALL) -> TrainedModel:
    """Read the model a card names, after every layer of the defence let it through.

    Raises:
        ModelError: A file is missing or was changed, the model was signed by another key or by nobody, is no model such
            as we write, or answers otherwise than when it was trained.
    """
    _, files = _verified(card, folder, layers)
    _let_through(card, folder, files, layers)
    return model_of(files)


def why_refused(card: ModelCard, folder: Path) -> str:
    """Return why the model of a card cannot be trusted, one sentence; empty where it may be loaded."""
    try:
        _, files = _verified(card, folder, _ALL)
        _let_through(card, folder, files, _ALL)
    except ModelError as error:
        return str(error)
    return ""


def golden_of(card: ModelCard, folder: Path) -> Mapping[str, Any]:
    """Return the golden predictions of a model, from its manifest; ModelError where that cannot be trusted."""
    return dict(_verified(card, folder, _ALL)[0]["golden"])


def forget() -> None:
    """Forget every verdict: each model is examined again when it is next needed."""
    with _verdicts_lock:
        _verdicts.clear()


def _verified(card: ModelCard, folder: Path, layers: Layers) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return manifest and files whose hashes and signature are right; nobody has made sense of a file yet."""
    place = folder / card.folder
    if not place.resolve().is_relative_to((folder / MODELS).resolve()):
        raise damaged(card.model_id, MANIFEST)
    content = read(place, MANIFEST, card.model_id, _MAX_MANIFEST)
    if digest(content) != card.manifest_sha256:
        raise damaged(card.model_id, MANIFEST)
    if layers.signature:
        _signing.verify(content, _signature(place, card.model_id), folder, card.model_id)
    manifest = manifest_from(content, card.model_id, card.manifest_sha256)
    return manifest, listed(place, manifest, card.model_id)


def _signature(place: Path, model_id: str) -> bytes:
    if not (place / _signing.SIGNATURE).exists():
        raise ModelError(
            f'Model "{model_id}" cannot be trusted: it is not signed. Run `recsysops train` to make it anew.'
        )
    return read(place, _signing.SIGNATURE, model_id, 1000)


def _let_through(card: ModelCard, folder: Path, files: Mapping[str, bytes], layers: Layers) -> None:
    """Raise ModelError where a model is refused; only a verdict of all layers is remembered."""
    with _verdicts_lock:
        why_not = _verdicts.get(card.manifest_sha256) if layers == _ALL else None
    if why_not is None:
        why_not, is_final = _examined(card, folder, files, layers)
        if layers == _ALL and is_final:
            with _verdicts_lock:
                _verdicts[card.manifest_sha256] = why_not
    if why_not:
        raise ModelError(
            f'Model "{card.model_id}" cannot be trusted: {why_not}. '
            "Run `recsysops train`, or `recsysops model rollback`."
        )


def _examined(card: ModelCard, folder: Path, files: Mapping[str, bytes], layers: Layers) -> tuple[str, bool]:
    """Return why a model is refused, and whether the same question would be answered the same again."""
    if layers.structure:
        try:
            check_files(files)
        except RejectedError as error:
            return f"its file is not as we write it ({error})", True
    if not layers.child:
        return "", True
    job = {
        "place": str((folder / card.folder).absolute()), MODEL_ID: card.model_id,
        "manifest_sha256": card.manifest_sha256,
    }  # fmt: skip
    try:
        return _loading.loader().why_not(job), True
    except _loading.LostError as error:
        # What kills one process kills the next; what was only slow may have met a busy machine.
        return f"the process that loaded it did not survive: {error}", "longer" not in str(error)


def _by_ensemble(trees: Mapping[str, tuple[Tree, ...]]) -> dict[str, Sequence[Sequence[Tree]]]:
    """Return the trees of each ensemble's texts, in their order."""
    named: dict[str, list[tuple[int, tuple[Tree, ...]]]] = {}
    for name, known in trees.items():
        ensemble, _, number = name.removesuffix(".txt").rpartition("_")
        named.setdefault(ensemble, []).append((int(number), known))
    return {name: [known for _, known in sorted(texts, key=lambda text: text[0])] for name, texts in named.items()}


def _place(place: Path, files: Mapping[str, bytes]) -> None:
    fresh = place.with_name(f".{place.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, content in files.items():
        (fresh / name).write_bytes(content)
    # The id names the content, so whatever stands there already is the same model, or a damaged copy of it.
    shutil.rmtree(place, ignore_errors=True)
    fresh.rename(place)


def _finite(value: object) -> object:
    """Return JSON values with None for what is no number: a score that could not be computed."""
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("lightgbm", "numpy", "pandas", "recsysops", "scikit-learn")}
