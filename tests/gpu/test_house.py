"""The house: the simulator knows nothing of this package, and only one of its modules speaks to a device."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEVICE_CALLS = ("cuda.", "pin_memory", "mps.", "nvml", "nvidia-smi", "set_device")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_simulator_does_not_import_its_validation() -> None:
    """s3sim runs without this package."""
    for path in ROOT.glob("s3sim/**/*.py"):
        assert not [name for name in _imports(path) if name.split(".")[0] == "gpu_validate"], path


def test_only_the_device_module_speaks_to_a_device() -> None:
    """Whatever is CUDA's stands in device.py, which is short."""
    for path in ROOT.glob("gpu_validate/**/*.py"):
        if path.name != "device.py":
            code = ast.unparse(ast.parse(path.read_text(encoding="utf-8")))
            assert not [call for call in DEVICE_CALLS if f"torch.{call}" in code or f"{call}=" in code], path
    assert len((ROOT / "gpu_validate" / "device.py").read_text(encoding="utf-8").splitlines()) <= 150


def test_only_the_pin_needs_simpy() -> None:
    """A replay runs on machines that have no simpy."""
    users = {path.name for path in ROOT.glob("gpu_validate/**/*.py") if "simpy" in _imports(path)}
    assert users == {"pinned.py"}
