"""What a timeline is made of: tracks, and on them slices, instants and counters; times are in ps since the start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

__all__ = ["PROCESSES", "Args", "Instant", "Process", "Sample", "Slice", "Timeline", "Track"]

Process = Literal["replica", "host link", "predictor", "requests"]
PROCESSES: tuple[Process, ...] = ("replica", "host link", "predictor", "requests")  # groups of tracks, in their order
Args = Mapping[str, int | float | str]


class Track(NamedTuple):
    """A line of the timeline; slices on it follow one another and never overlap."""

    process: Process
    number: int  # its place within the process, from 0
    name: str


class Slice(NamedTuple):
    """Something that lasts."""

    track: Track
    kind: str  # step, pause, move, retraining or phase
    name: str
    begin: int
    end: int
    args: Args = {}  # noqa: RUF012 - a tuple's default, and read only


class Instant(NamedTuple):
    """Something that happens at a time."""

    track: Track
    kind: str  # preemption, compaction, growth, arrival or end
    name: str
    time: int
    args: Args = {}  # noqa: RUF012


class Sample(NamedTuple):
    """The value of a counter from a time on."""

    process: Process
    counter: str
    unit: str
    time: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """All that is shown, and `about`: what it is of, and what was left out."""

    slices: tuple[Slice, ...]
    instants: tuple[Instant, ...]
    samples: tuple[Sample, ...]
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def tracks(self) -> list[Track]:
        """The tracks that hold anything, by process and place."""
        found = {part.track for part in self.slices} | {part.track for part in self.instants}
        return sorted(found, key=lambda track: (PROCESSES.index(track.process), track.number))
