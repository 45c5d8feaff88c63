"""A section of the page: what is said, drawn and claimed of one part of the paper."""

from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure

from s3sim.paper.claims import Claim
from s3sim.report.paired import Compared

__all__ = ["Picture", "Section"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure of the page, its file's stem, and what it shows."""

    name: str
    figure: Figure
    caption: str


@dataclass(slots=True)
class Section:
    """A numbered part of the page, filled in order; blocks are Markdown or pictures."""

    title: str
    blocks: list[str | Picture] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)

    def say(self, *blocks: str | Picture) -> None:
        """Add paragraphs, tables or pictures."""
        self.blocks.extend(blocks)

    def claim(
        self,
        claim: str,
        *,
        grade: str,
        ours: float | Compared | None,
        paper: str | None = None,
        note: str = "",
        **ends: Any,
    ) -> None:
        """Add a claim; of a mean with an interval both ends are kept, unless `low` and `high` are given."""
        if isinstance(ours, Compared):
            ends = {"low": ours.low, "high": ours.high} | ends
            ours = ours.mean
        self.claims.append(
            Claim(claim=claim, section=self.title, paper=paper, grade=grade, ours=ours, note=note, **ends)
        )
