"""The notebooks run, use the public API alone, and are committed with small outputs."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MOST_BYTES = 300_000
TIMEOUT = 120  # seconds
ALLOWED = {"s3sim", "gpu_validate", "pandas", "PIL", *sys.stdlib_module_names}  # Pillow comes with Matplotlib
OWN = "06_your_own_scheduler.ipynb"
PARTS = ("s3sim.core.", "s3sim.policies.")  # of which a scheduler is made

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
    before = code(read(path))
    if any("run_replay" in cell.source for cell in before):
        pytest.importorskip("torch", reason=f"{path.name} replays, which needs the extra `torch`")
    after = code(executed(path))
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


def nodes(path: Path) -> Iterator[ast.AST]:
    """Every node of the code of a notebook."""
    for cell in code(read(path)):
        yield from ast.walk(ast.parse(cell.source))


def imported(node: ast.AST) -> list[str]:
    """The modules that a node imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


@each
def test_a_notebook_shows_and_defines_nothing(path: Path) -> None:
    """No function, no class, and of s3sim only what the package exports.

    That of a scheduler of one's own alone defines it, of the parts that core and policies have.
    """
    import s3sim  # noqa: PLC0415

    own = path.name == OWN
    for node in nodes(path):
        assert own or not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda)
        names = imported(node)
        assert {name.partition(".")[0] for name in names} <= ALLOWED
        assert all(not name.startswith("s3sim.") or (own and name.startswith(PARTS)) for name in names)
        if isinstance(node, ast.ImportFrom) and node.module == "s3sim":
            assert {alias.name for alias in node.names} <= set(s3sim.__all__)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "s3sim":
            assert node.attr in s3sim.__all__


def test_a_scheduler_of_one_s_own_is_short() -> None:
    """Its notebook defines classes in one cell, without a function beside them, in some twenty lines."""
    (cell,) = (cell for cell in code(read(FOLDER / OWN)) if "class " in cell.source)
    assert all(isinstance(node, ast.ClassDef | ast.Assign) for node in ast.parse(cell.source).body)
    assert len([line for line in cell.source.splitlines() if line.strip()]) <= 26


def test_there_is_a_quickstart() -> None:
    """The first notebook is the way in."""
    assert NOTEBOOKS[0].name == "01_quickstart.ipynb"
