"""One request and its stream over HTTP, every wait bounded; the only module that imports aiohttp."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from time import perf_counter_ns

import aiohttp

from gpu_validate.endpoint.address import Address
from gpu_validate.endpoint.chunks import DONE, SHOWN, read_chunk
from gpu_validate.endpoint.failures import Failed, Kind
from gpu_validate.endpoint.sse import Events
from gpu_validate.endpoint.waiting import Ending, Limits, Watch

__all__ = ["Client", "OnChunk"]

LINGER_S = 1.0  # for the end of a stream whose last event has come: then its connection can be used again
LARGEST = 1 << 20  # bytes of an answer that is no stream
HEADERS = {"Accept": "text/event-stream", "Accept-Encoding": "identity", "Content-Type": "application/json"}
OnChunk = Callable[[int], None]  # told when a chunk with text came, in ns of perf_counter


class Client:
    """Completions from one server, over connections that are used again.

    Follows no redirect, keeps no cookie, and reads neither proxy settings nor .netrc, so that credentials go
    to the address alone.
    """

    def __init__(self, session: aiohttp.ClientSession, address: Address, limits: Limits) -> None:
        self._session = session
        self._address = address
        self.limits = limits

    @classmethod
    @asynccontextmanager
    async def open(cls, address: Address, limits: Limits, *, connections: int) -> AsyncIterator["Client"]:
        """A client with at most so many connections, all closed in the end."""
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_s),
            headers=HEADERS | address.headers(),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        async with session:
            yield cls(session, address, limits)

    async def models(self) -> list[str]:
        """The names of the models that are served; raises Failed."""
        bound = self.limits.connect_s + self.limits.token_s
        with _faults():
            try:
                async with (
                    asyncio.timeout(bound),
                    self._session.get(self._address.of("models"), allow_redirects=False) as response,
                ):
                    await _demand_success(response)
                    answer = await response.content.read(LARGEST)
            except TimeoutError:
                raise Failed(Kind.TIMEOUT, f"GET /models: no answer within {bound:g} s") from None
        try:
            return [str(model["id"]) for model in json.loads(answer)["data"]]
        except (ValueError, KeyError, TypeError):
            raise Failed(Kind.GARBAGE, f"GET /models: no list of models: {answer[:SHOWN]!r}") from None

    async def complete(self, body: bytes, on_chunk: OnChunk, *, within_s: float | None = None) -> Ending:
        """Send one completion and read its stream; raises Failed, after `within_s` at the latest.

        A stream that breaks off or stalls after it told that the completion is finished is whole.
        """
        ending = Ending()
        watch = Watch(self.limits, self.limits.request_s if within_s is None else within_s)
        try:
            with _faults(watch):
                async with watch.alarm, self._post(body) as response:
                    watch.begun = True
                    await _demand_success(response, stream=True)
                    await _read(response, ending, watch, on_chunk)
        except TimeoutError:
            if not ending.done:
                raise Failed(Kind.TIMEOUT, watch.message()) from None
        except Failed:
            if not ending.done:
                raise
        return ending

    def _post(self, body: bytes) -> "aiohttp.client._RequestContextManager":
        return self._session.post(self._address.of("completions"), data=body, allow_redirects=False)


async def _read(response: aiohttp.ClientResponse, ending: Ending, watch: Watch, on_chunk: OnChunk) -> None:
    """Read a stream to its end."""
    events = Events()
    async for piece in response.content.iter_any():
        now = perf_counter_ns()
        for data in events.feed(piece):
            if data == DONE:
                ending.done = True
                with suppress(TimeoutError, aiohttp.ClientError):
                    await asyncio.wait_for(_drain(response), LINGER_S)
                return
            chunk = read_chunk(data)
            ending.take(chunk)
            if chunk.has_text:
                on_chunk(now)
                watch.token()
    if not ending.done:
        raise Failed(Kind.DROPPED, "the stream ended before the completion did")


async def _drain(response: aiohttp.ClientResponse) -> None:
    async for _ in response.content.iter_any():
        pass


async def _demand_success(response: aiohttp.ClientResponse, *, stream: bool = False) -> None:
    if response.status != 200:
        said = (await response.content.read(LARGEST)).decode("utf-8", errors="replace").strip()[:SHOWN]
        raise Failed(
            Kind.STATUS,
            f"{response.method} {response.url.path}: answered {response.status} {response.reason}: {said}",
            status=response.status,
            retry_after_s=_seconds(response.headers.get("Retry-After")),
        )
    if stream and response.content_type == "application/json":
        raise Failed(Kind.GARBAGE, "answered application/json where a stream of events was asked for")


def _seconds(text: str | None) -> float | None:
    """The seconds of a Retry-After; None where there is none, or a date."""
    return float(text) if text is not None and text.isascii() and text.isdigit() else None


@contextmanager
def _faults(watch: Watch | None = None) -> Iterator[None]:
    """Tell aiohttp's errors as Failed."""
    try:
        yield
    except (aiohttp.ClientResponseError, aiohttp.InvalidURL) as error:
        raise Failed(Kind.GARBAGE, f"the answer is not HTTP: {error.__class__.__name__}") from None
    except (aiohttp.ClientError, OSError) as error:
        if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientError):
            raise
        broken = watch is not None and watch.begun
        reason = str(error) or error.__class__.__name__
        raise Failed(Kind.DROPPED if broken else Kind.CONNECTION, f"the connection failed: {reason}") from None
