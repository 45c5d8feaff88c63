"""The requests to make of a server, and what came of each."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from gpu_validate.endpoint.failures import Failed
from gpu_validate.endpoint.waiting import Ending
from s3sim.workload.trace import Trace

__all__ = ["Answer", "Call", "calls_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to make: a row of the trace, as a client sees it."""

    id: int
    due_ps: int  # its arrival, since the start
    prompt_tokens: int
    output_tokens: int  # asked for
    max_new_tokens: int
    over_length: bool  # rejected by the workload's own rules, and not sent


@dataclass(slots=True)
class Answer:
    """What came of a call; times are in ps since the start, None for what did not come about."""

    call: Call
    woken_ps: int | None = None  # its arrival, as far as the client kept time
    sent_ps: int | None = None  # for the first time; later than woken by the wait for a connection
    done_ps: int | None = None  # nothing more is awaited
    tries: int = 0
    chunks: "array[int]" = field(default_factory=lambda: array("q"))  # when each chunk with text came
    ending: Ending | None = None
    failure: Failed | None = None

    @property
    def tokens(self) -> int:
        """Output tokens that came: as the server counted them, else one per chunk."""
        counted = self.ending.completion_tokens if self.ending else None
        return len(self.chunks) if counted is None else counted

    @property
    def finished(self) -> bool:
        """Whether the whole completion came."""
        return self.ending is not None and self.failure is None


def calls_of(trace: Trace) -> Sequence[Call]:
    """The calls of a trace, in the order in which they are due."""
    assert trace.max_new_tokens is not None, "prepare() sets them"
    over = [False] * len(trace.id) if trace.over_length is None else trace.over_length.tolist()
    columns = (trace.id, trace.arrival, trace.prompt_tokens, trace.output_tokens, trace.max_new_tokens)
    rows = zip(*(column.tolist() for column in columns), over, strict=True)
    return [
        Call(
            id=ident, due_ps=due, prompt_tokens=prompt, output_tokens=output, max_new_tokens=limit, over_length=excluded
        )
        for ident, due, prompt, output, limit, excluded in rows
    ]
