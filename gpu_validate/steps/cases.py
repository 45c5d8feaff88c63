"""What `gpu-validate steps` measures, the most important first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["BATCHES", "FULL", "MIXED", "OWN_READS", "QUICK", "Case", "Grid", "Kind", "Launch", "Span", "cases_of"]

Kind = Literal["decode", "prefill", "relocation", "to_host", "to_device"]
Launch = Literal["graph", "eager", "copy"]
Span = tuple[int, int]  # least and most cached tokens of a batch's rows

MIB = 2**20
ALIGNED = 8  # slots: a mask of another width would be copied into one in every layer
BATCHES = (17, 150)  # whose decode steps the headline ratio is of
MIXED: Span = (60, 100)  # of S³'s setting
OWN_READS: Span = (80, 80)  # the mean of MIXED, without padding: what an engine reads that reads each row's own KV
SHORT: Span = (20, 20)  # a second knot for batches at which LONG does not fit
LONG: Span = (500, 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Sizes, and how often each is measured."""

    rows: tuple[int, ...] = (1, 17, 64, 150, 256)
    prompts: tuple[int, ...] = (128, 256, 512, 1024, 2048)  # tokens
    slots: tuple[int, ...] = (128, 1024, 4096)  # moved within the device, as a compaction moves them
    link_bytes: tuple[int, ...] = (MIB, 16 * MIB, 64 * MIB, 256 * MIB, 1024 * MIB)
    repeats: int = 20
    steps: int = 4  # in a row for one repeat, so that the first launch is not all that is seen


FULL = Grid()
QUICK = Grid(prompts=(128, 256, 512), slots=(64, 256), link_bytes=(MIB, 4 * MIB), repeats=3, steps=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that is measured. `size` is of prompts in tokens, of relocations in slots, of the link in bytes."""

    kind: Kind
    launch: Launch
    model: str = ""  # none for the link
    rows: int = 0
    span: Span = (0, 0)
    size: int = 0

    @property
    def contexts(self) -> tuple[int, ...]:
        """Cached tokens of each row of a decode step, evenly over the span."""
        least, most = self.span
        if self.rows == 1:
            return ((least + most) // 2,)
        return tuple(least + round((most - least) * row / (self.rows - 1)) for row in range(self.rows))

    @property
    def width(self) -> int:
        """Slots of every row in a decode step's cache; without padding for OWN_READS alone."""
        whole = max(self.contexts) + 1
        return whole if self.span == OWN_READS else -(-whole // ALIGNED) * ALIGNED

    @property
    def padded(self) -> bool:
        """Whether a decode step reads slots that are nobody's."""
        return self.span != OWN_READS

    @property
    def read_slots(self) -> int:
        """Cached slots that a decode step's attention reads over all rows, padding included."""
        return self.rows * (self.width - 1)

    @property
    def told(self) -> str:
        """In words."""
        if self.kind == "decode":
            least, most = self.span
            contexts = f"{least}" if least == most else f"{least}-{most}"
            rows = "1 row" if self.rows == 1 else f"{self.rows} rows"
            return f"{self.model} decode, {rows}, contexts {contexts}, {self.launch}"
        if self.kind == "prefill":
            return f"{self.model} prefill, {self.size} tokens, {self.launch}"
        if self.kind == "relocation":
            return f"{self.model} copy within the device, {self.size} slots"
        return f"copy {self.kind.replace('_', ' ')}, {self.size // MIB} MiB"


def cases_of(models: Sequence[str], grid: Grid, *, graphs: bool) -> list[Case]:
    """All cases; those of a model together, and those of the link after the first model's."""
    launches: tuple[Launch, ...] = ("graph", "eager") if graphs else ("eager",)
    first, *others = ([*_of_model(name, grid, launches)] for name in models)
    link = [Case(kind=way, launch="copy", size=size) for size in grid.link_bytes for way in ("to_host", "to_device")]
    return [*first, *link, *(case for cases in others for case in cases)]


def _of_model(name: str, grid: Grid, launches: Sequence[Launch]) -> Iterator[Case]:
    for launch in launches:
        for span in (MIXED, OWN_READS):
            for rows in BATCHES:
                yield Case(kind="decode", launch=launch, model=name, rows=rows, span=span)
    others = [rows for rows in grid.rows if rows not in BATCHES]
    for span, batches in ((MIXED, others), (LONG, grid.rows), (SHORT, grid.rows)):
        for rows in batches:
            for launch in launches:
                yield Case(kind="decode", launch=launch, model=name, rows=rows, span=span)
    for tokens in grid.prompts:
        for launch in launches:
            yield Case(kind="prefill", launch=launch, model=name, size=tokens)
    for slots in grid.slots:
        yield Case(kind="relocation", launch="copy", model=name, size=slots)
