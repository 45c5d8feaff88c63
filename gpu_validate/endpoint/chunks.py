"""What one event of a streamed completion says."""

import json
from dataclasses import dataclass
from typing import Any

from gpu_validate.endpoint.failures import Failed, Kind

__all__ = ["DONE", "Chunk", "read_chunk"]

DONE = "[DONE]"  # ends a stream; not every server sends it
ABORTED = ("abort", "error")  # finish reasons of vLLM and SGLang
SHOWN = 200  # characters of what a server said that go into a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a completion; servers send one per token, or fewer where text waits for whole characters."""

    has_text: bool  # emits a token, or several
    finish_reason: str | None = None
    completion_tokens: int | None = None
    prompt_tokens: int | None = None


def read_chunk(data: str) -> Chunk:
    """The chunk in an event's data; raises Failed where it is none, or tells of an error.

    A chunk with empty text stands for a token whose characters are not whole yet, unless it ends the
    completion or has no choices, as the one that only tells the usage.
    """
    try:
        plain = json.loads(data)
    except ValueError:
        raise Failed(Kind.GARBAGE, f"an event that is no JSON: {data[:SHOWN]!r}") from None
    if not isinstance(plain, dict):
        raise Failed(Kind.GARBAGE, f"an event that is no JSON object: {data[:SHOWN]!r}")
    if plain.get("error"):
        raise Failed(Kind.ERROR, f"the stream tells of an error: {json.dumps(plain['error'])[:SHOWN]}")
    usage = plain.get("usage") if isinstance(plain.get("usage"), dict) else {}
    text, reason = _choice(plain, data)
    if reason in ABORTED:
        raise Failed(Kind.ERROR, f"the server gave the completion up: finish_reason {reason!r}")
    return Chunk(
        has_text=bool(text) or (text is not None and reason is None),
        finish_reason=reason,
        completion_tokens=_count(usage, "completion_tokens"),
        prompt_tokens=_count(usage, "prompt_tokens"),
    )


def _choice(plain: dict[str, Any], data: str) -> tuple[str | None, str | None]:
    """Text and finish reason of the first choice."""
    choices = plain.get("choices")
    if choices == [] or (choices is None and "usage" in plain):
        return None, None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict) or not isinstance(choice.get("text", ""), str):
        raise Failed(Kind.GARBAGE, f"an event that is no chunk of a completion: {data[:SHOWN]!r}")
    reason = choice.get("finish_reason")
    return choice.get("text", ""), reason if isinstance(reason, str) and reason else None


def _count(usage: Any, name: str) -> int | None:
    value = usage.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
