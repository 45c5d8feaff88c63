"""The shape of a decoder-only transformer, and the bytes and operations that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from s3sim.core.errors import InputError
from s3sim.hardware.checks import require_flag, require_name, require_text, require_whole

__all__ = ["DTYPE_BYTES", "ModelSpec"]

DTYPE_BYTES: Final[Mapping[str, int]] = MappingProxyType(  # bytes per element
    {"fp32": 4, "fp16": 2, "bf16": 2, "fp8": 1, "int8": 1}
)

_WHOLE = ("layers", "hidden", "heads", "kv_heads", "head_dim", "ffn", "vocab", "max_positions")
_FLAGS = (
    "gated_ffn",
    "tied_embeddings",
    "parallel_block",
    "norm_bias",
    "qkv_bias",
    "output_bias",
    "ffn_bias",
    "head_bias",
    "qk_norm",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A decoder-only transformer: its shape, its number formats, and where both were read.

    Multi-head attention has kv_heads = heads, grouped-query attention fewer. All counts are in
    elements, all sizes in bytes. Raises InputError for a field that cannot be used.

    With a `sliding_window` of w a token attends to itself and the w − 1 before it. Only the operations
    of a prefill's attention follow it (attended_pairs). A decode step is still priced for reading all
    the slots of its sequences, which it knows as one total, and a sequence holds a slot for each of its
    tokens: both exact as long as prompt + output <= w, upper bounds beyond. max_positions stays the
    limit of a sequence's length.
    """

    name: str
    layers: int
    hidden: int  # width of the residual stream
    heads: int  # query heads
    kv_heads: int
    head_dim: int
    ffn: int  # width of the feed-forward layer
    vocab: int  # rows of the embedding table, padding included
    max_positions: int  # most tokens of one sequence, prompt and output together
    gated_ffn: bool = False  # three feed-forward matrices (SwiGLU) instead of two
    tied_embeddings: bool = False  # the output head is the embedding table
    parallel_block: bool = False  # attention and feed-forward side by side; no effect on sizes
    norms_per_block: int = 2
    norm_bias: bool = True  # LayerNorm has one, RMSNorm none
    qkv_bias: bool = False
    output_bias: bool = False  # of the attention's output projection
    ffn_bias: bool = False
    head_bias: bool = False
    qk_norm: bool = False  # a norm of head_dim weights on queries, another on keys
    learned_positions: int = 0  # rows of the position table; 0 for rotary or ALiBi positions
    sliding_window: int | None = None  # most tokens that a token attends to; None: all before it
    weight_dtype: str = "fp16"
    kv_dtype: str = "fp16"
    source: str = "unstated"

    def __post_init__(self) -> None:
        require_text("model: name", self.name)
        for field in _WHOLE:
            require_whole(self._place(field), getattr(self, field))
        for field in _FLAGS:
            require_flag(self._place(field), getattr(self, field))
        for field in ("norms_per_block", "learned_positions"):
            require_whole(self._place(field), getattr(self, field), least=0)
        if self.sliding_window is not None:
            require_whole(self._place("sliding_window"), self.sliding_window)
        for field in ("weight_dtype", "kv_dtype"):
            require_name(self._place(field), getattr(self, field), DTYPE_BYTES, kind="number format")
        if self.heads % self.kv_heads:
            raise InputError(
                f"{self._place('kv_heads')}: {self.kv_heads} does not divide heads = {self.heads}; "
                "each KV head must serve the same number of query heads"
            )

    def _place(self, field: str) -> str:
        return f"model {self.name!r}: {field}"

    @property
    def matmul_parameters(self) -> int:
        """Weights that every token is multiplied with: projections, feed-forward and output head.

        Per layer hidden · head_dim · (2·heads + 2·kv_heads) + hidden · ffn · (3 if gated, else 2);
        once vocab · hidden for the head.
        """
        attention = self.hidden * self.head_dim * 2 * (self.heads + self.kv_heads)
        feed_forward = self.hidden * self.ffn * (3 if self.gated_ffn else 2)
        return self.layers * (attention + feed_forward) + self.head_parameters

    @property
    def head_parameters(self) -> int:
        """Weights of the output head, tied or not: vocab · hidden."""
        return self.vocab * self.hidden

    @property
    def parameters(self) -> int:
        """All weights: matmul_parameters + vectors (biases, norms) + tables that are only looked up.

        Equals the published counts of GPT-J, GPT-NeoX, Pythia, GPT-2 and 3, OPT, LLaMA, Mistral and
        Qwen models (tests/hardware).
        """
        return self.matmul_parameters + self._vector_parameters + self._lookup_parameters

    @property
    def _vector_parameters(self) -> int:
        norm = self.hidden * (2 if self.norm_bias else 1)
        qkv = self.head_dim * (self.heads + 2 * self.kv_heads) if self.qkv_bias else 0
        output = self.hidden if self.output_bias else 0
        widening = self.ffn * (2 if self.gated_ffn else 1)
        feed_forward = widening + self.hidden if self.ffn_bias else 0
        qk_norm = 2 * self.head_dim if self.qk_norm else 0
        per_layer = self.norms_per_block * norm + qkv + output + feed_forward + qk_norm
        return self.layers * per_layer + norm + (self.vocab if self.head_bias else 0)

    @property
    def _lookup_parameters(self) -> int:
        embedding = 0 if self.tied_embeddings else self.vocab * self.hidden
        return embedding + self.learned_positions * self.hidden

    @property
    def weight_bytes(self) -> int:
        """Device memory that the weights hold."""
        return self.parameters * DTYPE_BYTES[self.weight_dtype]

    @property
    def streamed_weight_bytes(self) -> int:
        """Weights that one forward pass reads: all but the tables of which a few rows are looked up."""
        return (self.parameters - self._lookup_parameters) * DTYPE_BYTES[self.weight_dtype]

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes of one slot of the KV cache: a key and a value per layer and KV head."""
        return 2 * self.layers * self.kv_heads * self.head_dim * DTYPE_BYTES[self.kv_dtype]

    @property
    def dense_flops_per_token(self) -> int:
        """Floating-point operations of the dense layers per token: a multiply and an add per weight."""
        return 2 * self.matmul_parameters

    @property
    def attention_flops_per_pair(self) -> int:
        """Operations per query-key pair over all layers: a dot product with the key, a sum with the value."""
        return 4 * self.layers * self.heads * self.head_dim

    def attended_pairs(self, *, tokens: int, context: int) -> int:
        """Query-key pairs of `tokens` new tokens after `context` cached ones: causal, within the sliding window.

        The i-th new token attends to min(context + i, window) tokens, itself included.
        """
        pairs = tokens * context + tokens * (tokens + 1) // 2
        if self.sliding_window is None:
            return pairs
        longest = max(0, context + tokens - self.sliding_window)  # tokens that the last one no longer sees
        before = max(0, context - self.sliding_window)
        return pairs - (longest * (longest + 1) - before * (before + 1)) // 2
