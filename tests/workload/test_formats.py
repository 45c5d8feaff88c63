"""Every format: read from a few lines as its makers write it, and written and read back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.workload import csv_tables, json_tables
from s3sim.workload.formats import FORMATS
from s3sim.workload.layouts import LAYOUTS
from s3sim.workload.readers import read_trace
from s3sim.workload.texts import TextPair, read_texts
from s3sim.workload.trace import Trace
from s3sim.workload.writers import WriteLosses, write_trace
from tests.workload.test_trace_files import save
from tests.workload.words import Words

MS = 10**9  # ps
SAMPLES = {  # as found in each source: name of the file, its text
    "csv": ("a.csv", "arrival_s,prompt_tokens,output_tokens\n0,3,2\n1.5,4,1\n"),
    "jsonl": (
        "a.jsonl",
        '{"arrival_s": 0, "prompt_tokens": 3, "output_tokens": 2}\n'
        '{"arrival_s": 1.5, "prompt_tokens": 4, "output_tokens": 1}\n',
    ),
    "azure": (
        "a.csv",
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,3,2\n2023-11-16 18:15:48.1805900,4,1\n",
    ),
    "burstgpt": (
        "a.csv",
        "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
        "5,ChatGPT,3,2,5,Conversation log\n6.5,GPT-4,4,1,5,API log\n",
    ),
    "mooncake": (
        "a.jsonl",
        '{"timestamp": 0, "input_length": 3, "output_length": 2, "hash_ids": [0, 1]}\n'
        '{"timestamp": 1500, "input_length": 4, "output_length": 1, "hash_ids": []}\n',
    ),
    "vidur": ("a.csv", "arrived_at,num_prefill_tokens,num_decode_tokens\n0.0,3,2\n1.4999999999999999,4,1\n"),
    "splitwise": (
        "a.csv",
        "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size\n"
        "0,2,0,0.0,1,3,2\n1,2,0,1.5,1,4,1\n",
    ),
    "vllm_bench": (
        "a.json",
        '{"duration": 1.6, "completed": 2, "input_lens": [3, 4],\n "output_lens": [2, 1],'
        ' "start_times": [9876543.25, 9876544.75], "itls": [[0.1], []]}',
    ),
    "sharegpt": (
        "a.json",
        '[{"id": "x", "conversations": [{"from": "human", "value": "a b c"}, {"from": "gpt", "value": "d e"},'
        ' {"from": "human", "value": "f"}]},\n'
        ' {"id": "y", "conversations": [{"from": "human", "value": "a b c d"}, {"from": "gpt", "value": "e"}]}]',
    ),
    "alpaca": (
        "a.json",
        '[{"instruction": "a b", "input": "c", "output": "d e"},'
        ' {"instruction": "a b c d", "input": "", "output": "e"}]',
    ),
    "text": ("a.jsonl", '{"prompt": "a b c", "output": "d e"}\n{"prompt": "a b c d", "output": "e"}\n'),
}


def tokenizer_for(name: str) -> Words | None:
    """What a format needs to be read."""
    return Words() if FORMATS[name].texts else None


def test_every_format_has_a_sample_and_a_layout() -> None:
    """A format that can be read can be written, and is tested here; Parquet has no text to show."""
    assert set(FORMATS) == set(LAYOUTS) == {*SAMPLES, "parquet"}


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_a_format_is_recognised_and_read(tmp_path: Path, name: str, packed: str) -> None:
    """`auto` finds each format by its columns, compressed or not: lengths 3+2 and 4+1, 1.5 s apart."""
    file, text = SAMPLES[name]
    trace, counts = read_trace(save(tmp_path, text, file + packed), tokenizer=tokenizer_for(name))
    assert trace.prompt_tokens.tolist() == [3, 4]
    assert trace.output_tokens.tolist() == [2, 1]
    assert trace.arrival.tolist() == ([0, 0] if FORMATS[name].texts else [0, 1500 * MS])
    assert (counts.rows, counts.dropped) == (2, 0)


TEXTS = {number: TextPair(f'p, "{number}"\n' * (number + 1), "ü " * (number + 2)) for number in range(40)}


@pytest.mark.parametrize(
    ("name", "suffix"), [(name, suffix) for name, form in FORMATS.items() for suffix in form.suffixes]
)
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_a_format_round_trips(tmp_path: Path, name: str, suffix: str, packed: str) -> None:
    """What is written in a format is read back exactly, in times that the format can hold, and no loss is reported."""
    if (packed and suffix == ".parquet") or (name == "text" and suffix in (".csv", ".parquet")):
        suffix, packed = FORMATS[name].suffixes[0], ""
    words = Words()
    trace = Trace.of(
        prompt_tokens=words.count([pair.prompt for pair in TEXTS.values()])[0],
        output_tokens=words.count([pair.output for pair in TEXTS.values()])[0],
        arrival=np.cumsum(np.arange(40) % 3) * 10**12 if FORMATS[name].times else None,
    )
    path = tmp_path / f"trace{suffix}{packed}"
    assert write_trace(trace, path, format=name, texts=TEXTS) == WriteLosses()
    assert read_trace(path, format=name, tokenizer=tokenizer_for(name)).trace == trace
    assert read_trace(path, tokenizer=tokenizer_for(name)).trace == trace
    if FORMATS[name].texts:
        assert read_texts(path) == TEXTS


def test_what_a_format_cannot_hold_is_said(tmp_path: Path) -> None:
    """Columns that are not written, times that are rounded and a start that readers forget are reported."""
    trace = Trace.of(
        prompt_tokens=[1, 2], output_tokens=[1, 1], id=[7, 8], arrival=[3 * MS, 10 * MS + 1], max_new_tokens=[5, 5]
    )
    assert write_trace(trace, tmp_path / "a.csv") == WriteLosses()
    losses = write_trace(trace, tmp_path / "b.csv", format="azure")
    assert losses == WriteLosses(("id", "max_new_tokens"), rounded=1, shifted_ps=3 * MS)
    assert write_trace(trace, tmp_path / "c.jsonl", format="mooncake").rounded == 1
    late = trace.with_arrivals([MS // 3, 2 * MS - MS // 3])
    write_trace(late, tmp_path / "c.jsonl", format="mooncake")
    assert read_trace(tmp_path / "c.jsonl").trace.arrival.tolist() == [0, 2 * MS]
    assert write_trace(trace, tmp_path / "d.csv", format="splitwise").columns == ("max_new_tokens",)
    texts = {7: TextPair("a", "b"), 8: TextPair("c d", "e")}
    assert "arrival" in write_trace(trace, tmp_path / "e.json", format="alpaca", texts=texts).columns


def test_a_trace_alone_has_no_texts_to_write(tmp_path: Path) -> None:
    """Formats with texts need those of all requests."""
    trace = Trace.of(prompt_tokens=[1, 2], output_tokens=[1, 1])
    with pytest.raises(InputError, match="format sharegpt holds texts, and a trace has none"):
        write_trace(trace, tmp_path / "a.json", format="sharegpt")
    with pytest.raises(InputError, match="none of request 1"):
        write_trace(trace, tmp_path / "a.json", format="sharegpt", texts={0: TextPair("a", "b")})
    with pytest.raises(InputError, match=r"format azure cannot be written with this suffix; use .csv"):
        write_trace(trace, tmp_path / "a.json", format="azure")
    with pytest.raises(UnknownNameError, match="did you mean 'azure'"):
        write_trace(trace, tmp_path / "a.csv", format="azur")


@pytest.mark.parametrize("name", ["csv", "azure", "mooncake", "sharegpt"])
def test_chunks_leave_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """However few rows are read at a time, the trace is the same."""
    rows = 700
    words = {number: TextPair("a " * (number % 9 + 1), "b " * (number % 5 + 1)) for number in range(rows)}
    counts = [[len(text.split()) for text in pair] for pair in words.values()]
    prompt, output = np.array(counts).T
    trace = Trace.of(
        prompt_tokens=prompt, output_tokens=output, arrival=None if name == "sharegpt" else np.arange(rows) * MS
    )
    path = tmp_path / f"a{FORMATS[name].suffixes[0]}"
    write_trace(trace, path, format=name, texts=words)
    monkeypatch.setattr(csv_tables, "BLOCK", 300)
    monkeypatch.setattr(json_tables, "ROWS", 7)
    monkeypatch.setattr(json_tables, "BLOCK", 50)
    assert read_trace(path, tokenizer=tokenizer_for(name)).trace == trace


BURST = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
SPLIT = "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size\n"
AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:00:00+01:00,1,1\n"
FAULTS: list[tuple[str, str, dict[str, Any], str]] = [
    ("a.csv", BURST + "1,x,5,0,5,y\n", {}, r"a.csv:2: output_tokens is '0': .*or drop such rows"),
    ("a.csv", BURST + "1,x,5,2,8,y\n", {}, r"a.csv:2: total is '8': it is not prompt \+ output"),
    ("a.csv", SPLIT + "0,0,0,0,2,5,5\n", {}, r"a.csv:2: single is '2': a row must stand for 1 request"),
    ("a.csv", BURST.replace("Response tokens,", "") + "1,x,5,5,y\n", {}, "looks most like format burstgpt, but lacks"),
    ("a.csv", AZURE + "2023-11-16 18:00:01+02:00,1,1\n", {}, r"a.csv:3: arrival is .*first row's, which is UTC\+01:00"),
    ("a.csv", AZURE + "2023-11-16 18:00:01,1,1\n", {}, r"a.csv:3: arrival is .*time zone is not the first row's"),
    ("a.csv", AZURE + "\n16.11.2023 18:00:01,1,1\n", {}, r"a.csv:4: arrival is '16.11.2023 18:00:01': a time is"),
    ("a.csv", AZURE, {"time_unit": "ms"}, "TIMESTAMP holds timestamps, which need none"),
    ("a.csv", "prompt_tokens,output_tokens\n1,1\n", {"time_unit": "ms"}, "the file has no times"),
    ("a.csv", "prompt_tokens,output_tokens,start_ms\n1,1,5\n", {"columns": {"arrival_s": "start_ms"}},
     r"column 'start_ms' is in ms by its name, and would be read as s; say time_unit ms"),
    ("a.csv", "arrival_s,prompt_tokens,output_tokens\n1,1,1\n", {"time_unit": "ms"}, "'arrival_s' is in s by its name"),
    ("a.csv", "arrival_s,arrival_ps,prompt_tokens,output_tokens\n1,1,1,1\n", {}, "which may disagree; leave one out"),
    ("a.csv", "arrival_s,prompt_tokens,output_tokens\n1700000000000,1,1\n", {}, "106 days after it; is the unit right"),
    ("a.jsonl", '{"timestamp": 0.25, "input_length": 1, "output_length": 1}\n', {},
     r"a.jsonl:1: arrival is '0.25': whole ms are needed; if these are seconds, say time_unit s"),
    ("a.json", '{"duration": 5, "input_lens": [1, 1], "output_lens": [1, 1], "start_times": [0, 7000]}', {},
     r"start_times span 7000 s, but the run took 5 s"),
    ("a.json", '{"input_lens": [1, 1], "output_lens": [1, 1]}', {}, "looks most like format vllm_bench, but lacks"),
    ("a.json", '{"input_lens": [1, 1], "output_lens": [1], "start_times": [0, 1]}', {}, "arrays differ in length"),
    ("a.json", '{"input_lens": [1, 1], "output_lens": [1, 0], "start_times": [0, 1]}', {},
     "entry 1 of each array: output_tokens is 0"),
    ("a.jsonl", '{"prompt_tokens": 1, "output_tokens": 1}\n\n{"prompt_tokens": 1}\n', {},
     r"a.jsonl:3: output_tokens is None"),
    ("a.jsonl", '{"prompt_tokens": 1, "output_tokens": 1}\n{"prompt_tok', {}, r"a.jsonl:2: is no JSON .*truncated"),
    ("a.jsonl", '{"prompt_tokens": 1, "output_tokens": 1}\n[1]\n', {}, r"a.jsonl:2: list where an object"),
    ("a.json", '[{"prompt_tokens": 1,\n "output_tokens": 1},\n\n {"prompt_tokens": 0, "output_tokens": 1}]', {},
     r"a.json:4: prompt_tokens is 0"),
    ("a.json", '[{"prompt_tokens": 1, "output_tokens": 1},\n {"prompt_tokens": 0', {}, r"a.json:2: .*truncated"),
    ("a.json", '[{"prompt_tokens": 1, "output_tokens": 1},\n 7]', {}, r"a.json:2: int where an object"),
    ("a.json", "[]", {}, "holds no rows, only an empty array"),
    ("a.json", " \n", {}, "is empty; JSON objects are needed"),
    ("a.json", '[{"id": "x", "conversations": []}]', {}, "format sharegpt holds texts: give the tokenizer"),
    ("a.json", '[{"id": "x", "conversations": [{"from": "human", "value": "a"}]}]', {"tokenizer": Words()},
     "a.json:1: prompt_tokens is "),
    ("a.jsonl", '{"prompt": "a", "output": ""}\n', {"tokenizer": Words()}, r"a.jsonl:1: output_tokens is ''"),
    ("a.jsonl", '{"prompt": "??? a", "output": "b"}\n', {"tokenizer": Words()}, "1 of 3 tokens are unknown .*not fit"),
    ("a.csv", "prompt_tokens,output_tokens\n1,1\n", {"tokenizer": Words()}, "a tokenizer has nothing to count"),
    ("a.csv", "prompt_tokens,n\n1,1\n", {"columns": {"output_token": "n", "output_tokens": "n"}},
     "unknown column of format csv 'output_token'; did you mean 'output_tokens'"),
    ("a.csv", "prompt_tokens,n\n1,1\n", {"columns": {"output_tokens": "m"}}, "no column m; found prompt_tokens, n"),
    ("a.csv", "prompt_tokens,output_tokens\n1,1\n", {"constants": {"output_tokens": 5}}, "takes no constant"),
    ("a.csv", "a\n1\n", {"constants": {"prompt_tokens": 5, "output_tokens": 5}}, "only constants are left"),
    ("a.csv", "arrival_s,prompt_tokens,output_tokens\n1,1,1\n", {"time_unit": "min"}, "unknown time_unit 'min'"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "text", "options", "message"), FAULTS)
def test_a_fault_is_named_with_its_place_and_remedy(
    tmp_path: Path, file: str, text: str, options: dict[str, Any], message: str
) -> None:
    """Wrong columns, units, zones, failures, texts and JSON are told apart, with file and line."""
    with pytest.raises(InputError, match=message):
        read_trace(save(tmp_path, text, file), **options)


def test_failures_are_dropped_and_counted(tmp_path: Path) -> None:
    """BurstGPT's failures, with no response tokens, go with `drop`; ids and the clock's start stay true."""
    rows = "10,x,5,0,5,y\n12,x,5,1,6,y\n20,x,5,0,5,y\n22.25,x,7,3,10,y\n"
    trace, counts = read_trace(save(tmp_path, BURST + rows), invalid_rows="drop")
    assert (counts.rows, counts.dropped, trace.id.tolist()) == (4, 2, [1, 3])
    assert trace.arrival.tolist() == [0, 10_250 * MS]


def test_a_unit_can_be_said(tmp_path: Path) -> None:
    """time_unit replaces the format's own: Mooncake rows in seconds, own rows in nanoseconds."""
    text = '{"timestamp": 0.25, "input_length": 1, "output_length": 1}\n'
    assert read_trace(save(tmp_path, text, "a.jsonl"), time_unit="s").trace.arrival.tolist() == [250 * MS]
    path = save(tmp_path, "t_ns,prompt_tokens,output_tokens\n17,1,1\n18.5,1,1\n")
    assert read_trace(path, columns={"arrival_s": "t_ns"}, time_unit="ns").trace.arrival.tolist() == [17_000, 18_500]


