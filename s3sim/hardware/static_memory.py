"""What one static batch of FasterTransformer holds on a device: the arithmetic of its allocations."""

from dataclasses import dataclass
from typing import NamedTuple

from s3sim.hardware.checks import require_number, require_whole
from s3sim.hardware.model import DTYPE_BYTES, ModelSpec
from s3sim.hardware.parallel import Parallel

__all__ = ["BUFFER_GROWTH", "FIXED_BYTES", "StaticBytes", "StaticMemory"]

# FasterTransformer 5.0, ParallelGpt.cc: a batch, length or prompt longer than any before sets that dimension
# of every buffer to int(1.2 · it), and its GPT example starts from 0, 0, 0.
BUFFER_GROWTH = 1.2
# The three that follow: least squares, rounded, of 41 memory_used rows of GPT-6.7B, 1.3B and 350M (gpt_guide.md of
# FasterTransformer 5.3), by benchmarks/static_memory_fit.py; error 0.4% median, 2.4% at most. The figures' "GB" are
# GiB: its print_mem_usage divides by 2^30, and only so do the three models leave the same FIXED_BYTES.
FIXED_BYTES = 2_940_000_000  # CUDA context, libraries, a position table of max_seq_len · vocab
PROMPT_BUFFERS = 5.6  # 16-bit vectors of width `hidden` per prompt token; 5 in ParallelGpt.cc and its context decoder
VOCAB_BYTES = 12  # per row and vocabulary entry: two fp32 tables of logits, and sampling's


class StaticBytes(NamedTuple):
    """Bytes on each device of a static batch, by what they are for."""

    weights: int
    fixed: int
    kv: int
    prompt: int  # activations of the prompt tokens
    mask: int  # attention mask, slots by slots for each row
    logits: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticMemory:
    """The memory of static batches of one model, as FasterTransformer 5 allocates it.

    On each of `tensor` devices, with every dimension first grown to int(growth · it):
      weights  the layers' share, and both vocabulary tables whole (tied or not) with the positions';
      kv       rows · (prompt + output + 1) slots, split over the devices as far as there are KV heads;
      prompt   rows · prompt · PROMPT_BUFFERS · hidden · 2 bytes, on every device;
      mask     rows · slots² · 2 bytes;  logits: rows · vocab · VOCAB_BYTES.
    What layers hold for moments only (scores, feed-forward) is not in it: it did not show in memory_used.
    `growth` 1 is an engine that was told its largest batch and lengths beforehand. Source of the form:
    FasterTransformer's ParallelGpt.cc, ParallelGptWeight.cc and ParallelGptContextDecoder.cc. Raises
    InputError for a field that cannot be used.
    """

    model: ModelSpec
    tensor: int = 1
    growth: float = BUFFER_GROWTH

    def __post_init__(self) -> None:
        require_number("static memory: growth", self.growth, most=4.0)
        Parallel(tensor=self.tensor).check(self.model)

    def parts(self, *, rows: int, prompt_tokens: int, output_tokens: int) -> StaticBytes:
        """Bytes that a batch of `rows` prompts and outputs of these lengths holds on each device."""
        for field, value in (("rows", rows), ("prompt_tokens", prompt_tokens), ("output_tokens", output_tokens)):
            require_whole(f"static memory: {field}", value)
        model = self.model
        batch, slots, prompt = map(self._grown, (rows, prompt_tokens + output_tokens + 1, prompt_tokens))
        return StaticBytes(
            weights=self.weight_bytes,
            fixed=FIXED_BYTES,
            kv=batch * slots * model.kv_bytes_per_token // Parallel(tensor=self.tensor).kv_shards(model),
            prompt=round(batch * prompt * PROMPT_BUFFERS * model.hidden * 2),
            mask=batch * slots * slots * 2,
            logits=batch * model.vocab * VOCAB_BYTES,
        )

    @property
    def weight_bytes(self) -> int:
        """Weights on each device: tables are not split, and the output head is a copy of its own."""
        model = self.model
        element = DTYPE_BYTES[model.weight_dtype]
        table = model.vocab * model.hidden * element
        positions = model.learned_positions * model.hidden * element
        layers = model.weight_bytes - positions - (table if model.tied_embeddings else 2 * table)
        return -(-layers // self.tensor) + positions + 2 * table

    def _grown(self, length: int) -> int:
        return int(length * self.growth)
