"""The files of a model on disk: read once, bounded, compared with the manifest before anybody makes sense of them."""

import hashlib
import os
import stat
from pathlib import Path
from typing import Any, Final

from recsysops.columns import MODEL_ID
from recsysops.errors import ModelError
from recsysops.model._structure import MAX_BYTES, RejectedError
from recsysops.model._structure_files import MAX_FILES, parsed

MANIFEST: Final = "manifest.json"
_MAX_MANIFEST: Final = 4 << 20
_PARTS: Final = {MODEL_ID: str, "target": str, "facts": dict, "files": dict, "versions": dict, "golden": dict}


def manifest_of(place: Path, model_id: str, sha256: str) -> dict[str, Any]:
    """Return a manifest that has this hash.

    Raises:
        ModelError: It cannot be read, was changed, or is not as we write it.
    """
    return manifest_from(read(place, MANIFEST, model_id, _MAX_MANIFEST), model_id, sha256)


def manifest_from(content: bytes, model_id: str, sha256: str) -> dict[str, Any]:
    """Return what a manifest with this hash says; see `manifest_of`."""
    if digest(content) != sha256:
        raise damaged(model_id, MANIFEST)
    try:
        entries = parsed(content)
    except (ValueError, RecursionError, RejectedError) as error:
        raise damaged(model_id, MANIFEST) from error
    is_ours = isinstance(entries, dict) and entries.keys() == _PARTS.keys()
    if not is_ours or not all(isinstance(entries[name], kind) for name, kind in _PARTS.items()):
        raise damaged(model_id, MANIFEST)
    if entries[MODEL_ID] != model_id or len(entries["files"]) > MAX_FILES:
        raise damaged(model_id, MANIFEST)
    return dict(entries)


def listed(place: Path, manifest: dict[str, Any], model_id: str) -> dict[str, bytes]:
    """Return the files a manifest lists, each with the hash and the size it names.

    Raises:
        ModelError: One is missing, too large or another one.
    """
    files = {}
    for name, entry in manifest["files"].items():
        if not isinstance(entry, dict) or not isinstance(entry.get("bytes"), int):
            raise damaged(model_id, MANIFEST)
        content = read(place, name, model_id, min(entry["bytes"], MAX_BYTES))
        if len(content) != entry["bytes"] or digest(content) != entry.get("sha256"):
            raise damaged(model_id, name)
        files[name] = content
    return files


def read(place: Path, name: str, model_id: str, most: int) -> bytes:
    """Return a file of at most `most` bytes; a link, a pipe or a folder in its place is refused.

    Raises:
        ModelError: It cannot be read, or is larger.
    """
    if "/" in name or "\\" in name or name.startswith("."):
        raise damaged(model_id, name)
    try:
        # A link would lead out of the folder, a pipe would never answer.
        descriptor = os.open(place / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            said = os.fstat(descriptor)
            if not stat.S_ISREG(said.st_mode) or said.st_size > most:
                raise damaged(model_id, name)
            content = file.read(most + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "its name makes no sense"
        raise ModelError(
            f'Model "{model_id}" cannot be loaded: its file "{name}" cannot be read ({why}). '
            "Run `recsysops train` to make it anew."
        ) from error
    if len(content) > most:
        raise damaged(model_id, name)
    return content


def damaged(model_id: str, name: str) -> ModelError:
    """Return the error for a file that is not what the manifest, or the card, says."""
    return ModelError(
        f'Model "{model_id}" cannot be trusted: its file "{name}" does not match its manifest. '
        "Run `recsysops train` to make it anew."
    )


def digest(content: bytes) -> str:
    """Return the SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()