def test_timestamps_are_exact_to_the_picosecond(tmp_path: Path) -> None:
    """Seven digits, twelve and thirteen, a comma, a T and a zone are read; digits beyond a ps are rounded."""
    stamps = [
        "2024-02-28 23:59:59.9999999Z",
        "2024-02-29T00:00:00,000000000001+00:00",
        "2024-02-29 00:00:00.0000000000026Z",
    ]
    text = "TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(f'"{stamp}",1,1\n' for stamp in stamps)
    assert read_trace(save(tmp_path, text)).trace.arrival.tolist() == [0, 100_001, 100_003]


def test_sorting_moves_rows_and_counts_them(tmp_path: Path) -> None:
    """Rows out of order are an error, or are put in order, each with its own number, and counted."""
    path = save(tmp_path, "arrival_s,prompt_tokens,output_tokens\n2,1,1\n1,2,1\n3,3,1\n1,4,1\n")
    with pytest.raises(InputError, match=r"trace.csv:3: arrival is '1': it lies before"):
        read_trace(path)
    trace, counts = read_trace(path, sort=True)
    assert trace.id.tolist() == [1, 3, 0, 2]
    assert trace.prompt_tokens.tolist() == [2, 4, 1, 3]
    assert counts.sorted == 2
    bench = '{"input_lens": [1, 2], "output_lens": [1, 1], "start_times": [7.5, 7.25]}'
    assert read_trace(save(tmp_path, bench, "b.json"), sort=True).trace.arrival.tolist() == [0, 250 * MS]


