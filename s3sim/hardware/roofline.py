"""Durations from first principles: bytes over bandwidth and operations over peak, smoothly joined."""

from math import inf
from typing import NamedTuple

from s3sim.core.batch import Affine, Batch
from s3sim.core.errors import InvariantError
from s3sim.hardware.device import DeviceSpec
from s3sim.hardware.engine import EngineSpec
from s3sim.hardware.least import LeastStep
from s3sim.hardware.model import DTYPE_BYTES, ModelSpec
from s3sim.hardware.parallel import Parallel
from s3sim.hardware.units import PICOSECONDS_PER_SECOND, UNLIMITED_STEPS, picoseconds

__all__ = ["Roofline"]

ROUNDINGS = 2.0  # ps by which rounding may shorten a step: half of one for layers, head and pairs, and what floats lose


class Roofline:
    """A LatencyModel that prices a batch by what it reads and computes on one device.

    duration = max(layers + head + attention + overheads, CPU floor) + copies, in picoseconds, with::

      layers    = (t_mem^p + t_flop^p)^(1/p), p = smooth_exponent: t_mem = weight bytes / weight bandwidth,
                  t_flop = operations of all new tokens / GEMM rate; in prefill and in decode alike;
      head      = the same for the vocabulary's matrix, which computes only a row per sequence;
      attention = KV bytes of the slots read, padding included / KV bandwidth
                  + operations of prefill_attended query-key pairs / prefill attention rate
                  + score bytes of those pairs and all heads / bandwidth;
      overheads = seconds per layer · layers + seconds per sequence · (decoding rows + chunks)
                  + activation passes · 16-bit widths of all new tokens over the layers / bandwidth + collectives;
      copies    = (relocated_tokens + copied_slots) · 2 · KV bytes per token / weight bandwidth (read
                  and write) + allocated bytes · seconds per allocated byte.

    Over several devices (Parallel) bytes and operations divide by the tensor degree, and each forward pass
    pays for its collectives; the stages of a pipeline follow one another, so they change no total.

    Decode attention is priced by its bytes alone: it does heads/kv_heads operations per 16-bit KV
    byte, far below any device's balance. A prefill pays for reading cached context through its
    query-key pairs, which Batch counts causally; for a model with a sliding window they are counted anew,
    within it, while decode's reads are not shortened (ModelSpec). The terms were chosen by leaving models out;
    docs/fidelity.md holds them against published latencies.

    Bit for bit, k single steps equal one stretch: all that depends on the growing context is one
    integer number of picoseconds per token.
    """

    __slots__ = (
        "_allocation",
        "_copy",
        "_decode",
        "_floor",
        "_head",
        "_heads",
        "_layers",
        "_name",
        "_overhead",
        "_pair",
        "_passes",
        "_power",
        "_sequence",
        "_slope",
        "_token",
        "_windowed",
    )

    def __init__(
        self, *, model: ModelSpec, device: DeviceSpec, engine: EngineSpec, parallel: Parallel | None = None
    ) -> None:
        parallel = parallel or Parallel()
        shards = parallel.tensor
        kv_shards = parallel.kv_shards(model)
        weight_bandwidth = device.memory_bandwidth * engine.weight_bandwidth_fraction * shards
        kv_bandwidth = device.memory_bandwidth * engine.kv_bandwidth_fraction * kv_shards
        gemm_rate = device.peak_flops(model.weight_dtype) * engine.gemm_flops_fraction * shards
        fixed, per_token = parallel.transfer_seconds(model=model, device=device)
        activations = engine.activation_passes * model.layers * model.hidden * 2 / (device.memory_bandwidth * shards)
        head_bytes = model.head_parameters * DTYPE_BYTES[model.weight_dtype]
        head_flops = 2 * model.head_parameters
        self._name = f"{model.name} on {device.name} by {engine.name}"
        self._windowed = None if model.sliding_window is None else model
        self._power = engine.smooth_exponent
        self._layers = _Matrices(  # of all layers
            (model.streamed_weight_bytes - head_bytes) / weight_bandwidth,
            (model.dense_flops_per_token - head_flops) / gemm_rate,
        )
        self._head = _Matrices(head_bytes / weight_bandwidth, head_flops / gemm_rate)
        self._overhead = picoseconds(engine.seconds_per_layer * model.layers + fixed)
        self._token = picoseconds(per_token + activations)  # ps per new token
        self._sequence = picoseconds(engine.seconds_per_sequence)
        self._floor = picoseconds(engine.cpu_floor_seconds_per_layer * model.layers)
        self._slope = max(1, picoseconds(model.kv_bytes_per_token / kv_bandwidth))  # ps per token of context
        attention_rate = device.peak_flops(_attention_dtype(model)) * engine.prefill_attention_flops_fraction * shards
        scores = model.layers * model.heads * engine.score_bytes_per_pair / (device.memory_bandwidth * shards)
        pair = model.attention_flops_per_pair / attention_rate + scores
        self._pair = PICOSECONDS_PER_SECOND * pair  # ps per query-key pair
        self._copy = max(1, picoseconds(2 * model.kv_bytes_per_token / weight_bandwidth))  # ps per token
        self._allocation = picoseconds(engine.seconds_per_allocated_byte * model.kv_bytes_per_token)  # ps per token
        self._passes: dict[int, int] = {}  # new tokens -> ps of the layers
        self._heads: dict[int, int] = {}  # sequences -> ps of the head
        self._decode: dict[int, int] = {}  # rows -> ps of a decode step at context 0
        self._fixed(1, 1)  # figures under which even one token takes for ever are refused here, not in mid-run

    def __repr__(self) -> str:
        return f"<Roofline {self._name}>"

    def affine(self, batch: Batch) -> Affine:
        """Duration of the batch's first step, increment per further step, and for how many steps it holds.

        A batch with prefill or relocation holds for one step; a decode batch below the CPU floor
        until it rises above it. Raises InvariantError for a batch that computes no token.
        """
        if batch.prefill_tokens or batch.relocated_tokens:
            return Affine(self._mixed(batch), 0, 1)
        rows = batch.rows
        fixed = self._decode.get(rows)
        if fixed is None:
            fixed = self._decode[rows] = self._fixed(rows, rows)
        slope, floor = self._slope, self._floor
        first = fixed + slope * (batch.decode_context + batch.padding_slots)
        increment = slope * (batch.decode_sequences + batch.padding_slots_per_step)
        copies = self._copy * batch.copied_slots + self._allocation * batch.allocated_slots
        more = self._copy * rows if batch.copied_slots else 0
        if first >= floor:
            return Affine(first + copies, increment + more, UNLIMITED_STEPS)
        return Affine(floor + copies, more, (floor - first) // increment + 1 if increment else UNLIMITED_STEPS)

    def least_step(self, *, tokens: float, sequences: float) -> LeastStep:
        """What no step is shorter than: exact at so many new tokens and sequences, but for ROUNDINGS.

        layers and head are convex in their rows, so that each lies above its tangent there; the other terms are linear
        already, and copies, allocations and padding only add.
        """
        layers, head = self._layers.tangent(tokens, self._power), self._head.tangent(sequences, self._power)
        token = PICOSECONDS_PER_SECOND * layers.slope + self._token
        return LeastStep(
            step=max(0.0, PICOSECONDS_PER_SECOND * (layers.intercept + head.intercept) + self._overhead - ROUNDINGS),
            prefill=token,
            decode=token,
            sequence=PICOSECONDS_PER_SECOND * head.slope + self._sequence,
            slot=self._slope,
            pair=self._pair,
            floor=self._floor,
            window=None if self._windowed is None else self._windowed.sliding_window,
        )

    def _mixed(self, batch: Batch) -> int:
        first = self._fixed(batch.new_tokens, batch.rows + len(batch.chunks))
        first += self._slope * (batch.decode_context + batch.padding_slots)
        first += round(self._pair * self._pairs(batch))
        copies = self._copy * (batch.relocated_tokens + batch.copied_slots)
        return max(first, self._floor) + copies + self._allocation * batch.allocated_slots

    def _pairs(self, batch: Batch) -> int:
        """Query-key pairs of the batch's chunks, a static batch's padding included."""
        model = self._windowed
        if model is None:
            return batch.prefill_attended
        if batch.padding_tokens:  # whole prompts, all of the padded length
            length = (batch.prefill_tokens + batch.padding_tokens) // len(batch.chunks)
            return len(batch.chunks) * model.attended_pairs(tokens=length, context=0)
        return sum(model.attended_pairs(tokens=chunk.tokens, context=chunk.context) for chunk in batch.chunks)

    def _fixed(self, tokens: int, sequences: int) -> int:
        """Picoseconds of a forward pass over `tokens` new tokens of `sequences` sequences, attention left out."""
        layers = self._passes.get(tokens)
        if layers is None:
            layers = self._passes[tokens] = self._layers.picoseconds(tokens, self._power)
        head = self._heads.get(sequences)
        if head is None:
            head = self._heads[sequences] = self._head.picoseconds(sequences, self._power)
        return layers + head + self._overhead + self._sequence * sequences + self._token * tokens


class _Tangent(NamedTuple):
    """A line: its value at 0 rows, and its rise per row."""

    intercept: float  # s
    slope: float  # s


class _Matrices(NamedTuple):
    """Weights that a forward pass is multiplied with: the time to read them, and to multiply one row."""

    memory: float  # s
    row: float  # s

    def picoseconds(self, rows: int, power: float) -> int:
        if rows < 1:
            raise InvariantError(f"a batch computes {rows} tokens; a forward pass needs at least one")
        try:
            seconds = (self.memory**power + (self.row * rows) ** power) ** (1 / power)
        except OverflowError:
            seconds = inf
        return picoseconds(seconds)

    def tangent(self, rows: float, power: float) -> _Tangent:
        """The line that touches the duration at so many rows, both of its terms at least 0."""
        longer = max(self.memory, self.row * rows)  # so that no power overflows
        seconds = longer * ((self.memory / longer) ** power + (self.row * rows / longer) ** power) ** (1 / power)
        further = power - 1
        return _Tangent(
            self.memory * (self.memory / seconds) ** further, self.row * (self.row * rows / seconds) ** further
        )


def _attention_dtype(model: ModelSpec) -> str:
    """Number format in which attention multiplies: 16 bits whatever the weights are stored in."""
    return "fp32" if model.weight_dtype == "fp32" else "fp16"
