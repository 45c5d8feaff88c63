"""Foretold values of cases: static batches, client loops, first tokens, memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from s3sim.calibration.cases import Case
from s3sim.core.batch import Batch, Chunk
from s3sim.core.request import Request, Sequence
from s3sim.hardware import ENGINES, EngineSpec, MemoryPlan, Parallel, Roofline
from s3sim.hardware.static_memory import StaticMemory

__all__ = ["CLIENT_SECONDS", "KV_FRACTION", "Constants", "foretell", "kv_capacity", "roofline", "rows_that_fit"]

# s per sequence and step, in the client of LMDeploy's benchmark: its threads take each token in turn. Fitted.
CLIENT_SECONDS: Final = 44.9e-6
# Of the memory that weights and runtime leave, where an engine takes what it finds free for KV:
# kv_cache_free_gpu_mem_fraction of TensorRT-LLM, whose benchmarks set it between 0.9 and 0.95; recalled.
KV_FRACTION: Final = 0.95

_PICOSECONDS = 10**12  # per second
_SERVED = Sequence(Request(0, 0, 1, 1), None, 0)  # durations do not depend on who is served


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """All that a fit may change: engines by name, what communication costs, and the client's own time."""

    engines: Mapping[str, EngineSpec] = field(default_factory=lambda: MappingProxyType(dict(ENGINES)))
    communication: Mapping[str, float] = field(default_factory=dict)  # fields of Parallel, where not its defaults
    client_seconds: float = CLIENT_SECONDS


def roofline(case: Case, constants: Constants) -> Roofline:
    """The latency model of a case under these constants."""
    parallel = Parallel(tensor=case.parallel.tensor, **dict(constants.communication))  # type: ignore[arg-type]
    engine = constants.engines[case.family.engine]
    return Roofline(model=case.model, device=case.device, engine=engine, parallel=parallel)


def foretell(case: Case, constants: Constants, latency: Roofline) -> float:
    """The value that a case's metric should have: seconds, tokens per second, bytes, or 1 for out of memory.

    In-flight batching is not foretold here but simulated (s3sim.calibration.serving).
    """
    return _METRICS[case.row.metric](case, constants, latency)


def _prefill(latency: Roofline, *, rows: int, prompt: int) -> float:
    """Seconds of one step that computes `rows` prompts; 0 for empty ones."""
    if prompt == 0:
        return 0.0
    pairs = rows * prompt * (prompt + 1) // 2  # causal
    batch = Batch(0, [Chunk(_SERVED, prompt, 0, True)] * rows, [], [], [], 0, 0, rows * prompt, pairs)
    return latency.affine(batch).first / _PICOSECONDS


def _decode(latency: Roofline, *, rows: int, context: int, steps: int) -> float:
    """Seconds of so many decode steps of `rows` sequences, the first of which reads `context` slots each."""
    done = total = 0
    while done < steps:
        piece = latency.affine(Batch(0, [], [], [], [], rows, rows * (context + done)))
        taken = min(piece.steps, steps - done)
        total += piece.elapsed(taken)
        done += taken
    return total / _PICOSECONDS


def _static_batch(case: Case, constants: Constants, latency: Roofline) -> float:
    """Seconds of a static batch: its prefill, then its decode steps."""
    prompt = case.prompt - case.family.decodes_first_token
    steps = case.decode_steps + case.family.decodes_first_token
    start = _prefill(latency, rows=case.batch, prompt=prompt)
    return start + _decode(latency, rows=case.batch, context=prompt + 1, steps=steps)


def _throughput(case: Case, constants: Constants, latency: Roofline) -> float:
    """Output tokens per second of a static batch, or of a client's loop where the engine batches continuously.

    All clients of a loop ask for the same lengths, so they stay in step: each round is a static batch of as
    many as fit, plus the client's own time per sequence and step.
    """
    if not case.family.decodes_first_token:
        return case.batch * case.output / _static_batch(case, constants, latency)
    rows = rows_that_fit(case)
    start = _prefill(latency, rows=rows, prompt=case.prompt - 1)
    steps = _decode(latency, rows=rows, context=case.prompt, steps=case.output)
    return rows * case.output / (start + steps + case.output * rows * constants.client_seconds)


def _throughput_per_gpu(case: Case, constants: Constants, latency: Roofline) -> float:
    return _throughput(case, constants, latency) / case.parallel.devices


def _first_token(case: Case, constants: Constants, latency: Roofline) -> float:
    """Seconds to the first token of a whole batch."""
    if not case.family.decodes_first_token:
        return _prefill(latency, rows=case.batch, prompt=case.prompt)
    start = _prefill(latency, rows=case.batch, prompt=case.prompt - 1)
    return start + _decode(latency, rows=case.batch, context=case.prompt, steps=1)


def _first_token_min(case: Case, constants: Constants, latency: Roofline) -> float:
    """Seconds to the first token of the first of a loop's clients: computed alone, unless there is no prompt."""
    if not case.family.decodes_first_token:
        return _prefill(latency, rows=1, prompt=case.prompt)
    rows = 1 if case.prompt > 1 else case.batch
    start = _prefill(latency, rows=rows, prompt=case.prompt - 1)
    return start + _decode(latency, rows=rows, context=case.prompt, steps=1)


def _token_interval(case: Case, constants: Constants, latency: Roofline) -> float:
    """Seconds of the middle decode step of as many sequences as fit: the median interval."""
    return _decode(latency, rows=rows_that_fit(case), context=case.prompt + case.output // 2, steps=1)


def kv_capacity(case: Case) -> int:
    """Slots that a case's replica has for KV; raises InputError where not even the model fits."""
    plan = MemoryPlan(model=case.model, device=case.device, parallel=case.parallel)
    return int(plan.kv_capacity_tokens * KV_FRACTION)


def rows_that_fit(case: Case) -> int:
    """Sequences that decode at one time: the clients, or as many as KV holds half-way through their outputs."""
    return max(1, min(case.batch, kv_capacity(case) // (case.prompt + case.output // 2)))


def _static_bytes(case: Case) -> int:
    memory = StaticMemory(model=case.model, tensor=case.parallel.tensor)
    return memory.parts(rows=case.batch, prompt_tokens=case.prompt, output_tokens=case.output).total


def _memory_used(case: Case, constants: Constants, latency: Roofline) -> float:
    return float(_static_bytes(case))


def _out_of_memory(case: Case, constants: Constants, latency: Roofline) -> float:
    if case.family.static_memory:
        return float(_static_bytes(case) > case.device.memory_bytes)
    return float(case.batch * (case.prompt + case.output) > kv_capacity(case))


_METRICS: Final[Mapping[str, Callable[[Case, Constants, Roofline], float]]] = {
    "e2e_latency": _static_batch,
    "first_token_latency": _first_token,
    "first_token_latency_min": _first_token_min,
    "token_interval_p50": _token_interval,
    "output_throughput": _throughput,
    "output_throughput_per_gpu": _throughput_per_gpu,
    "memory_used": _memory_used,
    "oom": _out_of_memory,
}
