"""KV over time, the map of addresses, and the timeline of requests."""

from typing import Any

import numpy as np

from s3sim.core.events import Event
from s3sim.policies.registry import SYSTEMS
from s3sim.report.extents import extents
from s3sim.report.phases import interesting, phases
from tests.report.drawn import kv_figure, many_kv_figure, map_figure, timeline_figure
from tests.report.worlds import CAPACITY, frames


def test_runs_of_unlike_length_have_axes_of_their_own() -> None:
    """Where some run far longer each panel shows its own run in full, and the title says so; else all share one."""
    own, shared = many_kv_figure(), kv_figure()
    ends = [axes.get_xlim()[1] for axes in own.axes]
    assert max(ends) > 5 * min(ends)
    assert "own axis of time" in own.get_suptitle()
    assert len({axes.get_xlim()[1] for axes in shared.axes}) == 1
    assert "own axis" not in shared.get_suptitle()
    assert {axes.get_title(loc="left").split(":")[0] for axes in own.axes} == set(SYSTEMS)


def test_a_timeline_shows_every_phase_in_its_row() -> None:
    """One bar per phase: as long, where it begins, in the row of its request."""
    events, _ = frames("s3")
    told = phases(events, interesting(events, 40))
    axes = timeline_figure().axes[0]
    patches: list[Any] = list(axes.patches)
    drawn = {(round(bar.get_y() + 0.39), bar.get_x(), round(bar.get_width(), 12)) for bar in patches}
    rank = {ident: row for row, ident in enumerate(dict.fromkeys(told["id"].tolist()))}
    wanted = [
        (rank[ident], begin / 1e12, round(end / 1e12 - begin / 1e12, 12))
        for ident, begin, end in told[["id", "begin_ps", "end_ps"]].to_numpy().tolist()
    ]
    assert len(patches) == len(wanted)
    assert drawn == set(wanted)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [str(ident) for ident in rank]


def test_a_map_shows_every_extent_and_compaction() -> None:
    """A box for each rectangle of addresses and time, a shape for what is written in it, a line for each compaction."""
    events, steps = frames("s3")
    found = extents(events, steps, capacity_tokens=CAPACITY)
    axes = map_figure().axes[0]
    reserved, *written, lines = axes.collections
    corners = {tuple(np.round(path.get_extents().extents, 9)) for path in reserved.get_paths()}
    cells = found[["begin_ps", "address", "end_ps", "tokens"]].to_numpy().tolist()
    assert len(reserved.get_paths()) == len(found)
    assert corners == {
        (round(begin / 1e12, 9), address, round(end / 1e12, 9), address + tokens)
        for begin, address, end, tokens in cells
    }
    assert sum(len(shape.get_paths()) for shape in written) == len(found)
    times = {round(float(np.asarray(path.vertices)[0, 0]), 9) for path in lines.get_paths()}
    compacted = events.loc[events["event"] == Event.COMPACTED, "time_ps"].tolist()
    assert times == {round(time / 1e12, 9) for time in compacted}
    assert axes.get_ylim()[1] > CAPACITY


def test_a_crowded_map_has_a_close_up() -> None:
    """Where too many extents lie above each other, a second panel shows the lowest; a window cuts the time."""
    assert len(map_figure().axes) == 1
    crowded = map_figure(capacity=20 * CAPACITY, until=0.5)
    assert len(crowded.axes) == 2
    whole, close = (axes.get_ylim()[1] for axes in crowded.axes)
    assert 0 < close < whole
    assert [axes.get_xlim() for axes in crowded.axes] == [(0, 0.5)] * 2
