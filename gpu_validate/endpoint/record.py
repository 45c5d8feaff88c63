"""What came back from a server, as the event log and the tables of a run directory.

A client sees arrivals, tokens and ends; what the server schedules, reserves and preempts it does not, so the
log has no steps, and events of three kinds (REJECTED is for what the workload's own rules leave out).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gpu_validate.endpoint.address import redact
from gpu_validate.endpoint.calls import Answer
from s3sim.core.events import Event, EventLog, Reason
from s3sim.experiment.resolved import Plain

__all__ = ["client_columns", "counts_of_answers", "log_of", "token_columns"]

PS_PER_MS = 1e9


def log_of(answers: Sequence[Answer]) -> EventLog:
    """The event log of a point."""
    rows = sorted((row for answer in answers for row in _events(answer)), key=lambda row: row[:2])
    log = EventLog()
    for row in rows:
        log.event(*row)
    return log


def _events(answer: Answer) -> list[tuple[int, int, int, int, int]]:
    """Time, event, id, tokens and detail of all that happened to a request."""
    call, chunks = answer.call, answer.chunks
    rows = [(call.due_ps, int(Event.ARRIVED), call.id, call.prompt_tokens, call.max_new_tokens)]
    if call.over_length:
        rows.append((call.due_ps, int(Event.REJECTED), call.id, call.prompt_tokens, int(Reason.OVER_LENGTH)))
    if chunks:
        rows.append((chunks[0], int(Event.PREFILLED), call.id, 1, call.prompt_tokens))
    if answer.finished:
        rows.append((chunks[-1], int(Event.FINISHED), call.id, answer.tokens, 0))
    return rows


def token_columns(answers: Sequence[Answer]) -> dict[str, list[int]]:
    """The times of all chunks with text, by request: as a rule one per token."""
    return {
        "id": [answer.call.id for answer in answers for _ in answer.chunks],
        "time_ps": [time for answer in answers for time in answer.chunks],
    }


def client_columns(answers: Sequence[Answer], secrets: tuple[str, ...]) -> dict[str, list[Any]]:
    """What the client knows of each request beyond the log; what did not come about is null."""
    rows = [_client_row(answer, secrets) for answer in answers]
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else {})}


def _client_row(answer: Answer, secrets: tuple[str, ...]) -> dict[str, Any]:
    call, ending, failure = answer.call, answer.ending, answer.failure
    return {
        "id": call.id,
        "due_ps": call.due_ps,
        "woken_ps": answer.woken_ps,
        "sent_ps": answer.sent_ps,
        "done_ps": answer.done_ps,
        "tries": answer.tries,
        "asked_tokens": call.output_tokens,
        "chunks": len(answer.chunks),
        "counted_tokens": ending.completion_tokens if ending else None,
        "counted_prompt_tokens": ending.prompt_tokens if ending else None,
        "finish_reason": ending.finish_reason if ending else None,
        "failure": str(failure.kind) if failure else None,
        "status": failure.status if failure else None,
        "message": redact(str(failure), secrets) if failure else None,
    }


def counts_of_answers(answers: Sequence[Answer]) -> Plain:
    """How faithfully the load was made, and what came back of it, in numbers."""
    sent = [answer for answer in answers if answer.sent_ps is not None]
    finished = [answer for answer in answers if answer.finished]
    counted = [answer.ending.completion_tokens is not None for answer in finished if answer.ending]
    prompts = [(a.call.prompt_tokens, a.ending.prompt_tokens) for a in finished if a.ending]
    return {
        "requests": len(answers),
        "finished": len(finished),
        "failed": sum(answer.failure is not None for answer in answers),
        "further_tries": sum(max(0, answer.tries - 1) for answer in answers),
        "output_tokens": {
            "asked": sum(answer.call.output_tokens for answer in finished),
            "received": sum(answer.tokens for answer in finished),
            "requests_that_differ": sum(answer.tokens != answer.call.output_tokens for answer in finished),
            "counted_by": _counted_by(counted),
            "requests_with_other_than_one_token_a_chunk": sum(a.tokens != len(a.chunks) for a in finished),
        },
        "prompt_tokens": {
            "requests_that_differ": sum(got is not None and got != asked for asked, got in prompts),
            "requests_not_counted": sum(got is None for _, got in prompts),
        },
        "lateness_ms": {  # of sending, behind the trace: by the client's own clock, and with the wait for a connection
            "woken": _spread([(a.woken_ps or 0) - a.call.due_ps for a in sent]),
            "sent": _spread([(a.sent_ps or 0) - a.call.due_ps for a in sent]),
        },
    }


def _counted_by(counted: list[bool]) -> str | None:
    """What told the output tokens: the server's usage, the number of chunks, or now one, now the other."""
    if not counted:
        return None
    return "usage" if all(counted) else "usage or chunks" if any(counted) else "chunks"


def _spread(times_ps: list[int]) -> dict[str, float] | None:
    if not times_ps:
        return None
    p50, p99, most = np.percentile(np.array(times_ps) / PS_PER_MS, (50, 99, 100)).tolist()
    return {"p50": p50, "p99": p99, "max": most}
