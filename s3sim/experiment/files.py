"""The files that an experiment names: where they are looked for, and the digest of what they hold."""

import os
from functools import lru_cache
from hashlib import file_digest
from pathlib import Path

from s3sim.core.errors import InputError

__all__ = ["DATA_VARIABLE", "content_digest", "find_file"]

DATA_VARIABLE = "S3SIM_DATA"  # a folder of downloaded traces


def find_file(name: str, *, folder: Path, place: str) -> Path:
    """The file: absolute, or beside the YAML, in the working folder, or in $S3SIM_DATA; raises InputError."""
    data = os.environ.get(DATA_VARIABLE)
    folders = dict.fromkeys([folder, Path.cwd(), *([Path(data)] if data else [])])
    for candidate in (Path(root, name) for root in folders):  # an absolute name stands for itself
        if _is_file(candidate):
            return candidate.resolve()
    looked = ", ".join(str(root) for root in folders)
    raise InputError(f"{place}: no file {name!r} in {looked}; give a path, or set {DATA_VARIABLE} to its folder")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except ValueError:  # a NUL in the name
        return False


def content_digest(path: Path) -> str:
    """SHA-256 of a file's content, so that a result is known by what was read and not by its name."""
    try:
        about = path.stat()
        return _digest(path, about.st_mtime_ns, about.st_size)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


@lru_cache(maxsize=16)
def _digest(path: Path, changed: int, size: int) -> str:
    """The digest, computed again where the file was changed."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
