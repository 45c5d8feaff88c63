import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s3sim.core.errors import InputError, SystemFaultError, UnknownNameError
from s3sim.workload.readers import InvalidRows, ReadCounts, read_trace
from s3sim.workload.trace import Trace
from s3sim.workload.units import seconds_text, seconds_to_picoseconds
from s3sim.workload.writers import write_trace

AZURE = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9951690,396,109
2023-11-16 18:15:50.9951691,879,55
"""


def save(folder: Path, text: str, name: str = "trace.csv") -> Path:
    """Path of a new file with this text, compressed if it is named so."""
    path = folder / name
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
@given(data=st.data())
def test_a_written_trace_reads_back_exactly(tmp_path: Path, suffix: str, data: st.DataObject) -> None:
    """Writing and reading lose nothing, not a picosecond, whatever columns there are."""
    rows = data.draw(st.integers(1, 5))
    times = st.lists(st.integers(0, 2**63 - 1), min_size=rows, max_size=rows)
    flags = st.lists(st.booleans(), min_size=rows, max_size=rows)
    trace = Trace.of(
        id=np.arange(rows)[::-1] * (2**63 // rows - 1),
        arrival=sorted(data.draw(times)),
        prompt_tokens=np.arange(1, rows + 1),
        output_tokens=np.arange(1, rows + 1),
        max_new_tokens=data.draw(st.none() | st.just(np.full(rows, 9))),
        over_length=data.draw(st.none() | flags),
    )
    path = tmp_path / f"trace{suffix}"
    write_trace(trace, path)
    assert read_trace(path) == (trace, ReadCounts(rows, 0))


@given(times=st.lists(st.integers(0, 2**63 - 1)))
def test_decimal_seconds_are_exact(times: list[int]) -> None:
    """Seconds as text hold every picosecond of 106 days, as no float does."""
    text = np.array(seconds_text(np.array(times, dtype=np.int64)), dtype=object)
    assert seconds_to_picoseconds(text).tolist() == times


def test_equal_traces_make_equal_files(tmp_path: Path) -> None:
    """A compressed file holds no time of writing."""
    trace = Trace.of(prompt_tokens=[1], output_tokens=[1])
    for name in ("a.csv.gz", "b.csv.gz"):
        write_trace(trace, tmp_path / name)
    read = [(tmp_path / name).read_bytes() for name in ("a.csv.gz", "b.csv.gz")]
    assert gzip.decompress(read[0]) == gzip.decompress(read[1])
    assert read[0][4:8] == read[1][4:8] == bytes(4)  # the header's time


def test_azure_timestamps_keep_all_seven_digits(tmp_path: Path) -> None:
    """Azure's times are ps since the first row's, exactly."""
    trace, counts = read_trace(save(tmp_path, AZURE))
    assert trace.arrival.tolist() == [0, 4_314_579_000_000, 4_314_579_100_000]
    assert trace.prompt_tokens.tolist() == [374, 396, 879]
    assert trace.output_tokens.tolist() == [44, 109, 55]
    assert counts == ReadCounts(3, 0)


def test_azure_2024_timestamps_have_a_zone(tmp_path: Path) -> None:
    """The later release writes a UTC offset and six digits, or none when they are zero."""
    text = (
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00+00:00,1,2\n2024-05-10 00:00:00.009930+00:00,1,2\n"
    )
    assert read_trace(save(tmp_path, text)).trace.arrival.tolist() == [0, 9_930_000_000]


def test_timestamps_are_exact_to_the_nanosecond(tmp_path: Path) -> None:
    """Nine digits are kept as well as seven, a week after the first."""
    rows = "2023-11-16 00:00:00.000000001,1,2\n2023-11-23 00:00:00.123456789,1,2\n"
    trace = read_trace(save(tmp_path, AZURE.splitlines()[0] + "\n" + rows)).trace
    assert trace.arrival[1] == 7 * 86_400 * 10**12 + 123_456_788_000


def test_own_columns_may_come_in_any_order(tmp_path: Path) -> None:
    """Columns are found by name; without arrival_s all arrive at 0; other columns are ignored."""
    text = "\ufeffmodel, output_tokens,prompt_tokens\r\nx,2,1\r\n\r\ny,4,3\r\n"
    trace = read_trace(save(tmp_path, text)).trace
    assert trace == Trace.of(prompt_tokens=[1, 3], output_tokens=[2, 4])


def test_float_seconds_of_a_parquet_file(tmp_path: Path) -> None:
    """Seconds as floats are rounded to the nearest picosecond."""
    path = tmp_path / "trace.parquet"
    pd.DataFrame({"arrival_s": [0.1, 0.25], "prompt_tokens": [1, 1], "output_tokens": [1, 1]}).to_parquet(path)
    assert read_trace(path).trace.arrival.tolist() == [100_000_000_000, 250_000_000_000]


OWN = "arrival_s,prompt_tokens,output_tokens\n"
CSV_FAULTS = [
    (OWN + "0,1,1\n1,0,1\n", r"trace.csv:3: prompt_tokens is '0': a whole number.*drop such rows"),
    (OWN + "0,1,1\n\n1,1,x\n", r"trace.csv:4: output_tokens is 'x'"),
    (OWN + "0,1,1\n1,1,\n", r"trace.csv:3: output_tokens is ''"),
    (OWN + "0,1,NaN\n", r"trace.csv:2: output_tokens is 'NaN'"),
    (OWN + "0,1,-4\n", r"trace.csv:2: output_tokens is '-4'"),
    (OWN + "0,1,1.5\n", r"trace.csv:2: output_tokens is '1.5'"),
    (OWN + "2,1,1\n1,1,1\n", r"trace.csv:3: arrival is '1': it lies before the row above; sort"),
    (OWN + "-1,1,1\n", r"trace.csv:2: arrival is '-1': a time"),
    (OWN + "0,1,1\nnoon,1,1\n", r"trace.csv:3: arrival is 'noon'"),
    (OWN + "1e9,1,1\n", r"trace.csv:2: arrival is '1e9': .*106 days"),
    (OWN + "0,1,1\n0,1\n0,1,1\n", r"trace.csv:3: 2 values where the header names 3 columns$"),
    (OWN + "0,1,1\n0,1\n", r"trace.csv:3: 2 values where the header names 3 columns \(is the file truncated\?\)"),
    (OWN + "0,1,1,7\n", r"trace.csv:2: 4 values where the header names 3 columns$"),
    (OWN, r"trace.csv: holds no rows, only the columns arrival_s, prompt_tokens, output_tokens"),
    ("", r"trace.csv: is empty"),
    ("\n\n", r"trace.csv: is empty"),
    ("prompt_tokens,prompt_tokens\n1,1\n", r"trace.csv:1: column 'prompt_tokens' appears more than once"),
    ("in,out\n1,1\n", r"no known format has the columns in, out \(known: csv: prompt_tokens"),
    ("prompt,output\n1,1\n", r"format text holds texts: give the tokenizer .*columns {prompt_tokens: prompt, output"),
    ("id,prompt_tokens,output_tokens\n1,1,1\n1,1,1\n", r"trace.csv:3: id is '1': an earlier row"),
    ("id,prompt_tokens,output_tokens\na,1,1\n", r"trace.csv:2: id is 'a': .*leave the column out"),
    ("prompt_tokens,output_tokens,max_new_tokens\n1,5,4\n", r"trace.csv:2: output_tokens is '5': it exceeds"),
    ("prompt_tokens,output_tokens,over_length\n1,5,yes\n", r"trace.csv:2: over_length is 'yes': true or false"),
    (AZURE + "yesterday,1,1\n", r"trace.csv:5: arrival is 'yesterday'"),
    (AZURE + "0001-01-01 00:00:00,1,1\n", r"trace.csv:5: arrival is '0001-01-01 00:00:00'"),
    (AZURE + "2023-11-16 18:15:40,1,1\n", r"trace.csv:5: arrival is '2023-11-16 18:15:40': it lies before|a time from"),
    (AZURE + "2023-11-16 18:16:46,1,0\n", r"trace.csv:5: output_tokens is '0'"),
]


@pytest.mark.parametrize(("text", "message"), CSV_FAULTS)
def test_a_faulty_file_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    """Every fault of a file is an InputError that says where it is and what would be right."""
    with pytest.raises(InputError, match=message):
        read_trace(save(tmp_path, text))


def test_faults_are_found_in_compressed_files_too(tmp_path: Path) -> None:
    """A line number counts lines of the text, compressed or not."""
    with pytest.raises(InputError, match=r"trace.csv.gz:3: prompt_tokens is '0'"):
        read_trace(save(tmp_path, OWN + "0,1,1\n1,0,1\n", "trace.csv.gz"))


def test_missing_columns_say_what_was_found(tmp_path: Path) -> None:
    """A file of another format than the named one is recognised."""
    message = r"format csv needs prompt_tokens, output_tokens; found TIMESTAMP.*looks like format azure"
    with pytest.raises(InputError, match=message):
        read_trace(save(tmp_path, AZURE), format="csv")
    with pytest.raises(InputError, match=r"format azure needs TIMESTAMP.*looks like format csv"):
        read_trace(save(tmp_path, OWN + "0,1,1\n"), format="azure")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv.gz",
            gzip.compress(AZURE.encode(), mtime=0)[:-20],
            r"ends early, after line [123]; the file is truncated",
        ),
        ("a.csv.gz", b"plain", "cannot be read"),
        ("a.csv", OWN.encode() + b"0,1,1\n\xff,1,1\n", "CSV"),
        ("a.csv", b"\xff\xfe\x00", "is no CSV text in UTF-8"),
        ("a.parquet", b"PAR1 and no more", "is not a whole Parquet file"),
        ("a.parquet", b"", "is not a whole Parquet file"),
        ("a.txt", b"", r"no trace has this suffix; .csv, .parquet, .json, .jsonl have, or name"),
        ("a.parquet.gz", b"", "no trace has this suffix"),
    ],
)
def test_an_unreadable_file_is_an_input_error(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """Truncated, foreign and empty files are told apart, and none raises anything else."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_trace(tmp_path / name)


