"""A trace file that cannot be used ends in exit code 2 and one message, before anything is written."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Call
from tests.experiment.tiny import HEADER, ROWS, traced, write

GOOD = HEADER + ROWS
GZIP = gzip.compress(GOOD.encode() * 50, mtime=0)
Fault = tuple[str, str | bytes, dict[str, Any], list[str]]  # file, its content, workload fields, what is said

BAD: dict[str, Fault] = {
    "truncated": ("t.csv.gz", GZIP[: len(GZIP) // 2], {}, ["t.csv.gz: the gzip stream ends early", "fetch it again"]),
    "not compressed": ("t.csv.gz", GOOD, {}, ["t.csv.gz: cannot be read: Not a gzipped file"]),
    "empty": ("t.csv", "", {}, ["t.csv: is empty; a header line and rows are needed"]),
    "a header alone": ("t.csv", HEADER, {}, ["t.csv: holds no rows"]),
    "unsorted": ("t.csv", GOOD + "3,3,0.05\n", {}, ["t.csv:12: arrival is '0.05': ", "sort the rows"]),
    "a negative length": ("t.csv", GOOD + "-3,3,5\n", {}, ["t.csv:12: prompt_tokens is '-3': a whole number"]),
    "a length of zero": ("t.csv", GOOD + "3,0,5\n", {}, ["t.csv:12: output_tokens is '0': ", "drop such rows"]),
    "not a number": ("t.csv", GOOD + "nan,3,5\n", {}, ["t.csv:12: prompt_tokens is 'nan': "]),
    "an empty cell": ("t.csv", GOOD + ",3,5\n", {}, ["t.csv:12: prompt_tokens is '': "]),
    "a time that is none": ("t.csv", GOOD + "3,3,soon\n", {}, ["t.csv:12: arrival is 'soon': "]),
    "a negative time": ("t.csv", HEADER + "3,3,-1\n", {}, ["t.csv:2: arrival is '-1': "]),
    "an id twice": ("t.csv", "id,prompt_tokens,output_tokens\n7,3,3\n7,3,3\n", {}, ["t.csv:3: id is '7': ", "same id"]),
    "other columns": ("t.csv", "a,b\n1,2\n", {}, ["t.csv: no known format has the columns a, b", "TIMESTAMP"]),
    "an unknown format": ("t.csv", GOOD, {"format": "azur"}, ["unknown trace format 'azur'; did you mean 'azure'?"]),
    "another format": ("t.csv", GOOD, {"format": "azure"}, ["format azure needs TIMESTAMP", "looks like format csv"]),
    "a column that is not there": ("t.csv", GOOD, {"columns": {"id": "idx"}}, ["t.csv: no column idx; found"]),
    "bytes": ("t.csv", bytes(range(256)), {}, ["t.csv: is no CSV text in UTF-8"]),
    "no Parquet": ("t.parquet", GOOD, {}, ["t.parquet: is not a whole Parquet file"]),
    "an unknown suffix": ("t.txt", GOOD, {}, ["t.txt: no trace has this suffix; .csv, .parquet"]),
    "invalid rows alone": ("t.csv", HEADER + "0,2,0\n", {"invalid_rows": "drop"}, ["t.csv: all 1 rows are invalid"]),
    "too few rows": ("t.csv", GOOD, {"requests": 11}, ["workload.requests: 11 is more than the 10 valid rows of"]),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_trace_is_refused_before_anything_is_written(fault: str, call: Call, tmp_path: Path) -> None:
    """Exit code 2; one message with file, line, value and remedy; no traceback; no output directory."""
    name, content, fields, wanted = BAD[fault]
    write(tmp_path, json.dumps(traced(tmp_path, content, name=name, **fields)))
    done = call("run", "tiny.yaml", "--out", "out", "--workers", "1")
    assert (done.code, done.out) == (2, "")
    assert done.err.count("error: ") == 1
    assert done.err.startswith("error: ")
    missing = [part for part in wanted if part not in done.err]
    assert not missing, f"{missing} not in: {done.err}"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "tiny.yaml"])


@pytest.mark.parametrize("name", ["nope.csv", "", "a\0b", "https://example.org/t.csv", "."])
def test_a_trace_that_is_not_there_is_looked_for_by_name(
    name: str, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says the line, the folders that were searched, and the variable that adds one."""
    monkeypatch.delenv("S3SIM_DATA", raising=False)
    text = json.dumps(traced(tmp_path) | {"workload": {"kind": "trace", "path": name}}, indent=1)
    write(tmp_path, text)
    done = call("run", "tiny.yaml", "--out", "out")
    assert done.code == 2
    line = 1 + next(number for number, row in enumerate(text.splitlines()) if '"path"' in row)
    assert done.err.startswith(f"error: tiny.yaml:{line}: workload.path: no file {name!r} in {tmp_path};")
    assert "S3SIM_DATA" in done.err
    assert not (tmp_path / "out").exists()
