import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from s3sim.cli.main import app
from s3sim.core.errors import InputError
from s3sim.workload.readers import read_trace
from s3sim.workload.stats import trace_stats

OWN = "arrival_s,prompt_tokens,output_tokens\n" + "".join(
    f"{row / 4},{row % 9 + 1},{row % 5 + 1}\n" for row in range(60)
)

GENERATE = ["generate", "a.csv", "--requests", "5", "--lengths", "alpaca"]


def run(*arguments: str | Path) -> str:
    """Output of `s3sim trace` with these arguments; raises what it raises."""
    done = CliRunner().invoke(app, ["trace", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A trace of 60 requests, four a second."""
    path = tmp_path / "own.csv"
    path.write_text(OWN)
    return path


def test_stats_as_json_are_the_librarys(trace: Path) -> None:
    """--json prints what trace_stats says, and what was left out."""
    printed = json.loads(run("stats", trace, "--json"))
    for name, value in trace_stats(read_trace(trace).trace).to_json().items():
        assert printed[name] == pytest.approx(value)
    assert (printed["rows"], printed["invalid_dropped"], printed["moved_by_sort"]) == (60, 0, 0)


def test_stats_are_printed_and_drawn(trace: Path, tmp_path: Path) -> None:
    """The table has a row for prompt, output and both; --plots writes lengths and arrivals as PNG and SVG."""
    printed = run("stats", trace, "--plots", tmp_path / "figures")
    assert all(word in printed for word in ("prompt", "output", "both", "4.000 requests/s", "60 requests"))
    written = {path.name for path in (tmp_path / "figures").iterdir()}
    assert written == {f"own-{what}.{kind}" for what in ("lengths", "arrivals") for kind in ("png", "svg")}


def test_what_is_left_out_is_counted_aloud(tmp_path: Path) -> None:
    """Dropped, pruned and moved rows are printed with their numbers."""
    path = tmp_path / "a.csv"
    path.write_text("t,p,o\n3,9,9\n1,9,9\n2,9,0\n4,2000,9\n")
    columns = ["--column", "arrival_s=t", "--column", "prompt_tokens=p", "--column", "output_tokens=o"]
    options = ["--invalid-rows", "drop", "--sort"]
    printed = run("stats", path, *columns, *options)
    assert "1 of 4 rows were invalid and dropped" in printed
    assert "1 rows stood before an earlier one and were moved" in printed
    printed = run("stats", path, *columns, *options, "--prune", "vllm")
    assert "1 of 4 rows were pruned by min_output_tokens" in printed
    assert "1 of 4 rows were pruned by max_prompt_tokens" in printed


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.csv", "azure"),
        ("a.csv.gz", "vidur"),
        ("a.jsonl.gz", "mooncake"),
        ("a.json", "vllm_bench"),
        ("a.parquet", "auto"),
    ],
)
def test_a_converted_trace_is_the_same(trace: Path, tmp_path: Path, name: str, form: str) -> None:
    """There and back again: each format gives the trace back, and says that nothing was lost."""
    printed = run("convert", trace, tmp_path / name, "--to", form)
    assert printed.strip() == f"{tmp_path / name}: 60 requests"
    run("convert", tmp_path / name, tmp_path / "back.csv")
    assert read_trace(tmp_path / "back.csv").trace == read_trace(trace).trace


def test_losses_are_said(tmp_path: Path) -> None:
    """Times that a format rounds are counted aloud."""
    path = tmp_path / "a.csv"
    path.write_text("arrival_s,prompt_tokens,output_tokens,max_new_tokens\n0.0001,1,1,5\n0.25,1,1,5\n")
    printed = run("convert", path, tmp_path / "b.jsonl", "--to", "mooncake")
    assert "1 arrivals were rounded" in printed
    assert "the format has no max_new_tokens: not written" in printed


def test_texts_are_converted_with_their_rows(tmp_path: Path) -> None:
    """Between formats with texts the texts go along; a constant fills a column that a file lacks."""
    pytest.importorskip("tokenizers")
    (tmp_path / "vocab.json").write_text(json.dumps({"a": 0, "Ġ": 1, "Ġa": 2}))
    (tmp_path / "merges.txt").write_text("Ġ a\n", encoding="utf-8")
    rows = [{"question": "a a a", "answer": "a"}, {"question": "", "answer": "a"}, {"question": "a", "answer": "a a"}]
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    options = ["--tokenizer", tmp_path / "vocab.json", "--invalid-rows", "drop"]
    columns = ["--format", "text", "--column", "prompt=question", "--column", "output=answer"]
    printed = run("convert", tmp_path / "a.jsonl.gz", tmp_path / "b.json", "--to", "sharegpt", *columns, *options)
    assert "1 of 3 rows were invalid" in printed
    written = json.loads((tmp_path / "b.json").read_text())
    assert [row["conversations"][0]["value"] for row in written] == ["a a a", "a"]
    stats = json.loads(run("stats", tmp_path / "b.json", "--json", "--tokenizer", tmp_path / "vocab.json"))
    assert (stats["prompt_tokens"]["total"], stats["output_tokens"]["total"]) == (4, 3)
    filled = ["--column", "output_tokens=n", "--constant", "prompt_tokens=9"]
    (tmp_path / "c.csv").write_text("n\n5\n")
    assert json.loads(run("stats", tmp_path / "c.csv", "--json", *filled))["prompt_tokens"]["mean"] == 9


@pytest.mark.parametrize(
    "arrivals",
    [
        "{kind: poisson, rate: 4}",
        "{kind: diurnal, rate: 4, amplitude: 0.5, period_s: 60}",
        "{kind: markov_modulated, rates: [1, 9], sojourns_s: [20, 12]}",
    ],
)
def test_a_trace_is_generated(tmp_path: Path, arrivals: str) -> None:
    """Lengths of a preset under any process; the rate is that of the process, a seed fixes the file."""
    for name in ("a.csv", "b.csv"):
        run("generate", tmp_path / name, "--requests", "4000", "--lengths", "alpaca", "--arrivals", arrivals)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    stats = trace_stats(read_trace(tmp_path / "a.csv").trace)
    assert stats.rate == pytest.approx(4, rel=0.12)
    assert stats.output_tokens.mean == pytest.approx(57.4, rel=0.1)


def test_lengths_are_given_in_three_ways(trace: Path, tmp_path: Path) -> None:
    """A preset's name, a trace whose rows are drawn again, or distributions in YAML."""
    out = tmp_path / "a.parquet"
    run("generate", out, "--requests", "300", "--lengths", trace)
    drawn, recorded = read_trace(out).trace, read_trace(trace).trace
    pairs = set(zip(recorded.prompt_tokens.tolist(), recorded.output_tokens.tolist(), strict=True))
    assert set(zip(drawn.prompt_tokens.tolist(), drawn.output_tokens.tolist(), strict=True)) <= pairs
    yaml = "{prompt: {kind: constant, value: 7}, output: {kind: quantiles, levels: [0.0, 1.0], values: [3.0, 5.0]}}"
    run("generate", out, "--requests", "300", "--lengths", yaml)
    made = read_trace(out).trace
    assert set(made.prompt_tokens.tolist()) == {7}
    assert set(made.output_tokens.tolist()) == {3, 4, 5}


def test_a_part_of_a_trace(trace: Path, tmp_path: Path) -> None:
    """First rows, random rows, rows with replacement, and a window of time."""
    out = tmp_path / "a.csv"
    run("sample", trace, out, "--requests", "7", "--how", "first")
    assert read_trace(out).trace == read_trace(trace).trace.head(7)
    run("sample", trace, out, "--requests", "7")
    assert (np.diff(read_trace(out).trace.id) > 0).all()
    run("sample", trace, out, "--requests", "200", "--how", "resample")
    assert len(read_trace(out).trace) == 200
    run("sample", trace, out, "--window", "1", "2")
    assert read_trace(out).trace.id.tolist() == [4, 5, 6, 7]
    with pytest.raises(InputError, match="there are 60; ask for fewer"):
        run("sample", trace, out, "--requests", "61")


def test_a_scaled_trace(trace: Path, tmp_path: Path) -> None:
    """Times to a rate, lengths by factors."""
    out = tmp_path / "a.csv"
    run("scale", trace, out, "--rate", "8", "--output", "3")
    scaled = read_trace(out).trace
    assert trace_stats(scaled).rate == pytest.approx(8)
    assert (scaled.output_tokens == 3 * read_trace(trace).trace.output_tokens).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["generate", "a.csv", "--requests", "5", "--lengths", "alpacca"], "'alpacca' is no preset .*no file"),
        (["generate", "a.csv", "--requests", "5", "--lengths", "{prompt: 5}"], r"--lengths\.prompt: a mapping of keys"),
        (["generate", "a.csv", "--requests", "5", "--lengths", "{"], "--lengths: '{' is no YAML"),
        ([*GENERATE, "--arrivals", "poisson"], "is no mapping"),
        ([*GENERATE, "--arrivals", "{kind: poisson}"], "rate: miss"),
        ([*GENERATE, "--arrivals", "{kind: trace}"], "no timestamp"),
        (["generate", "a.csv", "--requests", "5", "--lengths", "alpaca", "--arrivals",
          "{kind: closed_loop, users: 3}"],
         "closed loop's arrivals are made by its answers"),
        (["stats", "absent.csv"], "absent.csv: cannot be read"),
        (["stats", "absent.csv", "--column", "x"], r"--column x: write it as in --column output_tokens=len"),
        (["stats", "absent.csv", "--constant", "prompt_tokens=x"], "'x' is no whole number"),
        (["scale", "absent.csv", "b.csv", "--rate", "3"], "absent.csv: cannot be read"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_explained(arguments: list[str], message: str) -> None:
    """Each is an InputError that names the option and what would be right."""
    with pytest.raises(InputError, match=message):
        run(*arguments)


def test_every_format_is_listed() -> None:
    """`s3sim list formats` names them all."""
    from s3sim.workload.formats import FORMATS  # noqa: PLC0415

    listed = CliRunner().invoke(app, ["list", "formats"], catch_exceptions=False).output
    assert all(name in listed for name in FORMATS)