@pytest.mark.parametrize("name", ["absent.csv", "absent.csv.gz", "absent.parquet", "folder.csv"])
def test_an_absent_file_is_an_input_error(tmp_path: Path, name: str) -> None:
    """A path that is no file is the user's to correct."""
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match=f"{name}: cannot be read"):
        read_trace(tmp_path / name)


def test_invalid_rows_can_be_dropped_and_are_counted(tmp_path: Path) -> None:
    """drop: rows without lengths go, and the others keep the numbers that they have in the file."""
    path = save(tmp_path, OWN + "0,1,0\n1,5,6\n2,,1\n3,7,8\n")
    trace, counts = read_trace(path, invalid_rows="drop")
    assert counts == ReadCounts(rows=4, dropped=2)
    assert trace.id.tolist() == [1, 3]
    assert trace.arrival.tolist() == [10**12, 3 * 10**12]


def test_a_dropped_row_costs_the_others_nothing(tmp_path: Path) -> None:
    """An unreadable time in a dropped row leaves every picosecond of the others as it was."""
    text = OWN + "x,0,1\n9000000.000000000001,1,1\n9000000.000000000003,1,1\n"
    trace = read_trace(save(tmp_path, text), invalid_rows="drop").trace
    assert trace.arrival.tolist() == [9 * 10**18 + 1, 9 * 10**18 + 3]
    text = AZURE.replace(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n", "TIMESTAMP,ContextTokens,GeneratedTokens\nx,0,0\n"
    )
    trace = read_trace(save(tmp_path, text), invalid_rows="drop").trace
    assert trace.arrival.tolist() == [0, 4_314_579_000_000, 4_314_579_100_000]


