"""What a server takes: found out by asking it for a few tokens, and leaving out what it refuses."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

from gpu_validate.endpoint.failures import Failed
from gpu_validate.endpoint.prompts import Prompts
from gpu_validate.endpoint.retry import Retry
from gpu_validate.endpoint.transport import Client
from gpu_validate.endpoint.waiting import Ending
from s3sim.core.errors import InputError, S3SimError, SystemFaultError

__all__ = ["Dialect", "find_dialect", "find_model"]

OPTIONS = ("token_ids", "ignore_eos", "min_tokens", "stream_usage")
UNKNOWN = (400, 422, 500)  # what servers answer to a field, or a kind of prompt, that they do not know
ASKED = 2  # output tokens of a probe
PROMPT = 8  # prompt tokens of a probe
PROBE = 1 << 62  # the id by which a probe's prompt is drawn: no trace holds it


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The fields in which a server is asked for completions."""

    model: str
    token_ids: bool  # prompts as token ids; else as text
    ignore_eos: bool
    min_tokens: bool
    stream_usage: bool  # asked to count the tokens at the stream's end

    @property
    def forces_length(self) -> bool:
        """Whether the server can be told to generate exactly so many tokens."""
        return self.ignore_eos or self.min_tokens

    def body(self, prompt: list[int] | str, tokens: int) -> bytes:
        """The request for a completion of so many tokens."""
        fields: dict[str, Any] = {
            "model": self.model,
            "prompt": prompt,
            "max_tokens": tokens,
            "temperature": 0,
            "stream": True,
        }
        fields |= {"ignore_eos": True} if self.ignore_eos else {}
        fields |= {"min_tokens": tokens} if self.min_tokens else {}
        fields |= {"stream_options": {"include_usage": True}} if self.stream_usage else {}
        return json.dumps(fields).encode()


async def find_model(client: Client) -> str:
    """The name of the one model that is served; raises InputError where there is not exactly one."""
    try:
        names = await client.models()
    except Failed as failure:
        if failure.status in (401, 403):
            raise InputError(f"{failure}; name the variable that holds the API key with --api-key-env") from None
        raise InputError(f"the server does not tell which model it serves ({failure}); give --model NAME") from None
    if len(names) != 1:
        raise InputError(f"--model: needed, for the server lists {len(names)} models: {', '.join(names) or 'none'}")
    return names[0]


async def find_dialect(
    client: Client, model: str, retry: Retry, *, ids: Prompts, texts: Prompts | None
) -> tuple[Dialect, Ending]:
    """The most that the server takes, and how that probe ended.

    Raises InputError where it refuses the plainest request too, SystemFaultError where it fails otherwise.
    """
    failure = None
    for dialect in _dialects(model, text=texts is not None):
        prompts = texts if texts is not None and not dialect.token_ids else ids
        attempt = partial(client.complete, dialect.body(prompts.prompt(PROBE, PROMPT), ASKED), lambda _: None)
        try:
            return dialect, await retry.until_done(attempt, PROBE)
        except Failed as failed:
            failure = failed
            if failed.status not in UNKNOWN:
                break
    assert failure is not None, "there are dialects"
    raise _told(failure, text=texts is not None)


def _dialects(model: str, *, text: bool) -> Iterator[Dialect]:
    """All dialects, the richest first."""
    optional = OPTIONS if text else OPTIONS[1:]
    for number in range(len(optional) + 1):
        for left_out in combinations(optional, number):
            yield Dialect(model=model, **{name: name not in left_out for name in OPTIONS})


def _told(failure: Failed, *, text: bool) -> S3SimError:
    if not (failure.refused or failure.status in UNKNOWN):
        return SystemFaultError(f"the server completes nothing: {failure}")
    remedies = {
        400: "" if text else "; if it takes no token ids, name its tokenizer's file with --tokenizer",
        401: "; name the variable that holds the API key with --api-key-env",
        404: "; give another --url or --model",
    }
    same = {422: 400, 500: 400, 403: 401}
    status = failure.status or 0
    return InputError(f"the server refuses completions: {failure}{remedies.get(same.get(status, status), '')}")
