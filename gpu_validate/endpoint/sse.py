"""Server-sent events, parsed as their bytes come in, however they are cut.

Source: the HTML standard, section 9.2, "Server-sent events". Fields besides `data` mean nothing here.
"""

from collections.abc import Iterator

from gpu_validate.endpoint.failures import Failed, Kind

__all__ = ["Events"]

LONGEST = 1 << 20  # bytes of one line: a completion's event has some hundred, so this is no event stream
BOM = b"\xef\xbb\xbf"


class Events:
    """The data of the events in a stream of bytes; holds what is not a whole event yet.

    Lines end in LF, CR or both, also where a piece ends between the two; comments are skipped, several data
    lines make one event, and what is left when the stream ends is dropped.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []
        self._begun = False
        self._after_cr = False

    def feed(self, piece: bytes) -> Iterator[str]:
        """The data of each event that this piece completes; raises Failed for a line without an end."""
        for line in self._lines(piece):
            if line:
                self._field(line)
            elif self._data:
                data, self._data = "\n".join(self._data), []
                yield data

    def _lines(self, piece: bytes) -> list[bytes]:
        if self._after_cr and piece:
            piece, self._after_cr = piece.removeprefix(b"\n"), False
        joined = self._rest + piece
        if not self._begun and len(joined) >= len(BOM):
            joined, self._begun = joined.removeprefix(BOM), True
        self._after_cr = piece.endswith(b"\r")
        *lines, self._rest = joined.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if len(self._rest) > LONGEST:
            raise Failed(Kind.GARBAGE, f"a line of more than {LONGEST} bytes is no server-sent event")
        return lines

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" ").decode("utf-8", errors="replace"))
