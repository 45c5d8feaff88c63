"""No schedule is faster than the upper bound: not the best of all that there are, nor any system's."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from random import Random

import numpy as np
import pytest

from s3sim import Experiment, simulate
from s3sim.core.batch import Batch, Chunk
from s3sim.core.events import Event, EventLog
from s3sim.core.protocols import LatencyModel
from s3sim.core.request import Request, Sequence
from s3sim.experiment.bound import Lengths, least_duration, throughput_bound
from s3sim.experiment.build import build_hardware
from s3sim.hardware import DEFAULT_ENGINE, DEVICES, ENGINES, MODELS, Constant, Parallel, Profile, ProfileRow, Roofline
from s3sim.hardware.least import Bounded
from s3sim.policies.registry import SYSTEMS
from s3sim.report.measure import WHOLE
from tests.experiment.tiny import tiny
from tests.support.latency import LinearLatency
from tests.support.session import on_worlds
from tests.support.worlds import World

PS = 1e12  # per second
EXACT = 1 + 1e-9  # what floats lose
SEQUENCE = Sequence(Request(id=0, arrival=0, prompt_tokens=1, max_new_tokens=1), None, 0)


def lengths(*rows: tuple[int, int]) -> Lengths:
    """Of requests given as (prompt, output)."""
    prompt, output = np.array(rows, dtype=np.int64).T
    return Lengths(prompt, output)


def batch(prefills: list[int], decodes: int, context: int) -> Batch:
    """A step that prefills whole prompts and decodes."""
    chunks = [Chunk(SEQUENCE, tokens, 0, True) for tokens in prefills]
    pairs = sum(tokens * (tokens + 1) // 2 for tokens in prefills)
    return Batch(0, chunks, [], [], [], decodes, context, prefill_tokens=sum(prefills), prefill_attended=pairs)


def test_worked_bound() -> None:
    """Two requests of 2 + 3 hold 2 + 3 + 4 slots each, 18 in all: 3 steps of 6 slots, all of them at a price of 10."""
    latency = LinearLatency(base=10, per_row=1, per_token=2, per_slot=3)
    found = least_duration(lengths((2, 3), (2, 3)), capacity=6, latency=latency)
    # steps 30, prompts 4 · 2, decodes 4 · 1; token 2 reads 2 slots and token 3 reads 3, against 3 · 2 and 4 · 2 tokens
    assert found is not None
    assert found * PS == pytest.approx(30 + 8 + 2 * (min(1 + 6, 6) + min(1 + 9, 8)))


def test_a_request_alone_lasts_its_output() -> None:
    """However much memory there is, a request emits a token a step."""
    found = least_duration(lengths((1, 50), (1, 1)), capacity=10**6, latency=LinearLatency(base=10, per_row=0))
    assert found is not None
    assert found * PS == pytest.approx(500)


def test_an_endless_burst_has_no_longest_request() -> None:
    """Its bound is of memory and work alone, and no lower than the burst's own."""
    rows = lengths((1, 50), (1, 1))
    ends = [least_duration(rows, capacity=100, latency=LinearLatency(per_row=0), endless=e) for e in (False, True)]
    assert ends[0] is not None
    assert ends[1] is not None
    assert ends[1] * PS == pytest.approx(10 * (sum(range(1, 51)) + 1) / 100)
    assert ends[1] < ends[0]


def test_no_bound_of_a_measured_profile() -> None:
    """Its lines need be neither convex nor straight."""
    rows = [
        ProfileRow(kind, size, tokens, 1.0, "row")
        for kind, size, tokens in product(("decode", "prefill"), (1, 2), (1, 9))
    ]
    assert least_duration(lengths((1, 2)), capacity=9, latency=Profile(rows)) is None


# ------------------------------------------------------------------ in a summary


def test_a_burst_has_a_bound_and_arrivals_over_time_have_none() -> None:
    """In every point's summary: all systems of a burst have one and the same, above their throughput."""
    experiment = Experiment(tiny())
    found = [simulate(experiment, scenario="offline", seed=0, max_num_seqs=4, system=name) for name in ("orca", "s3")]
    bounds = {result.summary["throughput_bound"] for result in found}
    assert len(bounds) == 1
    assert all(0 < result.summary["request_throughput"] <= max(bounds) for result in found)
    online = simulate(experiment, scenario="online", seed=0, system="orca")
    assert online.summary["throughput_bound"] is None


