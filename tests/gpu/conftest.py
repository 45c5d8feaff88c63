"""What these tests need beyond the extra `test`; a file whose packages are missing is one skip, which names them."""

from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest

TORCH = ("torch", "transformers")
NEEDS = {  # the first pattern that fits
    "test_endpoint_server.py": (*TORCH, "fastapi", "uvicorn", "openai"),  # transformers[serving]
    "test_endpoint_*.py": ("aiohttp", "tokenizers"),
    "test_compare.py": (),
    "test_house.py": (),
    "test_without_torch.py": ("aiohttp",),
    "test_*.py": TORCH,
}


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """A module that is skipped as a whole, before it is imported; None where nothing is missing."""
    needed = next((packages for pattern, packages in NEEDS.items() if fnmatch(module_path.name, pattern)), ())
    missing = [name for name in needed if find_spec(name) is None]
    if not missing:
        return None
    module = pytest.Module.from_parent(parent, path=module_path)

    def skip() -> NoReturn:
        pytest.skip(f"{module_path.name} needs {', '.join(missing)}, not installed: pip install -e '.[dev]'")

    module.collect = skip  # type: ignore[method-assign]
    return module
