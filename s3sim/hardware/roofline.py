"""Durations from first principles: bytes over bandwidth and operations over peak, smoothly joined."""

from s3sim.core.batch import Affine, Batch
from s3sim.core.errors import InvariantError
from s3sim.hardware.device import DeviceSpec
from s3sim.hardware.engine import EngineSpec
from s3sim.hardware.model import ModelSpec
from s3sim.hardware.parallel import Parallel
from s3sim.hardware.units import PICOSECONDS_PER_SECOND, UNLIMITED_STEPS, picoseconds

__all__ = ["Roofline"]


class Roofline:
    """A LatencyModel that prices a batch by what it reads and computes on one device.

    duration = max(gemm + attention + overheads, CPU floor) + copies, in picoseconds, with
      gemm      = (t_mem^p + t_flop^p)^(1/p), p = smooth_exponent: t_mem = streamed weight bytes /
                  weight bandwidth, t_flop = dense operations of all new tokens / GEMM rate; in
                  prefill and in decode alike;
      attention = KV bytes of the slots read, padding included / KV bandwidth
                  + operations of prefill_attended query-key pairs / prefill attention rate;
      overheads = seconds per layer · layers + seconds per sequence · (decoding rows + chunks) + collectives;
      copies    = (relocated_tokens + copied_slots) · 2 · KV bytes per token / weight bandwidth (read
                  and write) + allocated bytes · seconds per allocated byte.

    Over several devices (Parallel) bytes and operations divide by the tensor degree, and each forward pass
    pays for its collectives; the stages of a pipeline follow one another, so they change no total.

    Decode attention is priced by its bytes alone: it does heads/kv_heads operations per 16-bit KV
    byte, far below any device's balance. A prefill pays for reading cached context through its
    query-key pairs, which Batch counts causally; for a model with a sliding window they are counted anew,
    within it, while decode's reads are not shortened (ModelSpec). Source of the form: on published A100 latencies
    it errs by 3.2% median and 9.9% p90, where decode = bytes / bandwidth and prefill = operations /
    rate err by 4.8% and 15.2%, and by 28% p90 on large batches for want of a compute limit in decode.

    Bit for bit, k single steps equal one stretch: all that depends on the growing context is one
    integer number of picoseconds per token.
    """

    __slots__ = (
        "_allocation",
        "_copy",
        "_decode",
        "_floor",
        "_gemms",
        "_layers",
        "_name",
        "_pair",
        "_power",
        "_sequence",
        "_slope",
        "_t_flop",
        "_t_mem",
        "_transfer",
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
        peak = device.peak_flops(model.weight_dtype) * shards
        fixed, per_token = parallel.transfer_seconds(model=model, device=device)
        self._name = f"{model.name} on {device.name} by {engine.name}"
        self._t_mem = model.streamed_weight_bytes / weight_bandwidth  # s
        self._t_flop = model.dense_flops_per_token / (peak * engine.gemm_flops_fraction)  # s per token
        self._windowed = None if model.sliding_window is None else model
        self._power = engine.smooth_exponent
        self._layers = picoseconds(engine.seconds_per_layer * model.layers + fixed)
        self._transfer = picoseconds(per_token)
        self._sequence = picoseconds(engine.seconds_per_sequence)
        self._floor = picoseconds(engine.cpu_floor_seconds_per_layer * model.layers)
        self._slope = max(1, picoseconds(model.kv_bytes_per_token / kv_bandwidth))  # ps per token of context
        pair = model.attention_flops_per_pair / (peak * engine.prefill_attention_flops_fraction)
        self._pair = PICOSECONDS_PER_SECOND * pair  # ps per query-key pair
        self._copy = max(1, picoseconds(2 * model.kv_bytes_per_token / weight_bandwidth))  # ps per token
        self._allocation = picoseconds(engine.seconds_per_allocated_byte * model.kv_bytes_per_token)  # ps per token
        self._gemms: dict[int, int] = {}  # new tokens -> ps of the dense layers
        self._decode: dict[int, int] = {}  # rows -> ps of a decode step at context 0

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
        """Picoseconds of a forward pass over `tokens` new tokens, attention left out."""
        gemm = self._gemms.get(tokens)
        if gemm is None:
            gemm = self._gemms[tokens] = self._gemm(tokens)
        return gemm + self._layers + self._sequence * sequences + self._transfer * tokens

    def _gemm(self, tokens: int) -> int:
        if tokens < 1:
            raise InvariantError(f"a batch computes {tokens} tokens; a forward pass needs at least one")
        power = self._power
        return picoseconds((self._t_mem**power + (self._t_flop * tokens) ** power) ** (1 / power))
