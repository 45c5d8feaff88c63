"""`s3sim list`, `schema`, `version` and --help: what may be used, said by the program itself."""

import json
from importlib.metadata import version

import pytest

from s3sim.experiment.schema import json_schema
from s3sim.hardware import DEVICES, ENGINES, LINKS, MODELS
from s3sim.policies.registry import SYSTEMS
from s3sim.workload.formats import FORMATS
from s3sim.workload.presets import PRESETS
from tests.cli.conftest import Call

KINDS = {
    "systems": SYSTEMS,
    "models": MODELS,
    "devices": DEVICES,
    "engines": ENGINES,
    "links": LINKS,
    "workloads": PRESETS,
    "formats": FORMATS,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_known_name_is_listed(kind: str, call: Call) -> None:
    """What an experiment may name can be found without reading the source."""
    done = call("list", kind)
    assert done.code == 0
    assert set(KINDS[kind]) <= set(done.out.split())


def test_an_unknown_kind_lists_the_known_ones(call: Call) -> None:
    """The message names the seven kinds and the closest."""
    done = call("list", "system")
    assert done.code == 2
    assert "unknown kind of name 'system'; did you mean 'systems'?" in done.err
    assert all(kind in done.err for kind in KINDS)


def test_the_schema_that_is_printed_is_the_loader_s(call: Call) -> None:
    """`s3sim schema` prints JSON and nothing else."""
    assert json.loads(call("schema").out) == json_schema()


def test_the_version_is_that_of_the_package(call: Call) -> None:
    """One line."""
    assert call("version").out == f"{version('s3sim')}\n"


@pytest.mark.parametrize("command", ["run", "report", "list", "schema", "trace", "version"])
def test_every_command_explains_itself(command: str, call: Call) -> None:
    """-h is understood, and the general help lists the command."""
    assert call(command, "-h").code == 0
    assert command in call("--help").out


def test_an_unknown_command_is_refused(call: Call) -> None:
    """Exit code 2 and no traceback."""
    done = call("nonsense")
    assert done.code == 2
    assert "No such command 'nonsense'" in done.err
