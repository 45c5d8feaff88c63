"""How a trace meets a server's maximum length."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.workload.checks import MAX_TOKENS, BoolArray, IntArray
from s3sim.workload.trace import Trace

__all__ = ["OVER_LENGTH_RULES", "LengthCounts", "OverLength", "Prepared", "prepare"]

OverLength = Literal["reject", "truncate", "drop"]


@dataclass(frozen=True, slots=True)
class LengthCounts:
    """How many requests were over-length, and what became of them."""

    requests: int  # rows before
    over_length: int  # of these, longer than the maximum
    rejected: int = 0  # kept and flagged; rejected at their arrival
    truncated: int = 0  # kept with a shorter output
    prompts_truncated: int = 0  # of the truncated, with a shorter prompt too
    dropped: int = 0  # removed


class Prepared(NamedTuple):
    """A trace whose rows all have max_new_tokens and over_length, and what it took."""

    trace: Trace
    counts: LengthCounts


def prepare(trace: Trace, *, max_length: int, over_length: OverLength) -> Prepared:
    """Trace for a server of `max_length` tokens (prompt + output), with the over-length rows counted.

    A row is over-length if prompt + output > max_length, or if it was flagged before. `reject` keeps
    and flags it. `truncate` cuts its output to max_length − prompt; a prompt of max_length or more is
    cut to max_length − 1, which leaves 1 output token. `drop` removes it.

    max_new_tokens becomes max_length − prompt, or the row's own where that is less; a flagged row
    keeps at least 1, for it never runs. Applying it twice changes nothing. Raises InputError for
    max_length < 2 and for a trace of which every row is dropped, UnknownNameError for another rule.
    """
    if not 2 <= max_length <= MAX_TOKENS:
        raise InputError(f"max_length is {max_length}: 2 (one prompt and one output token) to {MAX_TOKENS} is needed")
    rule = OVER_LENGTH_RULES.get(over_length)
    if rule is None:
        raise UnknownNameError("over_length rule", over_length, OVER_LENGTH_RULES)
    over = trace.prompt_tokens + trace.output_tokens > max_length
    if trace.over_length is not None:
        over |= trace.over_length
    return rule(trace, over, max_length)


def _reject(trace: Trace, over: BoolArray, max_length: int) -> Prepared:
    limited = replace(trace, over_length=over, max_new_tokens=_max_new_tokens(trace, max_length))
    count = int(over.sum())
    return Prepared(limited, LengthCounts(len(trace), count, rejected=count))


def _truncate(trace: Trace, over: BoolArray, max_length: int) -> Prepared:
    prompt = np.minimum(trace.prompt_tokens, max_length - 1)
    limit = _max_new_tokens(replace(trace, prompt_tokens=prompt), max_length)
    output = np.minimum(trace.output_tokens, limit)
    limited = replace(
        trace, prompt_tokens=prompt, output_tokens=output, max_new_tokens=limit, over_length=np.zeros_like(over)
    )
    count, prompts = int(over.sum()), int((prompt < trace.prompt_tokens).sum())
    return Prepared(limited, LengthCounts(len(trace), count, truncated=count, prompts_truncated=prompts))


def _drop(trace: Trace, over: BoolArray, max_length: int) -> Prepared:
    if over.all():
        raise InputError(
            f"max_length is {max_length}: all {len(trace)} requests are over-length, the shortest has "
            f"{int((trace.prompt_tokens + trace.output_tokens).min())} tokens; raise it, or truncate instead"
        )
    kept = trace.subset(~over)
    flags = np.zeros(len(kept), dtype=np.bool_)
    limited = replace(kept, over_length=flags, max_new_tokens=_max_new_tokens(kept, max_length))
    count = int(over.sum())
    return Prepared(limited, LengthCounts(len(trace), count, dropped=count))


def _max_new_tokens(trace: Trace, max_length: int) -> IntArray:
    left = np.maximum(max_length - trace.prompt_tokens, 1)
    return left if trace.max_new_tokens is None else np.minimum(left, trace.max_new_tokens)


OVER_LENGTH_RULES: Mapping[str, Callable[[Trace, BoolArray, int], Prepared]] = {
    "reject": _reject,
    "truncate": _truncate,
    "drop": _drop,
}
