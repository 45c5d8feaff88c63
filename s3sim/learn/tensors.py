"""Files of tensors: written whole or not at all, safetensors and nothing that could run code."""

import json
import os
from collections.abc import Callable, Mapping
from hashlib import file_digest
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from s3sim.core.errors import InputError, SystemFaultError

__all__ = ["TensorFile", "file_sha256", "read_tensors", "replace_file", "write_tensors"]

ABOUT = "s3sim"  # key of the header under which the JSON stands


class TensorFile(NamedTuple):
    """Tensors by name, and a JSON object about them."""

    tensors: dict[str, Any]
    about: dict[str, Any]


def write_tensors(path: Path, tensors: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Write a file atomically; raises SystemFaultError where it cannot be written."""
    plain = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    _replace(path, lambda draft: save_file(plain, draft, metadata={ABOUT: json.dumps(about)}))


def replace_file(path: Path, content: bytes) -> None:
    """Put content in a file's place at once: a reader, or a crash, finds the old file or the new one."""
    _replace(path, lambda draft: draft.write_bytes(content))


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(draft)
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    except (OSError, SafetensorError) as error:
        draft.unlink(missing_ok=True)
        raise SystemFaultError(f"{path}: cannot be written: {getattr(error, 'strerror', None) or error}") from error


def read_tensors(path: Path) -> TensorFile:
    """Read a file; raises InputError where it is truncated, altered beyond reading, or no tensors of s3sim."""
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})[ABOUT])
            return TensorFile({name: file.get_tensor(name) for name in file.keys()}, about)  # noqa: SIM118
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file") from error
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise InputError(
            f"{path}: is damaged, or was not written by s3sim ({error}); delete it and train again"
        ) from error


def file_sha256(path: Path) -> str:
    """Digest of a file's content; raises InputError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
