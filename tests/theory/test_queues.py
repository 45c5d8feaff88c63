"""Where a system runs one sequence at a time it is a single-server queue, and queueing theory knows its waits.

With `max_num_seqs` 1 and a step of C ps whatever is in it, an output of n tokens takes n·C.
"""

from dataclasses import fields

import numpy as np
import pytest

from s3sim.core.events import Event, EventLog
from s3sim.policies.registry import SYSTEMS
from tests.support.latency import LinearLatency
from tests.support.traits import AGEING, NAMES
from tests.support.worlds import Row, World, world
from tests.theory.statistics import replicate

C = 10**6  # ps a step; long, so that rounding arrivals to 1 ps does not matter
LOAD = 0.5  # ρ
REQUESTS = 1500  # in each replication
WARM_UP = 150  # of which are left out: the queue starts empty
STOP = 0.4  # of a geometric output, after each token
LONGEST = 60  # tokens; P(longer) = 0.6^60 < 1e-13
FIXED = 3  # tokens
SERIAL = tuple(name for name in NAMES if "max_num_seqs" in {field.name for field in fields(SYSTEMS[name].choices)})
SIZED = tuple(name for name in AGEING if SYSTEMS[name].needs == "oracle_exact")  # the largest comes first


def serial(name: str, outputs: list[int], arrivals: list[int], *, exact: bool = False) -> World:
    """A world that serves one sequence at a time; what is foretold is the maximum, or exact."""
    tells = SYSTEMS[name].needs != "nothing"
    rows = [
        Row(arrival=at, prompt=1, output=n, max_new=LONGEST, predicted=(n if exact else LONGEST) if tells else None)
        for at, n in zip(arrivals, outputs, strict=True)
    ]
    choices = SYSTEMS[name].choices(max_num_seqs=1, **({"ageing_s": None} if exact else {}))  # type: ignore[call-arg]
    return world(name, rows, capacity=128, choices=choices, latency=LinearLatency(base=C, per_row=0))


def geometric(rng: np.random.Generator) -> list[int]:
    """Outputs of a mean of 1/STOP tokens."""
    return [min(int(n), LONGEST) for n in rng.geometric(STOP, REQUESTS)]


def poisson(rng: np.random.Generator, mean_service: float) -> list[int]:
    """Arrivals in ps at a rate of LOAD / mean_service."""
    return [int(at) for at in np.cumsum(rng.exponential(mean_service / LOAD, REQUESTS))]


def waits(one: World, log: EventLog) -> list[int]:
    """From arrival to admission, in ps, by row."""
    admitted = {row[2]: row[0] for row in log.event_rows() if row[1] == Event.ADMITTED}
    return [admitted[ident] - row.arrival for ident, row in one.by_id.items()]


def pollaczek_khinchine(mean_service: float, mean_square: float) -> float:
    """Mean wait of M/G/1: λ·E[S²] / (2·(1 − ρ)) with λ = ρ / E[S] (Pollaczek 1930, Khinchine 1932)."""
    return LOAD / mean_service * mean_square / (2 * (1 - LOAD))


@pytest.mark.parametrize("name", SERIAL)
def test_waits_obey_lindley(name: str) -> None:
    """W' = max(0, W + S − A) for each request and its successor, to the picosecond (Lindley 1952)."""
    rng = np.random.default_rng(5)
    one = serial(name, geometric(rng), poisson(rng, C / STOP))
    wait = 0
    for (row, after), found in zip(zip(one.rows, one.rows[1:], strict=False), waits(one, one.run())[1:], strict=True):
        wait = max(0, wait + row.output * C - (after.arrival - row.arrival))
        assert found == wait


@pytest.mark.parametrize("name", SERIAL)
def test_mean_wait_of_fixed_outputs_is_that_of_m_d_1(name: str) -> None:
    """Poisson arrivals and equal outputs: mean wait = ρ·S / (2·(1 − ρ)), within its interval."""

    def mean_wait(seed: int) -> float:
        rng = np.random.default_rng(seed)
        one = serial(name, [FIXED] * REQUESTS, poisson(rng, FIXED * C))
        return float(np.mean(waits(one, one.run())[WARM_UP:]))

    assert replicate(mean_wait).agrees(LOAD * FIXED * C / (2 * (1 - LOAD)), precision=0.1)


@pytest.mark.parametrize("name", SERIAL)
def test_mean_wait_of_geometric_outputs_is_that_of_m_g_1(name: str) -> None:
    """Poisson arrivals and geometric outputs: the mean wait is Pollaczek and Khinchine's, within its interval."""

    def mean_wait(seed: int) -> float:
        rng = np.random.default_rng(seed)
        outputs = geometric(rng)
        one = serial(name, outputs, poisson(rng, C / STOP))
        return float(np.mean(waits(one, one.run())[WARM_UP:]))

    expected = pollaczek_khinchine(C / STOP, C**2 * (2 - STOP) / STOP**2)
    assert replicate(mean_wait).agrees(expected, precision=0.25)


@pytest.mark.parametrize("name", SIZED)
def test_serving_the_largest_first_conserves_work(name: str) -> None:
    """Whatever the order, E[S·W] = E[S] times the mean wait of first come first served (Kleinrock 1965)."""

    def work(seed: int) -> float:
        rng = np.random.default_rng(seed)
        outputs = geometric(rng)
        one = serial(name, outputs, poisson(rng, C / STOP), exact=True)
        found = waits(one, one.run())
        assert found != sorted(found)
        return float(np.mean([n * C * wait for n, wait in zip(outputs, found, strict=True)][WARM_UP:]))

    expected = C / STOP * pollaczek_khinchine(C / STOP, C**2 * (2 - STOP) / STOP**2)
    assert replicate(work).agrees(expected, precision=0.25)
