"""--json: on every command that prints a table, JSON and nothing else, with stable keys and null for no value."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.cli.completion import KINDS
from s3sim.cli.main import app
from s3sim.cli.plain import plain, rows_of
from s3sim.report.summary import METRICS
from tests.cli.conftest import Call
from tests.cli.test_help import commands
from tests.experiment.tiny import tiny, write

pytestmark = pytest.mark.usefixtures("no_figures")
WITHOUT = {  # what prints no table
    "new", "paper", "schema", "version", "trace convert", "trace generate", "trace sample", "trace scale",
    "predictor record",
}  # fmt: skip


def strict(text: str) -> Any:
    """JSON as its standard has it: no NaN."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_every_command_that_prints_a_table_has_it() -> None:
    """And every other is known to print none."""
    import typer  # noqa: PLC0415

    found = dict(commands(typer.main.get_command(app)))
    without = {" ".join(path) for path, command in found.items() if "--json" not in _options(command)}
    assert without == WITHOUT


def _options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


def test_a_run_is_told_by_point(call: Call, tmp_path: Path) -> None:
    """A row per point with every metric, null where it has no value; `report` says the same again."""
    write(tmp_path, json.dumps(tiny(seeds=[0])))
    done = call("run", "tiny.yaml", "--out", "out", "--workers", "1", "--json")
    assert done.code == 0, done.err
    found = strict(done.out)
    assert list(found) == ["results", "summary", "comparisons", "headlines", "warnings"]
    assert len(found["summary"]) == 6
    assert found["warnings"]
    assert all(f"warning: {line}" in done.err for line in found["warnings"])
    rows = found["summary"]
    assert {"scenario", "system", "seed", "point", "max_num_seqs", *METRICS} <= set(rows[0])
    assert rows[0]["offered_rate"] is None
    assert rows[-1]["max_num_seqs"] is None
    assert {row["metric"] for row in found["comparisons"]} >= {"request_throughput"}
    assert all(row["difference_low"] is None for row in found["comparisons"]), "one seed tells no interval"
    assert call("report", "out", "--json").out == done.out


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_told_with_their_facts(kind: str, call: Call) -> None:
    """The same keys for every name of a kind, and figures as numbers."""
    found = strict(call("list", kind, "--json").out)
    assert found["kind"] == kind
    assert len({tuple(row) for row in found["names"]}) == 1
    if kind == "devices":
        assert {type(row["memory_bytes"]) for row in found["names"]} == {int}


def test_a_trace_is_told_in_numbers(call: Call, tmp_path: Path) -> None:
    """Also where all arrive at once, so that there is no rate."""
    write(tmp_path, "prompt_tokens,output_tokens\n4,5\n6,7\n", name="rows.csv")
    found = strict(call("trace", "stats", "rows.csv", "--json").out)
    assert found["requests"] == 2
    assert found["rate"] is None


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUE)
def test_any_value_becomes_json(value: Any) -> None:
    """What was finite is kept, what was not is null, wherever it stands."""
    text = json.dumps(plain(value), allow_nan=False)
    assert strict(text) == _expected(value)


def _expected(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _expected(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_expected(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def test_cells_of_a_frame_become_json() -> None:
    """NumPy's numbers, pandas' NA, categories and paths."""
    frame = pd.DataFrame({"a": np.array([1, 2]), "b": pd.array([1, None], dtype="Int64"), "c": [math.nan, 2.5]})
    frame["d"] = pd.Categorical(["x", None])
    assert rows_of(frame) == [{"a": 1, "b": 1, "c": None, "d": "x"}, {"a": 2, "b": None, "c": 2.5, "d": None}]
    assert plain({"path": Path("a/b"), "flag": np.bool_(True), "pair": (1, 2)}) == {
        "path": "a/b", "flag": True, "pair": [1, 2]
    }  # fmt: skip
    with pytest.raises(TypeError, match="is no value of JSON"):
        plain(object())
