"""The formats that traces come in: which columns mark each, and what they mean."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from s3sim.workload.tables import Cells, Chunk

__all__ = ["FORMATS", "Format", "Pairs"]

Pairs = list[tuple[str | None, str | None]]  # prompts and outputs; None where there is no text


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A trace format: the kinds of file that it comes in, and the names of its columns.

    `prompt` and `output` are columns of tokens or, where `texts` is given, what it needs to find the texts
    themselves, which a tokenizer then counts.
    """

    summary: str
    suffixes: tuple[str, ...]  # of its files; the first is what a file without a telling name is taken for
    prompt: str
    output: str
    times: Mapping[str, str] = field(default_factory=dict)  # columns of arrivals → unit, or `timestamp`
    timed: bool = False  # whether it must have one
    from_first: bool = False  # whether times count from the first row's instead of from the run's start
    whole: bool = False  # whether times are whole numbers of the unit
    id: str | None = None
    limit: str | None = None  # max_new_tokens
    over_length: str | None = None
    predicted: str = "predicted_tokens"  # output tokens that were foreseen, in whatever format
    total: str | None = None  # must be prompt + output
    single: str | None = None  # must be 1: how many requests a row stands for
    also: tuple[str, ...] = ()  # further columns that it must have
    texts: Callable[[Chunk], Pairs] | None = None

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that a file must have."""
        return tuple(dict.fromkeys((*(self.times if self.timed else ()), self.prompt, self.output, *self.also)))

    @property
    def optional(self) -> tuple[str, ...]:
        """Columns that are read where a file has them."""
        others = (self.id, self.limit, self.over_length, self.total, self.single, self.predicted)
        return tuple(name for name in (*self.times, *others) if name is not None)

    def source(self, column: str) -> str:
        """The file's name for a trace's column."""
        names = {"prompt_tokens": self.prompt, "output_tokens": self.output, "max_new_tokens": self.limit}
        names |= {"id": self.id, "over_length": self.over_length, "predicted_tokens": self.predicted}
        return names.get(column) or column


def _list(cells: Cells) -> list[Any]:
    return cells if isinstance(cells, list) else cells.to_pylist()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _plain(chunk: Chunk) -> Pairs:
    prompts, outputs = _list(chunk["prompt"]), _list(chunk["output"])
    return [(_text(prompt), _text(output)) for prompt, output in zip(prompts, outputs, strict=True)]


def _alpaca(chunk: Chunk) -> Pairs:
    """Prompts are the instruction, and the input on the next line where there is one."""
    rows = zip(*(_list(chunk[name]) for name in ("instruction", "input", "output")), strict=True)
    return [(_joined(first, more), _text(output)) for first, more, output in rows]


def _joined(instruction: object, more: object) -> str | None:
    return f"{instruction}\n{more}" if more and isinstance(instruction, str) else _text(instruction)


def _sharegpt(chunk: Chunk) -> Pairs:
    """The first two turns of each conversation, as vLLM's `benchmark_dataset.ShareGPTDataset` takes them."""
    return [(_turn(turns, 0), _turn(turns, 1)) for turns in _list(chunk["conversations"])]


def _turn(turns: object, index: int) -> str | None:
    if not isinstance(turns, list) or len(turns) < 2 or not isinstance(turns[index], dict):
        return None
    return _text(turns[index].get("value"))


_OWN = Format(
    summary="s3sim's own: every time and column of a trace, exactly",
    suffixes=(".csv",),
    prompt="prompt_tokens",
    output="output_tokens",
    times={"arrival_s": "s", "arrival_ps": "ps"},
    id="id",
    limit="max_new_tokens",
    over_length="over_length",
)
_JSON = (".jsonl", ".json")

# A new format is one entry here; "auto" takes the first whose suffix and columns fit the file.
FORMATS: Mapping[str, Format] = {
    "csv": _OWN,
    "parquet": replace(_OWN, suffixes=(".parquet",)),
    "jsonl": replace(_OWN, suffixes=_JSON),
    "azure": Format(
        summary="Azure LLM inference traces 2023 and 2024 (Azure/AzurePublicDataset)",
        suffixes=(".csv",),
        prompt="ContextTokens",
        output="GeneratedTokens",
        times={"TIMESTAMP": "timestamp"},
        timed=True,
        from_first=True,
    ),
    "burstgpt": Format(
        summary="BurstGPT (HPMLL/BurstGPT); failures have 0 response tokens",
        suffixes=(".csv",),
        prompt="Request tokens",
        output="Response tokens",
        times={"Timestamp": "s"},
        timed=True,
        from_first=True,
        total="Total tokens",
    ),
    "mooncake": Format(
        summary="Mooncake (kvcache-ai/Mooncake); hash_ids are not read",
        suffixes=_JSON,
        prompt="input_length",
        output="output_length",
        times={"timestamp": "ms"},
        timed=True,
        whole=True,
    ),
    "vidur": Format(
        summary="Vidur (microsoft/vidur), with arrivals or, as its length traces, without",
        suffixes=(".csv",),
        prompt="num_prefill_tokens",
        output="num_decode_tokens",
        times={"arrived_at": "s"},
        total="num_total_tokens",
    ),
    "splitwise": Format(
        summary="splitwise-sim (Mutinifni/splitwise-sim)",
        suffixes=(".csv",),
        prompt="prompt_size",
        output="token_size",
        times={"arrival_timestamp": "s"},
        timed=True,
        id="request_id",
        single="batch_size",
    ),
    "vllm_bench": Format(
        summary="result of vLLM's `bench serve --save-result --save-detailed`; failures have 0 output tokens",
        suffixes=(".json", ".jsonl"),
        prompt="input_lens",
        output="output_lens",
        times={"start_times": "s"},
        timed=True,
        from_first=True,
    ),
    "sharegpt": Format(
        summary="ShareGPT conversations, their first two turns (texts: needs a tokenizer)",
        suffixes=(".json", ".jsonl"),
        prompt="conversations",
        output="conversations",
        texts=_sharegpt,
    ),
    "alpaca": Format(
        summary="Alpaca: instruction, input, output (texts: needs a tokenizer)",
        suffixes=_JSON,
        prompt="instruction",
        output="output",
        also=("input",),
        texts=_alpaca,
    ),
    "text": Format(
        summary="any prompts and outputs, named prompt and output (texts: needs a tokenizer)",
        suffixes=(".jsonl", ".json", ".csv", ".parquet"),
        prompt="prompt",
        output="output",
        texts=_plain,
    ),
}
