"""What may be imported where, seen in processes of their own: the import contracts hold at run time too."""

import json
import subprocess
import sys

import pytest

HEAVY = (
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "simpy",
    "matplotlib",
    "bokeh",
    "jinja2",
    "pydantic",
    "yaml",
    "rich",
    "typer",
    "joblib",
    "torch",
    "transformers",
    "sklearn",
)

ALONE = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top == "s3sim":
            own = {own!r}
            if not any(name == room or name.startswith(room + ".") or room.startswith(name + ".") for room in own):
                raise ImportError("not this room's to import: " + name)
        elif top not in sys.stdlib_module_names:
            raise ImportError("not in the standard library: " + name)

sys.meta_path.insert(0, Blocker())
"""

EVERY_MODULE = """
import importlib, pkgutil
for room in {rooms!r}:
    package = importlib.import_module(room)
    for module in pkgutil.walk_packages(package.__path__, room + "."):
        importlib.import_module(module.name)
        print(module.name)
"""

COMMAND = """
import sys
from s3sim.cli.main import main

sys.argv = ["s3sim", *{arguments!r}]
try:
    main()
except SystemExit as ending:
    assert not ending.code
"""


def run(code: str) -> str:
    """What a fresh interpreter prints; fails the test where it fails."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(code: str) -> set[str]:
    """The heavy packages that some code imports."""
    ask = f"\nimport json, sys\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    return set(json.loads(run(code + ask).splitlines()[-1]))


def test_importing_s3sim_imports_nothing_heavy() -> None:
    """`import s3sim` is quick: the API is imported when it is first used."""
    assert loaded_by("import s3sim") == set()
    assert loaded_by("import s3sim; s3sim.Point, s3sim.System, dir(s3sim)") == set()


def test_the_help_imports_typer_alone() -> None:
    """`s3sim --help` is quick: nothing that simulates, draws, checks or sets tables is imported for it."""
    assert loaded_by(COMMAND.format(arguments=["--help"])) <= {"typer"}


@pytest.mark.parametrize("command", [["run"], ["timeline"], ["compare"], ["predictor", "train"], ["list"]], ids=str)
def test_the_help_of_a_command_imports_nothing_that_simulates_or_draws(command: list[str]) -> None:
    """Of its options typer itself makes validators, some versions with pydantic."""
    assert loaded_by(COMMAND.format(arguments=[*command, "--help"])) <= {"typer", "pydantic"}


def test_listing_names_draws_nothing() -> None:
    """`s3sim list` imports neither SimPy nor Matplotlib nor Bokeh."""
    assert not loaded_by(COMMAND.format(arguments=["list", "systems"])) & {"simpy", "matplotlib", "bokeh", "torch"}


def test_simulating_draws_nothing() -> None:
    """Matplotlib and Bokeh are imported when something is drawn, and not before; torch never."""
    used = "s3sim.simulate, s3sim.run, s3sim.sweep, s3sim.load, s3sim.check_laws, s3sim.find_capacity"
    assert not loaded_by(f"import s3sim; {used}") & {"matplotlib", "bokeh", "torch"}


def test_results_are_read_without_a_simulator() -> None:
    """Neither SimPy nor Matplotlib nor Bokeh is needed to load a run, to make an experiment, or to name a predictor."""
    used = "s3sim.load, s3sim.Experiment, s3sim.trace.read, s3sim.predictor.train, s3sim.model.read_config"
    assert not loaded_by(f"import s3sim; {used}") & {"simpy", "matplotlib", "bokeh", "torch", "sklearn"}


def test_core_and_policies_need_the_standard_library_alone() -> None:
    """Every module of both rooms imports with all else blocked."""
    rooms = ["s3sim.core", "s3sim.policies"]
    names = run(ALONE.format(own=rooms) + EVERY_MODULE.format(rooms=rooms)).split()
    assert {"s3sim.core.replica", "s3sim.core.kv_cache", "s3sim.policies.registry"} <= set(names)


def test_a_resolved_point_needs_the_standard_library_and_core_alone() -> None:
    """A machine without the schema's packages reads points: no pydantic, no yaml, no simpy, no numpy."""
    own = ["s3sim.core", "s3sim.experiment.resolved"]
    code = ALONE.format(own=own) + "from s3sim.experiment.resolved import Point\nprint(Point.__name__)"
    assert run(code).split() == ["Point"]


@pytest.mark.parametrize("module", ["numpy", "s3sim.report", "s3sim.policies.admission"])
def test_the_blocker_blocks(module: str) -> None:
    """The two tests above can fail: what is not allowed raises."""
    code = (
        ALONE.format(own=["s3sim.core"]) + f"try:\n    import {module}\nexcept ImportError as error:\n    print(error)"
    )
    assert run(code).startswith("not ")
