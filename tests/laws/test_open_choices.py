"""What S³ leaves open, one choice at a time, on worlds that are worked out in the head."""

from typing import get_args, get_type_hints

import pytest

from s3sim.core.events import Event, EventLog
from s3sim.policies.registry import S3, Orca
from tests.support.worlds import Row, world

LONG = Row(prompt=2, output=22, max_new=22, predicted=1)


def reserved(log: EventLog) -> list[int]:
    """Slots of each admission, in the log's order."""
    return [row[3] for row in log.event_rows() if row[1] == Event.ADMITTED]


@pytest.mark.parametrize(
    ("returns_with", "series"), [("double", [3, 6, 12, 24]), ("maximum", [3, 24]), ("bucket", [3, 10, 17, 24])]
)
def test_an_overrun_returns_with_what_was_chosen(returns_with: str, series: list[int]) -> None:
    """Of 24 slots at most: twice as many, all at once, or a bucket of ceil(64 ÷ 10) = 7 more each time."""
    choices = S3(returns_with=returns_with)  # type: ignore[arg-type]
    assert reserved(world("s3", [LONG], capacity=24, max_length=64, choices=choices).run()) == series


def test_a_prediction_may_cover_the_prompt() -> None:
    """Reserved is the prediction itself, but for a prompt that leaves no room for a token in it."""
    rows = [Row(prompt=5, output=2, max_new=20, predicted=9), Row(prompt=12, output=1, max_new=20, predicted=9)]
    within = world("s3", rows, capacity=64, choices=S3(counts_prompt=False)).run()
    beside = world("s3", rows, capacity=64).run()
    assert sorted(reserved(within)) == [9, 13]
    assert sorted(reserved(beside)) == [14, 21]


@pytest.mark.parametrize("name", ["s3", "orca"])
def test_prompts_apart_share_no_step_with_decodes(name: str) -> None:
    """A step computes prompts or tokens; mixed, a late prompt joins the others' decode."""
    rows = [Row(arrival=at, prompt=3, output=4, max_new=4, predicted=4) for at in (0, 25)]
    rows = rows if name == "s3" else [Row(arrival=at, prompt=3, output=4, max_new=4) for at in (0, 25)]
    kind = S3 if name == "s3" else Orca
    both = {
        prefill: any(row[5] and row[7] for row in world(name, rows, capacity=64, choices=choices).run().step_rows())
        for prefill, choices in (("mixed", kind()), ("apart", kind(prefill="apart")))
    }
    assert both == {"mixed": True, "apart": False}


def test_slots_that_need_not_be_neighbours_are_never_moved() -> None:
    """Where holes are too short for the next, extents move, or it waits, or slots need not be neighbours."""
    rows = [
        Row(prompt=4, output=2, max_new=4, predicted=4),
        Row(prompt=3, output=5, max_new=5, predicted=5),  # stands between the other two, and stays longest
        Row(prompt=4, output=2, max_new=4, predicted=4),
        Row(arrival=1, prompt=8, output=4, max_new=8, predicted=8),
    ]
    moved, admitted = {}, {}
    for placement in get_args(get_type_hints(S3)["placement"]):
        log = world("s3", rows, capacity=24, choices=S3(placement=placement)).run()
        moved[placement] = sum(row[1] == Event.RELOCATED for row in log.event_rows())
        admitted[placement] = next(row[0] for row in log.event_rows() if row[1] == Event.ADMITTED and row[2] == 10)
    assert {placement for placement, moves in moved.items() if moves} == {
        "move_needed",
        "slide_all",
        "slide_on_release",
    }
    assert admitted["anywhere"] == admitted["move_needed"] < admitted["first_fit"]
