"""`s3sim list`, `schema`, `version` and --help: what may be used, said by the program itself."""

import json
from importlib.metadata import version

import pytest

from s3sim.experiment.schema import json_schema
from s3sim.hardware import DEVICES, ENGINES, LINKS, MODELS
from s3sim.policies.registry import SYSTEMS
from s3sim.report.summary import METRICS
from s3sim.workload.formats import FORMATS
from s3sim.workload.presets import PRESETS
from s3sim.workload.sources import SOURCES
from tests.cli.conftest import Call

KINDS = {
    "systems": SYSTEMS,
    "models": MODELS,
    "devices": DEVICES,
    "engines": ENGINES,
    "links": LINKS,
    "workloads": PRESETS,
    "formats": FORMATS,
    "traces": SOURCES,
    "metrics": dict.fromkeys(METRICS),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_known_name_is_listed(kind: str, call: Call) -> None:
    """What an experiment may name can be found without reading the source."""
    done = call("list", kind)
    assert done.code == 0
    assert set(KINDS[kind]) <= set(done.out.split())


def test_an_unknown_kind_lists_the_known_ones(call: Call) -> None:
    """The message names all kinds and the closest."""
    done = call("list", "system")
    assert done.code == 2
    assert "unknown kind of name 'system'; did you mean 'systems'?" in done.err
    assert all(kind in done.err for kind in KINDS)


def test_some_names_may_be_asked_for(call: Call) -> None:
    """These alone, in the order asked; of systems each choice is explained; an unknown one is refused."""
    done = call("list", "devices", "t4", "l4")
    assert done.out.index("t4") < done.out.index("l4")
    assert "a100" not in done.out
    told = " ".join(call("list", "systems", "vllm").out.split())
    assert "on_shortage recompute What becomes of the KV of whoever must give way: dropped" in told
    assert "max_num_seqs 256 Most sequences running at once" in told
    done = call("list", "devices", "t40")
    assert (done.code, done.out) == (2, "")
    assert "unknown device 't40'; did you mean 't4'?" in done.err


def test_metrics_are_told_with_unit_and_direction(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line each: name, unit, which way is better, definition."""
    monkeypatch.setenv("COLUMNS", "250")
    lines = call("list", "metrics").out.splitlines()
    assert ["request_throughput", "requests/s", "higher", "Requests"] in [line.split()[:4] for line in lines]
    assert ["mean_ttft_ms", "ms", "lower", "Mean"] in [line.split()[:4] for line in lines]


def test_traces_are_told_with_source_and_licence(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows, licence, and how an experiment uses it."""
    monkeypatch.setenv("COLUMNS", "400")
    lines = call("list", "traces").out.splitlines()
    (line,) = [line for line in lines if line.startswith("azure-conv")]
    assert all(
        part in line for part in ("19,366", "CC BY 4.0", "AzurePublicDataset", "{kind: preset, name: azure-conv}")
    )


def test_the_schema_that_is_printed_is_the_loader_s(call: Call) -> None:
    """`s3sim schema` prints JSON and nothing else."""
    assert json.loads(call("schema").out) == json_schema()


def test_the_version_is_that_of_the_package(call: Call) -> None:
    """One line."""
    assert call("version").out == f"{version('s3sim')}\n"


@pytest.mark.parametrize(
    "command", ["run", "report", "list", "schema", "trace", "version", "new", "timeline", "compare"]
)
def test_every_command_explains_itself(command: str, call: Call) -> None:
    """-h is understood, and the general help lists the command."""
    assert call(command, "-h").code == 0
    assert command in call("--help").out


def test_an_unknown_command_is_refused(call: Call) -> None:
    """Exit code 2 and no traceback."""
    done = call("nonsense")
    assert done.code == 2
    assert "No such command 'nonsense'" in done.err
