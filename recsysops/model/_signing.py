"""Signatures of models: HMAC-SHA256 of the manifest, with a key of this data folder that never leaves it by itself.

It says that a model was trained by who holds the key. Not against who can read the data folder's files of this user.
"""

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from recsysops.errors import ModelError

KEY_FILE: Final = "model.key"
SIGNATURE: Final = "manifest.sig"
_HEAD: Final = "recsysops-model hmac-sha256"
_SIGNATURE: Final = re.compile(rf"{_HEAD} ([0-9a-f]{{16}}) ([0-9a-f]{{64}})\n")
_KEY: Final = re.compile(r"[0-9a-f]{64}\n?")


def sign(manifest: bytes, folder: Path) -> bytes:
    """Return the signature of a manifest, with the data folder's key, which is made on first use."""
    key = _made(folder)
    return f"{_HEAD} {_name(key)} {hmac.digest(key, manifest, 'sha256').hex()}\n".encode()


def verify(manifest: bytes, signature: bytes, folder: Path, model_id: str) -> None:
    """Check that a manifest was signed with the data folder's key.

    Raises:
        ModelError: There is no key, the signature is of another key, or of another manifest.
    """
    key = _read(folder)
    if key is None:
        raise ModelError(
            f'Model "{model_id}" cannot be trusted: the key it was signed with is gone ("{KEY_FILE}" in the data '
            "folder). Copy the key from where it was trained, or run `recsysops train`."
        )
    found = _SIGNATURE.fullmatch(signature[:1000].decode("ascii", "replace"))
    if found is not None and found[1] != _name(key):
        raise ModelError(
            f'Model "{model_id}" cannot be trusted: it was signed with key {found[1]} (expected this data folder\'s, '
            f'{_name(key)}). Copy "{KEY_FILE}" from where it was trained, or run `recsysops train`.'
        )
    if found is None or not hmac.compare_digest(hmac.digest(key, manifest, "sha256").hex(), found[2]):
        raise ModelError(
            f'Model "{model_id}" cannot be trusted: its signature is not that of its manifest. '
            "Run `recsysops train` to make it anew."
        )


def signed_elsewhere(folder: Path, models: Iterable[str]) -> tuple[str, ...]:
    """Return which models' folders, below a data folder, its key did not sign; a key that is not there signed none."""
    try:
        key = _read(folder)
    except ModelError:
        key = None
    own = "" if key is None else _name(key)
    return tuple(model for model in models if _signer(folder / model / SIGNATURE) not in {own, None})


def _signer(file: Path) -> str | None:
    """Return what the key is called that made a signature; None where there is no readable one."""
    try:
        found = _SIGNATURE.fullmatch(file.read_bytes()[:1000].decode("ascii", "replace"))
    except OSError:
        return None
    return None if found is None else found[1]


def key_problem(folder: Path) -> str:
    """Return what is wrong with the data folder's key; empty where it is fine, or not made yet."""
    path = folder / KEY_FILE
    try:
        mode = path.stat().st_mode
        _read(folder)
    except FileNotFoundError:
        return ""
    except ModelError as error:
        return str(error)
    except OSError as error:
        return f'"{path}" cannot be read: {error.strerror}.'
    if not stat.S_ISREG(mode) or stat.S_IMODE(mode) & 0o077:
        return f'"{path}" has mode {stat.S_IMODE(mode):04o} (expected 0600): others may sign models.'
    return ""


def _made(folder: Path) -> bytes:
    """Return the key; of several processes that make it at once, one succeeds and all use its key."""
    known = _read(folder)
    if known is not None:
        return known
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link appears whole or not at all, and never in place of a key that is there.
        os.link(fresh, folder / KEY_FILE)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    made = _read(folder)
    assert made is not None
    return made


def _read(folder: Path) -> bytes | None:
    try:
        text = (folder / KEY_FILE).read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(
            f'The key of models cannot be read: "{folder / KEY_FILE}". Restore it, or remove it.'
        ) from error
    if _KEY.fullmatch(text) is None:
        raise ModelError(
            f'"{folder / KEY_FILE}" is no key of models (expected 64 hexadecimal digits). Restore it, or remove it and '
            "run `recsysops train`."
        )
    return bytes.fromhex(text.strip())


def _name(key: bytes) -> str:
    """Return what a key is called: it tells keys apart and tells nothing of them."""
    return hashlib.sha256(b"recsysops model key " + key).hexdigest()[:16]
