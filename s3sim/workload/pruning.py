"""Rules by which a data set's users leave out requests, each with the number that it took."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.workload.checks import BoolArray, IntArray

__all__ = ["PRUNINGS", "Pruned", "Pruning", "pruning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """Which rows are left out: those outside of these limits. None sets no limit."""

    min_prompt_tokens: int | None = None
    min_output_tokens: int | None = None
    max_prompt_tokens: int | None = None
    max_output_tokens: int | None = None
    max_total_tokens: int | None = None

    def __post_init__(self) -> None:
        for name, limit in asdict(self).items():
            if limit is not None and limit < 1:
                raise InputError(f"prune: {name} is {limit}: a whole number of tokens from 1 is needed, or nothing")

    def apply(self, prompt: IntArray, output: IntArray) -> "Pruned":
        """The rows that a limit takes, each counted by the first that it breaks, in the order of the fields."""
        lengths = {"prompt": prompt, "output": output, "total": prompt + output}
        taken, counts = np.zeros(len(prompt), dtype=np.bool_), {}
        for name, limit in asdict(self).items():
            if limit is None:
                continue
            end, of, _ = name.split("_")
            broken = lengths[of] < limit if end == "min" else lengths[of] > limit
            counts[name] = int((broken & ~taken).sum())
            taken |= broken
        return Pruned(taken, counts)


@dataclass(frozen=True, slots=True)
class Pruned:
    """The rows that were left out, and how many by which limit."""

    rows: BoolArray
    counts: Mapping[str, int]


PRUNINGS: Mapping[str, Pruning] = {
    "none": Pruning(),
    # is_valid_sequence() of vLLM's benchmarks, by which its ShareGPT loader prunes
    "vllm": Pruning(min_prompt_tokens=4, min_output_tokens=4, max_prompt_tokens=1024, max_total_tokens=2048),
}


def pruning(name: str) -> Pruning:
    """Pruning of that name; UnknownNameError lists the known ones."""
    if name not in PRUNINGS:
        raise UnknownNameError("pruning", name, PRUNINGS)
    return PRUNINGS[name]
