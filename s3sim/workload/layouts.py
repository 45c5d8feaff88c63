"""The columns that each format writes of a trace."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from s3sim.core.errors import InputError
from s3sim.workload.checks import IntArray
from s3sim.workload.texts import Texts
from s3sim.workload.trace import Trace
from s3sim.workload.units import PICOSECONDS, seconds_text

__all__ = ["LAYOUTS", "Layout"]

Columns = dict[str, Any]  # name → values, all of one length
TENTH_US, MS = 10**5, 10**9  # ps
EPOCH = "2023-11-16 00:00:00"  # Azure's timestamps are written as if the trace began then
OWN = ("id", "max_new_tokens", "over_length", "predicted_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a format writes a trace: its columns in order, what it keeps, and how fine its times are."""

    columns: Callable[[Trace], Columns] | None = None
    texts: Callable[[Trace, Texts], list[dict[str, Any]]] | None = None  # rows, for formats that hold texts
    keeps: tuple[str, ...] = ()  # of OWN
    resolution: int | None = 1  # ps; None: it has no times
    from_first: bool = False  # readers take the first time for 0


def _own(trace: Trace) -> Columns:
    named = {"arrival_s" if name == "arrival" else name: values for name, values in trace.columns().items()}
    return {**named, "arrival_s": seconds_text(trace.arrival)}


def _own_exact(trace: Trace) -> Columns:
    return {"arrival_ps" if name == "arrival" else name: values for name, values in trace.columns().items()}


def _azure(trace: Trace) -> Columns:
    ticks = _rounded(trace.arrival, TENTH_US)
    whole, rest = np.divmod(ticks, PICOSECONDS // TENTH_US)
    dates = np.datetime_as_string(np.datetime64(EPOCH) + whole.astype("timedelta64[s]"), unit="s")
    stamps = [f"{date.replace('T', ' ')}.{part:07d}" for date, part in zip(dates.tolist(), rest.tolist(), strict=True)]
    return {"TIMESTAMP": stamps, "ContextTokens": trace.prompt_tokens, "GeneratedTokens": trace.output_tokens}


def _burstgpt(trace: Trace) -> Columns:
    return {
        "Timestamp": seconds_text(trace.arrival),
        "Model": ["unknown"] * len(trace),
        "Request tokens": trace.prompt_tokens,
        "Response tokens": trace.output_tokens,
        "Total tokens": trace.prompt_tokens + trace.output_tokens,
        "Log Type": ["API log"] * len(trace),
    }


def _mooncake(trace: Trace) -> Columns:
    return {
        "timestamp": _rounded(trace.arrival, MS).tolist(),
        "input_length": trace.prompt_tokens.tolist(),
        "output_length": trace.output_tokens.tolist(),
        "hash_ids": [[]] * len(trace),  # which blocks prompts share is not known
    }


def _vidur(trace: Trace) -> Columns:
    return {
        "arrived_at": seconds_text(trace.arrival),
        "num_prefill_tokens": trace.prompt_tokens,
        "num_decode_tokens": trace.output_tokens,
    }


def _splitwise(trace: Trace) -> Columns:
    return {
        "request_id": trace.id,
        "request_type": ["0"] * len(trace),
        "application_id": ["0"] * len(trace),
        "arrival_timestamp": seconds_text(trace.arrival),
        "batch_size": ["1"] * len(trace),
        "prompt_size": trace.prompt_tokens,
        "token_size": trace.output_tokens,
    }


def _vllm_bench(trace: Trace) -> Columns:
    lengths = {"input_lens": trace.prompt_tokens.tolist(), "output_lens": trace.output_tokens.tolist()}
    return lengths | {"start_times": seconds_text(trace.arrival)}


def _rounded(arrival: IntArray, unit: int) -> IntArray:
    """Times in the unit, to the nearest."""
    return (arrival + unit // 2) // unit if int(arrival[-1]) < 2**63 - unit else arrival // unit


def _sharegpt(trace: Trace, texts: Texts) -> list[dict[str, Any]]:
    return [
        {"id": str(ident), "conversations": [_turn("human", texts[ident].prompt), _turn("gpt", texts[ident].output)]}
        for ident in _known(trace, texts)
    ]


def _turn(speaker: str, text: str) -> dict[str, str]:
    return {"from": speaker, "value": text}


def _alpaca(trace: Trace, texts: Texts) -> list[dict[str, Any]]:
    rows = (texts[ident] for ident in _known(trace, texts))
    return [{"instruction": pair.prompt, "input": "", "output": pair.output} for pair in rows]


def _plain(trace: Trace, texts: Texts) -> list[dict[str, Any]]:
    return [{"prompt": texts[ident].prompt, "output": texts[ident].output} for ident in _known(trace, texts)]


def _known(trace: Trace, texts: Texts) -> list[int]:
    ids: list[int] = trace.id.tolist()
    lacking = [ident for ident in ids if ident not in texts]
    if lacking:
        raise InputError(f"texts: none of request {lacking[0]}, nor of {len(lacking) - 1} others; give all of them")
    return ids


LAYOUTS: Mapping[str, Layout] = {
    "csv": Layout(columns=_own, keeps=OWN),
    "parquet": Layout(columns=_own_exact, keeps=OWN),
    "jsonl": Layout(columns=_own_exact, keeps=OWN),
    "azure": Layout(columns=_azure, resolution=TENTH_US, from_first=True),
    "burstgpt": Layout(columns=_burstgpt, from_first=True),
    "mooncake": Layout(columns=_mooncake, resolution=MS),
    "vidur": Layout(columns=_vidur),
    "splitwise": Layout(columns=_splitwise, keeps=("id",)),
    "vllm_bench": Layout(columns=_vllm_bench, from_first=True),
    "sharegpt": Layout(texts=_sharegpt, resolution=None),
    "alpaca": Layout(texts=_alpaca, resolution=None),
    "text": Layout(texts=_plain, resolution=None),
}