def test_who_is_rejected_is_left_out() -> None:
    """The bound is of the requests that finished."""
    experiment = Experiment(tiny(max_length=24)).with_({"workload.over_length": "reject"})
    result = simulate(experiment, scenario="offline", seed=0, max_num_seqs=4, system="s3")
    hardware, requests = build_hardware(result.point), result.requests
    served = requests[requests["status"] == "finished"]
    assert 0 < len(served) < len(requests)
    assert result.summary["throughput_bound"] == throughput_bound(served, hardware, WHOLE)


def test_the_bound_of_a_saturated_part_leaves_the_drain_out() -> None:
    """It is that of an endless burst, above the burst's own."""
    bounds = [
        simulate(Experiment(tiny(measure=measure)), scenario="offline", seed=0, max_num_seqs=4, system="s3").summary
        for measure in ({}, {"burst": "saturated"})
    ]
    assert bounds[0]["throughput_bound"] < bounds[1]["throughput_bound"]


# ------------------------------------------------------------------ each latency model's least step


def models() -> Iterator[tuple[str, LatencyModel]]:
    """Latency models of every kind that has a least step."""
    for name, model in MODELS.items():
        if name in ("gpt-j-6b", "mistral-7b", "gpt-neox-20b"):
            for engine in ENGINES.values():
                yield f"{name} {engine.name}", Roofline(model=model, device=DEVICES["a100-80gb"], engine=engine)
    two = Parallel(tensor=2)
    model, device = MODELS["gpt-j-6b"], DEVICES["a100-80gb"]
    yield "tensor", Roofline(model=model, device=device, engine=ENGINES[DEFAULT_ENGINE], parallel=two)
    yield "constant", Constant(step_seconds=0.01, prefill_seconds_per_token=1e-4, decode_seconds_per_context_token=1e-7)
    yield "linear", LinearLatency(base=9, per_row=2, per_token=1, per_slot=1, floor=40)


@pytest.mark.parametrize(("name", "model"), list(models()), ids=[name for name, _ in models()])
def test_no_step_is_shorter_than_the_least(name: str, model: LatencyModel) -> None:
    """Wherever the tangents are taken; and it is exact, to a thousandth, where they are taken at that very step."""
    random, nearest = Random(name), 0.0
    assert isinstance(model, Bounded)
    for _ in range(300):
        prefills = [random.choice([1, 7, 100, 6000]) for _ in range(random.choice([0, 0, 1, 3]))]
        decodes = random.choice([0, 1, 5, 64, 900]) if prefills else random.choice([1, 5, 64, 900])
        context = decodes * random.choice([1, 50, 3000])
        step = batch(prefills, decodes, context)
        duration = model.affine(step).first
        at = (step.new_tokens, decodes + len(prefills))
        for tokens, sequences in (at, (random.choice([1, 30, 5000]), random.choice([1, 30, 900]))):
            least = model.least_step(tokens=tokens, sequences=sequences)
            pairs = sum(_pairs(tokens, least.window) for tokens in prefills)
            worth = least.step + least.prefill * sum(prefills) + least.decode * decodes
            worth += least.sequence * at[1] + least.slot * context + least.pair * pairs
            bound = max(worth, least.floor)
            assert bound <= duration * EXACT
            nearest = max(nearest, bound / duration)
    assert nearest > 0.999


def _pairs(tokens: int, window: int | None) -> int:
    return sum(min(place, window or place) for place in range(1, tokens + 1))


# ------------------------------------------------------------------ the best of all schedules


def optimum(rows: list[tuple[int, int]], capacity: int, latency: LatencyModel, *, again: bool = True) -> int:
    """Picoseconds of the fastest schedule of (prompt, output) rows, of all that there are.

    Moves to the host and back are free; each step emits a token of those that are chosen, who must fit together, by a
    decode or, if `again`, by a prefill of all that came before. By the tokens that each has, in the order of their sum.
    """
    start, end = (0,) * len(rows), tuple(output for _, output in rows)
    best = {start: 0}
    for state in sorted(product(*(range(output + 1) for output in end)), key=sum):
        if state not in best:
            continue
        for ways in product(*("-p" if done == 0 else "-dp" if again else "-d" for done in state)):
            step = _step(rows, state, ways, capacity)
            if step is not None:
                after = tuple(done + (way != "-") for done, way in zip(state, ways, strict=True))
                best[after] = min(best.get(after, 1 << 60), best[state] + latency.affine(step).first)
    return best[end]


