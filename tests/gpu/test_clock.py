"""The replay's clock: which of the measured times it goes by, what the canary does to it, and the link's queue."""

from statistics import median
from typing import Any

import pytest

from gpu_validate.canary import RECENT, Canary
from gpu_validate.clock import Measured
from gpu_validate.device import Cpu
from gpu_validate.plan import SOURCES
from gpu_validate.surface import Copy, Elapsed, Mark
from s3sim.core.replica import Move

ELAPSED = Elapsed(device_s=1e-3, cpu_s=2e-3, wall_s=3e-3)
BATCH: Any = None  # measured clocks do not look at it


class Busy(Cpu):
    """A processor on which everything takes `seconds`, by its own account."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def since(self, mark: Mark) -> Elapsed:
        """As long as it is told."""
        return Elapsed(self.seconds, self.seconds, self.seconds)


@pytest.mark.parametrize("source", SOURCES)
def test_the_clock_goes_by_its_source(source: Any) -> None:
    """Device, processor and wall time are kept apart; without a canary, canary time is the device's."""
    expected = {"device": 10**9, "cpu": 2 * 10**9, "wall": 3 * 10**9, "canary": 10**9}
    assert Measured(source).step(BATCH, ELAPSED).duration == expected[source]


def test_time_always_moves_on() -> None:
    """A step that was too quick to measure takes one picosecond."""
    assert Measured("cpu").step(BATCH, Elapsed(0.0, 0.0, 0.0)).duration == 1


def test_a_busy_machine_is_divided_out() -> None:
    """Where the canary takes twice its reference time, a step by the canary's clock takes half of what was measured."""
    device = Busy(1e-3)
    clock = Measured("canary", canary := Canary(device))
    assert clock.step(BATCH, ELAPSED).duration == 10**9
    device.seconds = 2e-3
    ticks = [clock.step(BATCH, ELAPSED) for _ in range(2 * RECENT)]
    assert ticks[-1].slowdown == pytest.approx(2)
    assert ticks[-1].duration == 10**9 // 2
    assert canary.reference_s == 1e-3


def test_the_canary_is_run_at_every_second_step() -> None:
    """Its time is recorded where it was run, and only there."""
    clock = Measured("cpu", Canary(Busy(1e-3)))
    sung = [clock.step(BATCH, ELAPSED).canary_s for _ in range(6)]
    assert [seconds is not None for seconds in sung] == [True, False] * 3


def test_the_canary_computes() -> None:
    """On the real processor it takes a time that repeats, and its work is not nothing."""
    canary = Canary(Cpu())
    times = [seconds for _ in range(40) if (seconds := canary.sing()) is not None]
    assert median(times) > 1e-5
    assert 0.1 < canary.slowdown < 10


def test_a_move_takes_its_copys_time_and_none_before_it_is_over() -> None:
    """What is still on its way has no duration yet."""
    move: Move = Move(None, True, 3)  # type: ignore[arg-type]
    clock = Measured("cpu")
    assert clock.move(move, Copy(lambda: False, lambda: 1.0)) is None
    assert clock.move(move, Copy(lambda: True, lambda: 2e-6)) == 2_000_000