def test_dropping_never_repairs_the_order(tmp_path: Path) -> None:
    """An unsorted arrival is an error with its line even where invalid rows are dropped."""
    with pytest.raises(InputError, match=r"trace.csv:4: arrival is '1'"):
        read_trace(save(tmp_path, OWN + "0,1,0\n5,1,1\n1,1,1\n"), invalid_rows="drop")


def test_a_file_of_invalid_rows_is_an_error(tmp_path: Path) -> None:
    """Nothing but invalid rows means that the file is not what it was taken for."""
    with pytest.raises(InputError, match="all 1 rows are invalid"):
        read_trace(save(tmp_path, OWN + "0,1,0\n"), invalid_rows="drop")


def test_missing_values_of_a_parquet_file_are_invalid_rows(tmp_path: Path) -> None:
    """A null is no length: an error with its row, or a dropped row."""
    path = tmp_path / "trace.parquet"
    pd.DataFrame({"prompt_tokens": [1, 2], "output_tokens": pd.array([1, None], dtype="Int64")}).to_parquet(path)
    with pytest.raises(InputError, match=r"trace.parquet: row 1: output_tokens is None"):
        read_trace(path)
    assert read_trace(path, invalid_rows="drop").counts == ReadCounts(2, 1)


@pytest.mark.parametrize(("format", "rule", "known"), [("azur", "error", "'azure'"), ("auto", "drops", "'drop'")])
def test_unknown_names_list_the_known(tmp_path: Path, format: str, rule: InvalidRows, known: str) -> None:  # noqa: A002
    """A misspelt format or rule is met with the closest one."""
    with pytest.raises(UnknownNameError, match=f"did you mean {known}"):
        read_trace(save(tmp_path, AZURE), format=format, invalid_rows=rule)


def test_a_named_format_needs_no_suffix(tmp_path: Path) -> None:
    """A file of any name can be read by saying what it is."""
    assert len(read_trace(save(tmp_path, AZURE, "trace.txt"), format="azure").trace) == 3


def test_writing_elsewhere_fails_cleanly(tmp_path: Path) -> None:
    """An unknown suffix is the user's fault, a folder that is not there the world's."""
    trace = Trace.of(prompt_tokens=[1], output_tokens=[1])
    with pytest.raises(InputError, match="suffix"):
        write_trace(trace, tmp_path / "trace.xlsx")
    with pytest.raises(SystemFaultError, match="cannot be written"):
        write_trace(trace, tmp_path / "absent" / "trace.csv")
