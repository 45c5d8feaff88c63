"""What is said of an open choice, for its listing and its JSON schema."""

from typing import Any

__all__ = ["BLOCK_TOKENS", "MAX_NUM_SEQS", "about"]


def about(text: str, **limits: float) -> dict[str, Any]:
    """A field's metadata: what it means and why its default, with the limits of its values."""
    return {"description": text, **limits}


MAX_NUM_SEQS = about("Most sequences running at once; null: memory decides, as in the paper's batches.", ge=1)
BLOCK_TOKENS = about("Slots in a block; 16 is vLLM's default.", ge=1, le=10**6)
