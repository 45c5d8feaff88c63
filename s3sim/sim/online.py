"""A predictor that learns while it is used: what it may know when, and which version foresees whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from s3sim.core.events import EVENT_COLUMNS, Event, EventLog
from s3sim.core.request import Prediction
from s3sim.predictors.buckets import Buckets
from s3sim.predictors.learner import Learner
from s3sim.predictors.margin import Margin

__all__ = ["OnlinePredictor", "Retraining"]

WIDTH = len(EVENT_COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """When an online predictor learns, from what, and how long that takes."""

    every: int  # rows collected since the last retraining began
    window: int  # the latest rows of those collected, which are learnt
    collect: Literal["mispredicted", "all"] = "mispredicted"
    overruns: bool = False  # learn from an overrun that the length is above, before the end is known
    most_versions: int | None = None  # retrainings after which it stays as it is; None: no limit
    fixed_ps: int = 0  # of a retraining
    row_ps: int = 0  # of a retraining, per row that it learns
    background: bool = True  # False: whoever asks says when


class _Version(NamedTuple):
    """What foresees from a time on."""

    active: int  # ps
    number: int
    learner: Learner


class OnlinePredictor:
    """Foresees rows of a trace with the version that is active, and learns the lengths that the event log tells.

    A row is collected when it has finished and, with `collect: mispredicted`, its bucket was not the likeliest.
    When enough are collected, and no retraining runs, one begins, with what is known at that instant; its version
    is active when it ends. Until something is learnt, every prediction is the last bucket's edge. Ids are
    told by `rows` (id → row), prompts' lengths by `prompt_tokens` of each row.
    """

    def __init__(
        self,
        learner: Learner,
        *,
        rule: Retraining,
        buckets: Buckets,
        margin: Margin,
        rows: dict[int, int],
        prompt_tokens: Sequence[int],
    ) -> None:
        self._rule, self._buckets, self._margin = rule, buckets, margin
        self._rows, self._prompt = rows, prompt_tokens
        self._versions = [_Version(0, 0, learner)]  # the active one and those to come
        self._likeliest: dict[int, int | None] = {}  # row → bucket that was foreseen
        self._said: dict[int, int] = {}  # row → tokens that were said
        self._collected: dict[int, int] = {}  # row → bucket, in the order in which it became known
        self._since = 0  # collected since the last retraining began
        self._free = 0  # ps, when the last retraining ends
        self._seen = 0  # cells of the event log that were looked at
        self._log: EventLog | None = None

    # ------------------------------------------------------------------ foreseeing

    def foresee(self, row: int, at: int) -> Prediction:
        """What the version that is active at `at` says of a row; later questions are of the same time or later."""
        self._catch_up(at)
        while len(self._versions) > 1 and self._versions[1].active <= at:
            del self._versions[0]
        version = self._versions[0]
        chances = version.learner.chances(row)
        if chances is None:
            self._likeliest[row], tokens = None, self._buckets.max_tokens
        else:
            likeliest = self._likeliest[row] = int(chances.argmax())
            tokens = int(self._margin.tokens(np.array([likeliest]), chances[None, :], self._buckets)[0])
        self._said[row] = tokens
        return Prediction(tokens, version.number)

    # ------------------------------------------------------------------ learning

    def observe(self, log: EventLog) -> None:
        """Collect from what happened since the last look, and retrain as it becomes due."""
        self._log, cells = log, log.events
        for cell in range(self._seen, len(cells), WIDTH):
            time, event, ident, tokens, detail, _ = cells[cell : cell + WIDTH]
            if event == Event.FINISHED:
                self._ended(self._rows[ident], tokens, time)
            elif self._rule.overruns and event in (Event.PREEMPTED, Event.GROWN):
                row = self._rows[ident]
                written = tokens if event == Event.PREEMPTED else detail - tokens
                self._reached(row, written - self._prompt[row] + 1, time)
        self._seen = len(cells)

    @property
    def due(self) -> bool:
        """Whether enough was collected to retrain."""
        limit = self._rule.most_versions
        return self._since >= self._rule.every and (limit is None or self._versions[-1].number < limit)

    def retrain(self, at: int, log: EventLog) -> int:
        """Begin a retraining at `at`; returns when it ends, and its version is active."""
        rows = np.array(list(self._collected), dtype=np.int64)
        index = np.array(list(self._collected.values()), dtype=np.int64)
        last = self._versions[-1]
        took = self._rule.fixed_ps + len(rows) * self._rule.row_ps
        self._free = at + took
        self._versions.append(_Version(self._free, last.number + 1, last.learner.learn(rows, index)))
        self._since = 0
        log.event(at, Event.RETRAINED, last.number + 1, len(rows), took)
        return self._free

    def _ended(self, row: int, tokens: int, at: int) -> None:
        index = int(self._buckets.index(np.array([tokens]))[0])
        if self._rule.collect == "all" or index != self._likeliest[row] or row in self._collected:
            self._collect(row, index, at)

    def _reached(self, row: int, tokens: int, at: int) -> None:
        """A length is above what was said of it: at least in the next bucket."""
        if tokens > self._said[row]:
            self._collect(row, int(self._buckets.index(np.array([tokens]))[0]), at)

    def _collect(self, row: int, index: int, at: int) -> None:
        self._catch_up(at)
        if self._collected.pop(row, None) != index:
            self._since += 1
        self._collected[row] = index
        while len(self._collected) > self._rule.window:
            del self._collected[next(iter(self._collected))]
        if self._rule.background and self.due and self._free <= at and self._log is not None:
            self.retrain(at, self._log)

    def _catch_up(self, at: int) -> None:
        """Begin what became due while a retraining ran that ended before `at`."""
        if self._rule.background and self.due and self._free < at and self._log is not None:
            self.retrain(self._free, self._log)
