"""Laws of the measured profile: knots are met, cells are linear, stretches equal single steps."""

from pathlib import Path

import pytest
from hardware_batches import decode, prefill, single_steps, stretches
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.errors import InputError
from s3sim.hardware import Profile, ProfileRow

HEADER = "kind,batch,tokens,seconds\n"
TABLE = (
    HEADER + "decode,1,100,0.010\ndecode,1,1000,0.011\ndecode,8,800,0.012\ndecode,8,4000,0.020\n"
    "decode,8,16000,0.060\nprefill,1,128,0.015\nprefill,1,1024,0.090\nprefill,4,512,0.050\n"
    "prefill,4,4096,0.400\ncopy,0,1000,0.001\ncopy,0,2000,0.002\n"
)


def load(folder: Path, text: str) -> Profile:
    """The profile that a file of this text holds."""
    path = folder / "profile.csv"
    path.write_text(text, encoding="utf-8")
    return Profile.load(path)


@pytest.fixture(name="profile")
def _profile(tmp_path: Path) -> Profile:
    return load(tmp_path, TABLE)


def test_measured_points_are_met(profile: Profile) -> None:
    """At every knot the foretold duration is the measured one."""
    assert profile.affine(decode(8, 4000)).first == 20 * 10**9
    assert profile.affine(decode(8, 16000)).first == 60 * 10**9
    assert profile.affine(prefill(1, 1024)).first == 90 * 10**9
    assert profile.affine(prefill(4, 1024)).first == 400 * 10**9


def test_cells_are_linear_in_tokens_and_rows(profile: Profile) -> None:
    """Halfway between knots the duration is halfway, along tokens and along rows; never in log space."""
    assert profile.affine(decode(8, 2400)).first == pytest.approx(16e9, rel=1e-6)
    low, high = (profile.affine(decode(rows, 1000)).first for rows in (1, 8))
    assert profile.affine(decode(4, 1000)).first == pytest.approx(low + (high - low) * 3 / 7, rel=1e-6)


def test_outside_the_table(profile: Profile) -> None:
    """Below the first knot time is constant; beyond the last knot and batch the last slope goes on."""
    assert profile.affine(decode(8, 0)).first == 12 * 10**9
    assert profile.affine(decode(8, 28000)).first == pytest.approx(100e9, rel=1e-6)
    assert profile.affine(decode(15, 1000)).first == pytest.approx(14e9, rel=1e-6)  # 11, 12.5 at 1 and 8


def test_neighbouring_batch_sizes_are_blended() -> None:
    """Between three batch sizes the two nearest count; beyond them the last two, never below the last."""
    rows = [ProfileRow("prefill", 1, tokens, 1.0) for tokens in (1, 2)]
    seconds = {1: 1.0, 2: 2.0, 4: 8.0, 8: 6.0}
    rows += [ProfileRow("decode", size, tokens, seconds[size]) for size in seconds for tokens in (1, 2)]
    profile = Profile(rows)
    foretold = {size: profile.affine(decode(size, 1)).first / 1e12 for size in (1, 2, 3, 4, 6, 8, 12)}
    assert foretold == {1: 1.0, 2: 2.0, 3: 5.0, 4: 8.0, 6: 7.0, 8: 6.0, 12: 6.0}


def test_a_promise_ends_at_a_knot(profile: Profile) -> None:
    """A stretch holds up to the next knot, and no further."""
    piece = profile.affine(decode(8, 3980))
    assert piece.steps == 3  # contexts 3980, 3988, 3996; 4004 lies in the next cell
    assert profile.affine(decode(8, 4004)).increment > piece.increment


def test_a_mixed_step_computes_dense_layers_once(profile: Profile) -> None:
    """Prefill beside decode costs the prefill of all tokens plus what the context adds."""
    alone = profile.affine(prefill(1, 504)).first
    mixed = profile.affine(prefill(1, 496, rows=8, context=4000)).first
    assert mixed == alone + (20 - 12) * 10**9


def test_a_mixed_step_is_never_faster_than_its_decode(tmp_path: Path) -> None:
    """Where prefill was measured faster than decode, a mixed step costs the decode at least."""
    profile = load(tmp_path, TABLE + "prefill,8,1,0.001\nprefill,8,900,0.002\n")
    alone = profile.affine(decode(8, 4000)).first
    assert profile.affine(prefill(8, 1, rows=8, context=4000)).first >= alone


def test_copies(profile: Profile, tmp_path: Path) -> None:
    """A compaction adds its copy; without copy rows it raises InputError with a remedy."""
    batch = decode(8, 4000)
    batch.relocated_tokens = 1500
    assert profile.affine(batch).first == pytest.approx(21.5e9)
    bare = load(tmp_path, TABLE[: TABLE.index("copy")])
    with pytest.raises(InputError, match="no copy rows"):
        bare.affine(batch)


def test_noise_never_makes_more_tokens_faster(tmp_path: Path) -> None:
    """A knot measured below its left neighbour is raised to it."""
    noisy = load(tmp_path, TABLE + "decode,8,6000,0.019\n")
    assert noisy.affine(decode(8, 6000)).first == 20 * 10**9


SECONDS = st.floats(1e-4, 1.0)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """Any table that meets the requirements, noisy ones included."""
    rows = [ProfileRow("prefill", 1, tokens, draw(SECONDS)) for tokens in (1, 1000)]
    for batch in draw(st.lists(st.integers(1, 64), min_size=2, max_size=4, unique=True)):
        knots = draw(st.lists(st.integers(0, 5000), min_size=2, max_size=5, unique=True))
        rows += [ProfileRow("decode", batch, knot, draw(SECONDS)) for knot in knots]
    return Profile(rows)