def test_nested_names_and_constants(tmp_path: Path) -> None:
    """In JSON a column may lie within objects and lists; a column that a file lacks may be given a value."""
    text = '{"choices": [{"turns": [{"token_len": 5}]}]}\n{"choices": [{"turns": [{"token_len": 6}]}]}\n'
    path = save(tmp_path, text, "a.jsonl")
    trace = read_trace(
        path, columns={"output_tokens": "choices.0.turns.0.token_len"}, constants={"prompt_tokens": 9}
    ).trace
    assert trace.output_tokens.tolist() == [5, 6]
    assert trace.prompt_tokens.tolist() == [9, 9]
    with pytest.raises(InputError, match=r"a.jsonl:1: output_tokens is None"):
        read_trace(path, columns={"output_tokens": "choices.1.turns"}, constants={"prompt_tokens": 9})


def test_a_million_rows_are_read_quickly(tmp_path: Path) -> None:
    """A CSV of 10⁶ rows takes under 6 s of processor time, Parquet under 2."""
    from time import process_time  # noqa: PLC0415

    rows = 10**6
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write("arrival_s,prompt_tokens,output_tokens\n")
        file.writelines(
            f"{number}.{number % 997:06d},{number % 4000 + 1},{number % 700 + 1}\n" for number in range(rows)
        )
    started = process_time()
    trace = read_trace(path).trace
    assert process_time() - started < 6  # s; about 0.6 s when written
    assert len(trace) == rows
    trace.to_frame().to_parquet(tmp_path / "a.parquet")
    started = process_time()
    assert read_trace(tmp_path / "a.parquet").trace == trace
    assert process_time() - started < 2  # s; about 0.2 s when written
