"""Results: found by what they tell, the same when they are loaded again, shown small."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import s3sim
from s3sim.core.errors import InputError
from s3sim.core.events import Event
from s3sim.report.frames import PS_PER_S
from tests.experiment.tiny import tiny


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> s3sim.Results:
    """The tiny experiment, without figures."""
    short = {"kind": "constant", "tokens": 6}  # so that many overrun
    return s3sim.sweep(s3sim.Experiment(tiny(predictor=short)), out=tmp_path_factory.mktemp("done") / "tiny")


def test_loading_gives_what_running_gave(done: s3sim.Results) -> None:
    """The summary, to the last bit and type, and the tables of every point."""
    again = s3sim.load(done.path)
    pd.testing.assert_frame_equal(again.summary, done.summary, check_exact=True)
    for one, two in zip(again, done, strict=True):
        assert one.point == two.point
        assert one.summary == two.summary
        pd.testing.assert_frame_equal(one.events, two.events)


def test_a_point_is_found_by_its_name_and_by_what_it_tells(done: s3sim.Results) -> None:
    """Scenario, system, seed and swept keys lead to the table that the point's name leads to."""
    for _, row in done.summary.iterrows():
        told = {name: row[name] for name in ("scenario", "system", "seed")}
        told |= {} if pd.isna(row["max_num_seqs"]) else {"max_num_seqs": row["max_num_seqs"]}
        for table in (done.requests, done.events, done.steps):
            pd.testing.assert_frame_equal(table(**told), table(row["point"]))
        assert done.result(**told).point.directory == row["point"]


def test_a_timeline_accounts_for_every_moment_of_a_request(done: s3sim.Results) -> None:
    """Phases follow one another from the arrival to the end, for each request that is asked for, in that order."""
    for result in done:
        told = result.timeline()
        assert set(told["id"]) == set(result.requests["id"])
        for ident, rows in told.groupby("id"):
            request = result.requests.set_index("id").loc[ident]
            assert rows["begin_s"].iloc[0] == request["arrival_s"]
            assert rows["end_s"].iloc[-1] == request["finished_s"]
            assert rows["begin_s"].iloc[1:].tolist() == rows["end_s"].iloc[:-1].tolist()
        assert list(dict.fromkeys(result.timeline(ids=[7, 3])["id"])) == [7, 3]
        pd.testing.assert_frame_equal(done.timeline(result.point.directory, ids=[5]), result.timeline([5]))


def test_a_timeline_tells_of_preemptions(done: s3sim.Results) -> None:
    """A request that was swapped out has a phase `swapped` that ends when its KV is back."""
    found = 0
    for result in done:
        back = result.events[result.events["event"] == Event.SWAPPED_IN]
        ends = result.timeline().query("phase == 'swapped'")["end_s"]
        assert sorted(ends) == sorted(back["time_ps"] / PS_PER_S)
        found += len(ends)
    assert found


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda r: r.requests(),
            r"^12 points fit, and one is needed; say also scenario: offline, online; max_num_seqs:",
        ),
        (lambda r: r.requests(scenario="online", system="s3"), r"^2 points fit, .* say also seed: 0, 1$"),
        (lambda r: r.events(system="s4"), r"^system: no point has 's4'; there are orca, s3$"),
        (lambda r: r.steps(max_num_seqs=3), r"^max_num_seqs: no point has 3; there are 2, 4, null$"),
        (lambda r: r.result(batch=3), r"^unknown key 'batch' \(known: max_num_seqs, point, scenario, seed, system\)"),
        (lambda r: r.timeline("nope"), r"^unknown point 'nope'"),
    ],
)
def test_what_is_not_there_is_said(ask: Callable[[s3sim.Results], object], message: str, done: s3sim.Results) -> None:
    """The message lists what there is, and in what several points differ."""
    with pytest.raises(InputError, match=message):
        ask(done)


def test_a_short_log_has_no_result(tmp_path: Path) -> None:
    """`log: requests` keeps the requests alone, and whoever asks for more is told how to have it."""
    short = s3sim.sweep(s3sim.Experiment(tiny(log="requests", scenarios={"main": {}}, seeds=[0])), out=tmp_path / "out")
    assert len(short.requests(system="s3")) == 20
    with pytest.raises(InputError, match="run the experiment with `log: full`"):
        short.result(system="s3")


def test_results_show_themselves_small(done: s3sim.Results) -> None:
    """A table of a few rows and columns in a notebook, a line elsewhere."""
    html, result = done._repr_html_(), done.result(scenario="online", system="s3", seed=0)
    assert html.count("<tr>") == 13
    assert len(html) < 10_000
    assert repr(done) == f"Results({str(done.path)!r}: 12 points of orca, s3)"
    assert repr(result).startswith("Result(s3, online, seed=0: 20 of 20 requests completed, ")
    assert "preemptions" in result._repr_html_()


def test_what_a_user_named_is_no_markup() -> None:
    """Names and descriptions are escaped, and long ones cut."""
    from s3sim.api.display import facts_html, number, table_html  # noqa: PLC0415

    wild = "<b onload='x'>&" * 50
    for html in (facts_html(wild, {wild: wild}), table_html(wild, [wild], [[wild]], note=wild)):
        assert "<b onload" not in html
        assert len(html) < 3000
    told = (None, float("nan"), 3, 1234567, 0.123456, 12345.6, True, "x", float("inf"))
    assert [number(value) for value in told] == ["–", "–", "3", "1,234,567", "0.1235", "12,346", "True", "x", "inf"]
