"""Modules that need an extra, which may not be installed."""

import importlib
import importlib.util
from types import ModuleType

import pytest

__all__ = ["imported"]

EXTRA = {"torch", "transformers", "sklearn", "safetensors", "tokenizers"}  # of pip install 's3sim[learn]'


def imported(name: str) -> ModuleType:
    """The module; a test of one that needs an extra that is not installed is skipped."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in EXTRA or importlib.util.find_spec(error.name) is not None:
            raise
        pytest.skip(f"{name} needs {error.name}, of the extra `learn`")