@given(profiles(), st.integers(1, 100), st.integers(0, 8000), st.integers(1, 80))
def test_a_stretch_equals_single_steps(profile: Profile, rows: int, context: int, steps: int) -> None:
    """The closed form of k steps equals k single steps bit for bit, across knots, for any table."""
    shape = {"rows": rows, "context": context, "steps": steps}
    ends = stretches(profile, **shape)
    assert ends == single_steps(profile, **shape)
    durations = [end - begin for begin, end in zip([0, *ends], ends, strict=False)]
    assert durations == sorted(durations)  # more context is never faster


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"profile\.csv:1: missing column kind, batch, tokens, seconds"),
        ("kind,batch,tokens\n", r"profile\.csv:1: missing column seconds"),
        (TABLE + "decode,8,5000,nan\n", r"profile\.csv:13: seconds 'nan'.*above 0"),
        (TABLE + "decode,8,5000,inf\n", r"profile\.csv:13: seconds 'inf'"),
        (TABLE + "decode,8,5000,-0.1\n", r"profile\.csv:13: seconds '-0\.1'"),
        (TABLE + "decode,8,5000,\n", r"profile\.csv:13: seconds ''"),
        (TABLE + "decode,0,5000,1\n", r"profile\.csv:13: batch '0'.*at least 1"),
        (TABLE + "decode,8,-5,1\n", r"profile\.csv:13: tokens '-5'"),
        (TABLE + "decode,8,1.5,1\n", r"profile\.csv:13: tokens '1\.5'"),
        (TABLE + "copy,1,5,1\n", r"profile\.csv:13: batch '1'.*give 0"),
        (TABLE + "swap,1,5,1\n", r"profile\.csv:13: kind 'swap'.*decode, prefill, mixed, copy"),
        (TABLE + "decode,8\n", r"profile\.csv:13: 2 cells"),
        (TABLE + "decode,8,800,1\n", r"profile\.csv:13: .*given before \(.*profile\.csv:4\)"),
        (TABLE + "decode,9,800,1\n", r"profile\.csv:13: .*one knot.*at least two"),
        (TABLE.replace("decode,1,", "decode,8,"), "1 batch sizes of kind 'decode'"),
        (HEADER + "decode,1,1,1\ndecode,1,2,1\ndecode,2,1,1\ndecode,2,2,1\n", "kind 'prefill'"),
    ],
)
def test_refuses_bad_tables(tmp_path: Path, text: str, message: str) -> None:
    """A table that cannot be used raises InputError with file and line, value and remedy."""
    with pytest.raises(InputError, match=message):
        load(tmp_path, text)


def test_refuses_bad_files(tmp_path: Path) -> None:
    """A missing file and a file that is not UTF-8 raise InputError that names it."""
    with pytest.raises(InputError, match=r"nowhere\.csv: no such profile"):
        Profile.load(tmp_path / "nowhere.csv")
    (tmp_path / "latin.csv").write_bytes(b"kind,batch\xe9")
    with pytest.raises(InputError, match=r"latin\.csv: not UTF-8"):
        Profile.load(tmp_path / "latin.csv")


def test_columns_in_any_order_with_extras(tmp_path: Path) -> None:
    """Columns are found by name, further ones and blank lines are ignored."""
    lines = [line.split(",") for line in TABLE.splitlines()]
    text = "\n\n".join(",".join([seconds, "x", *rest]) for *rest, seconds in lines)
    assert load(tmp_path, text).affine(decode(8, 4000)).first == 20 * 10**9


MIXED = "mixed,1,1,0.020\nmixed,1,1001,0.120\nmixed,9,1,0.040\nmixed,9,1001,0.140\n"


def test_a_measured_mixed_step_is_met(tmp_path: Path) -> None:
    """Between rows and prompt tokens it is linear; further sequences and decode's context are added to it."""
    profile = load(tmp_path, TABLE + MIXED)
    assert profile.affine(prefill(1, 1, rows=1, context=0)).first == 20 * 10**9
    assert profile.affine(prefill(1, 501, rows=5, context=0)).first == pytest.approx(80e9, rel=1e-6)
    context = profile.affine(decode(8, 4000)).first - profile.affine(decode(8, 0)).first
    assert profile.affine(prefill(1, 1, rows=8, context=4000)).first == pytest.approx(37.5e9 + context, rel=1e-6)
    further = profile.affine(prefill(4, 256)).first - profile.affine(prefill(1, 1024)).first
    assert further > 0
    assert profile.affine(prefill(4, 256, rows=1, context=0)).first == pytest.approx(122.3e9 + further, rel=1e-6)


def test_mixed_steps_do_not_change_the_others(tmp_path: Path) -> None:
    """Decode and prefill alone cost what they did."""
    with_them, without = load(tmp_path, TABLE + MIXED), load(tmp_path, TABLE)
    for batch in (decode(8, 4000), prefill(1, 600), prefill(4, 800)):
        assert with_them.affine(batch) == without.affine(batch)


def test_one_batch_size_of_mixed_steps_is_refused(tmp_path: Path) -> None:
    """Two are needed to know what a row costs."""
    with pytest.raises(InputError, match="1 batch sizes of kind 'mixed' are too few"):
        load(tmp_path, TABLE + "mixed,1,1,0.020\nmixed,1,1001,0.120\n")
