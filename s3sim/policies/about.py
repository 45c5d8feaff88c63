"""What is said of an open choice, for its listing and its JSON schema."""

from typing import Any

from s3sim.core.errors import InputError

__all__ = [
    "BLOCK_TOKENS",
    "MAX_NUM_BATCHED_TOKENS",
    "MAX_NUM_SEQS",
    "VLLM_BUDGET",
    "VLLM_NUM_SEQS",
    "about",
    "prompt_budget",
]

VLLM_BUDGET = 2048  # tokens; vLLM v0's least default of max_num_batched_tokens (vllm/config.py, SchedulerConfig)


def about(text: str, **limits: float) -> dict[str, Any]:
    """A field's metadata: what it means and why its default, with the limits of its values."""
    return {"description": text, **limits}


MAX_NUM_SEQS = about("Most sequences running at once; null: memory decides, as in the paper's batches.", ge=1)
VLLM_NUM_SEQS = about("Most sequences running at once; 256 is vLLM's default; null: memory decides.", ge=1)
MAX_NUM_BATCHED_TOKENS = about(
    "Most prompt tokens in one step; null: max(2048, max_length), vLLM v0's default. Less than max_length is"
    " refused, as vLLM refuses it where prompts are not chunked.",
    ge=1,
)
BLOCK_TOKENS = about("Slots in a block; 16 is vLLM's default.", ge=1, le=10**6)


def prompt_budget(tokens: int | None, *, place: str, least: int, default: int = VLLM_BUDGET) -> int:
    """Most prompt tokens of a step that computes prompts whole: as given, or the default, at least `least`.

    Raises InputError for less than the longest sequence, `least` tokens: it could never be computed. The engines
    refuse it too: vLLM's SchedulerConfig (max_num_batched_tokens below max_model_len), TGI's launcher
    (max_batch_prefill_tokens below max_input_tokens), LightLLM's server (batch_max_tokens below max_req_input_len).
    """
    if tokens is None:
        return max(least, default)
    if tokens < least:
        raise InputError(
            f"{place}: {tokens} tokens a step cannot hold a sequence of max_length {least}, whose prompt is computed"
            f" whole; give {least} or more, or lower max_length"
        )
    return tokens
