"""A server in this process that behaves as it is told: healthy, slow, broken, rude."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event as Ready
from threading import Thread
from time import perf_counter
from typing import Any

__all__ = ["FOREVER", "FakeServer", "Reply", "completion", "event", "healthy", "serving", "strict"]

FOREVER = 60.0  # seconds; far beyond any time-out of these tests
Body = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What to answer: bytes of the stream, and seconds to wait in between."""

    pieces: Sequence[bytes | float] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "text/event-stream"
    drop: bool = False  # break the connection off at the end
    silent: bool = False  # and before any answer


def event(**plain: Any) -> bytes:
    """A server-sent event."""
    return b"data: " + json.dumps(plain).encode() + b"\n\n"


def completion(tokens: int, *, pace_s: float = 0.0, usage: bool = True, ending: bytes = b"data: [DONE]\n\n") -> Reply:
    """A whole completion of so many tokens, one a chunk."""
    pieces: list[bytes | float] = []
    for _ in range(tokens):
        pieces += [pace_s, event(choices=[{"text": " w", "finish_reason": None}])]
    pieces.append(event(choices=[{"text": "", "finish_reason": "length"}]))
    if usage:
        pieces.append(event(choices=[], usage={"prompt_tokens": 8, "completion_tokens": tokens}))
    return Reply(pieces=[*pieces, ending])


def healthy(number: int, body: Body) -> Reply:
    """What a server that knows all fields answers."""
    return completion(body["max_tokens"])


def strict(known: Sequence[str]) -> Callable[[int, Body], Reply]:
    """A server that refuses fields that it does not know, and prompts of token ids."""

    def behave(number: int, body: Body) -> Reply:
        if unknown := set(body) - set(known):
            return Reply(status=422, pieces=[f"unexpected: {sorted(unknown)}".encode()])
        if not isinstance(body["prompt"], str):
            return Reply(status=400, pieces=[b"prompt must be a string"])
        return healthy(number, body)

    return behave


class FakeServer:
    """A server on loopback; `behave` says what to answer to the completion of that number, the probe being 0."""

    def __init__(self) -> None:
        self.behave: Callable[[int, Body], Reply] = healthy
        self.models: Sequence[str] = ("m",)
        self.bodies: list[Body] = []
        self.headers: list[Mapping[str, str]] = []
        self.targets: list[str] = []
        self.times: list[float] = []  # when each completion was asked for
        self.open = self.most_open = 0  # connections
        self.busy = self.most_busy = 0  # completions under way
        self.port = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def forget(self) -> None:
        """Begin to number completions anew."""
        self.bodies.clear()
        self.times.clear()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            while await self._serve(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client is gone, or the test is over
        finally:
            self.open -= 1
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split()
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        plain = dict(line.split(": ", 1) for line in head[1:] if line)
        content = await reader.readexactly(int(fields.get("content-length", 0)))
        self.headers.append(plain)
        self.targets.append(target)
        if method == "GET":
            names = [{"id": name} for name in self.models]
            return await _send(writer, Reply(pieces=[json.dumps({"data": names}).encode()], kind="application/json"))
        body = json.loads(content)
        self.bodies.append(body)
        self.times.append(perf_counter())
        return await self._complete(writer, self.behave(len(self.bodies) - 1, body))

    async def _complete(self, writer: asyncio.StreamWriter, reply: Reply) -> bool:
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        try:
            return await _send(writer, reply)
        finally:
            self.busy -= 1


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> bool:
    """Write a reply; whether the connection can go on."""
    if not reply.silent:
        fields = {"Content-Type": reply.kind, "Transfer-Encoding": "chunked", **reply.headers}
        head = [f"HTTP/1.1 {reply.status} Said", *(f"{name}: {value}" for name, value in fields.items())]
        writer.write("\r\n".join([*head, "", ""]).encode())
    for piece in reply.pieces:
        if isinstance(piece, float):
            await writer.drain()
            await asyncio.sleep(piece)
        elif piece:  # an empty one would end the stream
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    await writer.drain()
    if reply.drop or reply.silent:
        writer.transport.abort()
        return False
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


@contextmanager
def serving() -> Iterator[FakeServer]:
    """A server in a thread of its own, gone in the end with all that it still does."""
    fake, loop, stop, ready = FakeServer(), asyncio.new_event_loop(), asyncio.Event(), Ready()

    async def main() -> None:
        listening = await asyncio.start_server(fake.connected, "127.0.0.1", 0)
        fake.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        listening.close()
        await _end_others()

    thread = Thread(target=lambda: loop.run_until_complete(main()), daemon=True)
    thread.start()
    try:
        assert ready.wait(10), "the server listens"
        yield fake
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        assert not thread.is_alive(), "the server's thread ends"
        loop.close()


async def _end_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
