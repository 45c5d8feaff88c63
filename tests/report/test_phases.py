import pandas as pd
import pytest

from s3sim.core.events import Event, Preemption
from s3sim.report.phases import PHASES, interesting, phases
from s3sim.report.tables import requests_table
from tests.report.worlds import NAMES, frames

SWAPPING = ("s3", "oracle_bucket", "oracle_exact", "s3_on_release", "s3_lanes")


def all_phases(name: str) -> pd.DataFrame:
    """The phases of every request of a world that was admitted."""
    events, _ = frames(name, rate=12.0)
    return phases(events, interesting(events, 10_000))


@pytest.mark.parametrize("name", NAMES)
def test_phases_tile_a_life(name: str) -> None:
    """From its arrival to its end a request is in one phase after the other, and their lengths sum to E2EL."""
    events, _ = frames(name, rate=12.0)
    found, table = all_phases(name), requests_table(events).set_index("id")
    follows = found["id"] == found["id"].shift()
    assert (found["begin_ps"] == found["end_ps"].shift())[follows].all()
    assert (found["begin_ps"] < found["end_ps"]).all()
    done = table[table["status"] == "finished"]
    length = (found["end_ps"] - found["begin_ps"]).groupby(found["id"]).sum().reindex(done.index)
    assert (length / 1e9 == done["e2el_ms"]).all()
    assert set(found["phase"]) <= set(PHASES)


@pytest.mark.parametrize("name", NAMES)
def test_phases_are_those_that_the_log_tells(name: str) -> None:
    """Prefill ends with a first token or a loss, swapped lasts from a swap to the KV's return, as often as told."""
    events, _ = frames(name, rate=12.0)
    found, kinds = all_phases(name), events["event"]
    swaps = events[(kinds == Event.PREEMPTED) & (events["detail"] == Preemption.SWAP)]
    swapped = found[found["phase"] == "swapped"]
    assert sorted(swapped["begin_ps"]) == sorted(swaps["time_ps"])
    assert sorted(swapped["end_ps"]) == sorted(events.loc[kinds == Event.SWAPPED_IN, "time_ps"])
    assert len(swapped) > 20 or name not in SWAPPING
    ends = events.loc[kinds == Event.PREFILLED, ["id", "time_ps"]].to_numpy().tolist()
    prefill = found[found["phase"] == "prefill"]
    lost = events[(kinds == Event.PREEMPTED) & (events["detail"] != Preemption.SWAP)][["id", "time_ps"]]
    told = {tuple(row) for row in [*ends, *lost.to_numpy().tolist()]}
    assert {tuple(row) for row in prefill[["id", "end_ps"]].to_numpy().tolist()} <= told
    assert len(prefill) >= len({row[0] for row in ends})


def test_the_preempted_come_first() -> None:
    """A choice holds the preempted ones before others, in the order of their first admission."""
    events, _ = frames("s3", rate=12.0)
    preempted = set(events.loc[events["event"] == Event.PREEMPTED, "id"])
    order = list(dict.fromkeys(events.loc[events["event"] == Event.ADMITTED, "id"]))
    few, many = interesting(events, 10).tolist(), interesting(events, len(preempted) + 5).tolist()
    assert few == [ident for ident in order if ident in preempted][:10]
    assert preempted < set(many)
    assert many == [ident for ident in order if ident in set(many)]


def test_nobody_was_admitted() -> None:
    """A log that breaks off before has no phases, and nobody to choose."""
    events, _ = frames("s3")
    assert phases(events.iloc[:3], interesting(events.iloc[:3], 9)).empty
