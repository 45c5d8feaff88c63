"""The notebooks run, use the public API alone, and are committed with small outputs."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MOST_BYTES = 300_000
TIMEOUT = 120  # seconds
ALLOWED = {"s3sim", "gpu_validate", "pandas", "PIL", *sys.stdlib_module_names}  # Pillow comes with Matplotlib

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)


def read(path: Path) -> Any:
    """A notebook as it is committed."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def code(notebook: Any) -> list[Any]:
    """Its code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(cell: Any) -> list[list[str]]:
    """What kinds of output a cell has."""
    return [sorted(output.get("data", {"stream": None})) for output in cell.outputs]


EXECUTE = """
import sys
import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
for cell in notebook.cells:
    if cell.cell_type == "code":
        cell.outputs = []
specs = KernelSpecManager(kernel_dirs=[])  # no installed kernel may stand for this interpreter
manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs)
try:
    NotebookClient(notebook, km=manager, timeout=60, resources={"metadata": {"path": sys.argv[2]}}).execute()
finally:
    run_sync(manager.shutdown_kernel)(now=True)
print(nbformat.writes(notebook))
"""


def executed(path: Path) -> Any:
    """The notebook, run from the first cell to the last by this interpreter, in the notebooks' folder.

    In a process of its own: the libraries that run notebooks warn, which is not this project's to mend.
    """
    call = [sys.executable, "-c", EXECUTE, str(path), str(FOLDER)]
    done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr
    return nbformat.reads(done.stdout, as_version=4)  # type: ignore[no-untyped-call]


@each
def test_a_notebook_runs_and_shows_what_is_committed(path: Path) -> None:
    """Without an error, with outputs of the same kinds, and nothing on stderr."""
    before, after = code(read(path)), code(executed(path))
    assert [kinds(cell) for cell in after] == [kinds(cell) for cell in before]
    streams = [output for cell in after for output in cell.outputs if output.output_type == "stream"]
    assert all(stream.name == "stdout" for stream in streams)


@each
def test_a_notebook_is_committed_whole_and_small(path: Path) -> None:
    """Run in order, with outputs and without errors, in a file that is quick to open and to review."""
    cells = code(read(path))
    assert path.stat().st_size < MOST_BYTES
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert any(kinds(cell) for cell in cells)
    assert all(output.output_type != "error" for cell in cells for output in cell.outputs)


@each
def test_a_notebook_shows_and_defines_nothing(path: Path) -> None:
    """No function, no class, and of s3sim only what the package exports."""
    import s3sim  # noqa: PLC0415

    for cell in code(read(path)):
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda)
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                assert {name.partition(".")[0] for name in names} <= ALLOWED
                assert not any(name.startswith("s3sim.") for name in names)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "s3sim":
                assert node.attr in s3sim.__all__


def test_there_is_a_quickstart() -> None:
    """The first notebook is the way in."""
    assert NOTEBOOKS[0].name == "01_quickstart.ipynb"
