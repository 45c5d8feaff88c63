"""Claims: what the paper says, how well that is known, and what is found here."""

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Final

from s3sim.core.errors import InvariantError

__all__ = ["GRADES", "NO_BOUND", "RECALLED", "Claim", "number", "stands"]

GRADES: Final = {
    "Q": "the paper's own wording or number",
    "N": "third-party reading notes",
    "M": "recalled, not re-read: plausible, never a target, so printed beside ours without a verdict",
    "D": "derived by arithmetic",
    "?": "not known: the paper gives no number",
}
RECALLED: Final = "M"
NO_BOUND: Final = "An oracle is no upper bound: it knows each length, and takes the longest first as S³ does."


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim beside what is found here; `low` and `high` bound it as `note` says. Raises InvariantError.

    `paper` is what the paper is held to say, None where it says nothing; `grade` is a key of GRADES.
    """

    claim: str
    section: str
    paper: str | None
    grade: str
    ours: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if self.grade not in GRADES:
            raise InvariantError(f"{self.claim}: grade {self.grade!r} is none of {', '.join(GRADES)}")

    def to_json(self) -> dict[str, Any]:
        """As an entry of paper.json; what is no number is null."""
        rounded = {key: _plain(getattr(self, key)) for key in ("ours", "low", "high")}
        return asdict(self) | rounded

    @property
    def cells(self) -> tuple[str, ...]:
        """As a row of the page."""
        ours = number(self.ours)
        if self.low is not None and self.high is not None and isfinite(self.low) and self.low != self.high:
            ours += f" ({number(self.low)} to {number(self.high)})"
        return self.claim, self.paper or "–", self.grade, ours, self.note


def number(value: float | None) -> str:
    """Three significant digits, or all that stand before the point; whole from 10 on if it is; a dash for none."""
    if value is None or not isfinite(value):
        return "–"
    if value == 0 or abs(value) >= 100 or (abs(value) >= 10 and value == int(value)):
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".")


def stands(value: float, low: float, high: float, *, grade: str, what: str = "the paper's") -> str:
    """Where a figure stands to a range, as a sentence with its space; nothing of a figure that is only recalled."""
    if grade == RECALLED:
        return ""
    if low <= value <= high:
        return f"Within the range: {what}. "
    if value < low:
        return f"Exceeded under these choices: {what} lies below the range. "
    return f"Not reached under these choices: {what} lies above the range. "


def _plain(value: float | None) -> float | None:
    return None if value is None or not isfinite(value) else float(f"{value:.6g}")