def _step(rows: list[tuple[int, int]], state: tuple[int, ...], ways: tuple[str, ...], capacity: int) -> Batch | None:
    """The step in which some decode and some are prefilled; None where it cannot be."""
    at = [(prompt + done, done, output, way) for (prompt, output), done, way in zip(rows, state, ways, strict=True)]
    chosen = [(held, done, output, way) for held, done, output, way in at if way != "-"]
    if not chosen or sum(held for held, *_ in chosen) > capacity:
        return None
    if any(done == output for _, done, output, _ in chosen):
        return None
    decodes = [held - 1 for held, *_, way in chosen if way == "d"]
    return batch([held for held, *_, way in chosen if way == "p"], len(decodes), sum(decodes))


def test_no_schedule_is_faster_than_the_bound() -> None:
    """Of hundreds of small instances the fastest schedule takes at least the least duration, and often just that."""
    random, ratios = Random(5), []
    for _ in range(150):
        number = random.choice([1, 2, 3, 4])
        rows = [(random.randint(1, 4), random.randint(1, 5 - number // 2)) for _ in range(number)]
        capacity = max(prompt + output for prompt, output in rows) + random.randint(0, 8)
        prices = {name: random.choice([0, 1, 3]) for name in ("per_row", "per_token", "per_slot")}
        latency = LinearLatency(base=random.choice([1, 10]), floor=random.choice([0, 0, 20]), **prices)
        least = least_duration(lengths(*rows), capacity=capacity, latency=latency)
        assert least is not None
        ratios.append(least * PS / optimum(rows, capacity, latency))
    assert max(ratios) <= EXACT
    assert sum(ratio > 1 - 1e-9 for ratio in ratios) > 30
    assert np.median(ratios) > 0.8


def test_eight_requests_in_the_best_order() -> None:
    """No schedule of eight requests that fit but few at a time beats the bound, and the best comes close."""
    rows = [(1, 1), (2, 2), (3, 1), (1, 2), (4, 1), (2, 1), (1, 1), (3, 2)]
    latency = LinearLatency(base=10, per_row=1, per_token=50)  # no prompt is worth computing twice
    least = least_duration(lengths(*rows), capacity=6, latency=latency)
    assert least is not None
    assert 0.9 < least * PS / optimum(rows, 6, latency, again=False) <= EXACT


# ------------------------------------------------------------------ systems


def tightness(burst: World, log: EventLog) -> float | None:
    """The least duration of the requests that finished ÷ the run's; None where none did."""
    ends = {row[2]: row[0] for row in log.event_rows() if row[1] == Event.FINISHED}
    if not ends:
        return None
    rows = [burst.by_id[ident] for ident in ends]
    served = lengths(*((row.prompt, row.output) for row in rows))
    least = least_duration(served, capacity=burst.capacity, latency=burst.latency, lanes=burst.lanes)
    assert least is not None
    return least * PS / max(ends.values())


@pytest.mark.parametrize("lanes", [False, True], ids=["one lane", "several"])
@pytest.mark.parametrize("name", SYSTEMS)
def test_no_system_beats_the_bound(name: str, *, lanes: bool) -> None:
    """Whatever it knows and in whatever order: of random bursts no run is shorter than the least duration."""
    ratios: list[float] = []

    def check(world: World) -> None:
        burst = world.but(rows=tuple(replace(row, arrival=0) for row in world.rows))
        ratio = tightness(burst, burst.run())
        if ratio is not None:
            assert ratio <= EXACT
            ratios.append(ratio)

    on_worlds(check, name, number=60 if not lanes else 40, lanes=lanes)
    assert len(ratios) > 20
    assert max(ratios) > 0.8, f"the nearest run is at {max(ratios):.0%} of the bound: the test says nothing"
