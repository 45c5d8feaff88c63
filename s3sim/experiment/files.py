"""Where the files that an experiment names are looked for."""

import os
from pathlib import Path

from s3sim.core.errors import InputError

__all__ = ["DATA_VARIABLE", "find_file"]

DATA_VARIABLE = "S3SIM_DATA"  # a folder of downloaded traces


def find_file(name: str, *, folder: Path, place: str) -> Path:
    """The file: absolute, or beside the YAML, in the working folder, or in $S3SIM_DATA; raises InputError."""
    data = os.environ.get(DATA_VARIABLE)
    folders = [folder, Path.cwd(), *([Path(data)] if data else [])]
    for candidate in (Path(root, name) for root in folders):  # an absolute name stands for itself
        if candidate.is_file():
            return candidate.resolve()
    looked = ", ".join(str(root) for root in folders)
    raise InputError(f"{place}: no file {name!r} in {looked}; give a path, or set {DATA_VARIABLE} to its folder")
