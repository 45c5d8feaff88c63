"""What the device did: tokens computed, slots read and copied, query-key pairs; each exact, padding included."""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from s3sim.core.events import Event
from s3sim.report.facts import RunFacts
from s3sim.report.frames import Column, column

__all__ = ["Work", "work"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Sums over all steps of a log."""

    steps: int  # forward passes
    tokens: int  # through the dense layers, padding included
    padding: int  # those of them that are padding: prompt positions, and rows without a sequence
    slots_read: int  # by decode attention, padding included
    slots_copied: int  # by compaction, and to longer tensors
    prefill_pairs: int  # query-key pairs of prompts, causal, padding included

    def __sub__(self, earlier: "Work") -> "Work":
        """What was done since an earlier time."""
        return Work(**{entry.name: getattr(self, entry.name) - getattr(earlier, entry.name) for entry in fields(self)})

    @property
    def padding_fraction(self) -> float | None:
        """Padding's share of the computed tokens; None where none was."""
        return self.padding / self.tokens if self.tokens else None

    def operations(self, facts: RunFacts) -> int:
        """Floating-point operations: 2·parameters a token, and those of attention a query-key pair.

        Where attention has a sliding window, an upper bound: its pairs are counted in full.
        """
        pairs = self.slots_read + self.prefill_pairs
        return 2 * facts.parameters * self.tokens + facts.attention_flops_per_pair * pairs

    def bytes_moved(self, facts: RunFacts) -> int | None:
        """Bytes of weights and KV read, and of KV copied, which is read and written; None where weights are unknown.

        As the roofline prices them: what a step writes anew, activations, and a chunk's reads of its own
        cached context are left out.
        """
        if facts.streamed_weight_bytes is None:
            return None
        slots = self.slots_read + 2 * self.slots_copied
        return self.steps * facts.streamed_weight_bytes + slots * facts.kv_bytes_per_token


def work(events: pd.DataFrame, steps: pd.DataFrame, *, reads_reserved: bool = False) -> Work:
    """The work of a whole log; `reads_reserved` as in RunFacts."""
    count, decodes = column(steps, "steps"), column(steps, "decode_sequences")
    pairs = count * (count - 1) // 2  # Σ j over the steps j of each stretch
    rows = decodes + column(steps, "padding_rows")
    read = column(steps, "decode_context") + column(steps, "padding_slots")
    copied = column(steps, "copied_slots")
    padding = column(steps, "padding_tokens") + count * column(steps, "padding_rows")
    return Work(
        steps=int(count.sum()),
        tokens=int((column(steps, "prefill_tokens") + padding + count * decodes).sum()),
        padding=int(padding.sum()),
        slots_read=int((count * read + pairs * (0 if reads_reserved else rows)).sum()),
        slots_copied=int((column(steps, "relocated_tokens") + count * copied + pairs * rows * (copied > 0)).sum()),
        prefill_pairs=_padded_pairs(steps) if column(steps, "padding_tokens").any() else _pairs(events),
    )


def _padded_pairs(steps: pd.DataFrame) -> int:
    """Of a static system: whole prompts, all of the longest one's length."""
    prompts = column(steps, "prefill_sequences")
    length = (column(steps, "prefill_tokens") + column(steps, "padding_tokens")) // np.maximum(prompts, 1)
    return int((prompts * (length * (length + 1) // 2)).sum())


def _pairs(events: pd.DataFrame) -> int:
    """Of prompts computed to their end, in chunks or at once, and of those preempted before."""
    kind = column(events, "event")
    at = np.flatnonzero(np.isin(kind, (Event.ADMITTED, Event.PREFILLED, Event.SWAPPED_IN, Event.PREEMPTED)))
    at = at[np.argsort(column(events, "id")[at], kind="stable")]
    kind, tokens, detail = kind[at], column(events, "tokens")[at], column(events, "detail")[at]
    whole = detail[kind == Event.PREFILLED]
    in_part = tokens[1:][(kind[1:] == Event.PREEMPTED) & (kind[:-1] == Event.ADMITTED)]  # of the same request, then
    return _causal(whole) + _causal(in_part)


def _causal(tokens: Column) -> int:
    return int((tokens * (tokens + 1) // 2).sum())
