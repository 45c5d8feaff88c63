"""What has been found so far, and its three kinds of files, written anew after every case so that a stop loses none."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal

from gpu_validate.profile_file import write_rows
from gpu_validate.steps.cases import OWN_READS, Case, Launch
from gpu_validate.steps.forecast import NEEDED_RATIO, PAPER_GAIN, Ratio
from s3sim.core.errors import InputError, SystemFaultError
from s3sim.hardware.profile import Profile
from s3sim.hardware.profile_table import ProfileRow

__all__ = ["Finding", "MemoryFound", "Record", "State", "Status"]

Status = Literal["not reached", "measured", "cut short", "does not fit", "out of memory", "failed"]
State = Literal["running", "finished", "out of time", "interrupted"]


@dataclass(slots=True, kw_only=True)
class Finding:
    """One case, what the roofline says of it on this device, and what came of it; seconds are of one step or copy."""

    case: Case
    foretold_s: float | None
    status: Status = "not reached"
    why: str = ""
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The middle repeat."""
        return median(self.seconds)

    @property
    def spread(self) -> float:
        """(Most - least) / median."""
        return (max(self.seconds) - min(self.seconds)) / self.median

    def to_json(self) -> dict[str, Any]:
        """With the size of the case, and with median, least and most where anything was measured."""
        case = self.case
        plain: dict[str, Any] = {"case": asdict(case), "status": self.status, "why": self.why}
        if case.kind == "decode":
            plain["case"] |= {"slots_per_row": case.width, "read_slots": case.read_slots, "padded": case.padded}
        plain |= {"foretold_s": self.foretold_s, "seconds": self.seconds}
        if self.seconds:
            plain |= {"median_s": self.median, "least_s": min(self.seconds), "most_s": max(self.seconds)}
        return plain


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFound:
    """Bytes of the device with a model's weights on it, and the KV slots for which the rest has room."""

    total_bytes: int
    free_bytes: int
    weight_bytes: int
    kv_bytes_per_token: int

    @property
    def kv_slots(self) -> int:
        """As many as fit into what is free, nothing kept back for activations."""
        return self.free_bytes // self.kv_bytes_per_token


@dataclass(slots=True, kw_only=True)
class Record:
    """All of a run. `name` is the device's, as of a file."""

    folder: Path
    name: str
    environment: Mapping[str, Any]
    settings: Mapping[str, Any]
    preset: str | None  # of the device
    ratios: tuple[Ratio, ...]
    findings: list[Finding]
    memory: dict[str, MemoryFound] = field(default_factory=dict)
    state: State = "running"
    spent_s: float = 0.0

    @property
    def page(self) -> Path:
        """The Markdown page."""
        return self.folder / f"steps-{self.name}.md"

    @property
    def data(self) -> Path:
        """Every sample, as JSON."""
        return self.folder / f"steps-{self.name}.json"

    @property
    def is_whole(self) -> bool:
        """Whether time sufficed for every case and repeat."""
        return not any(finding.status in ("not reached", "cut short") for finding in self.findings)

    def found(self, **wanted: Any) -> Iterator[Finding]:
        """Findings with samples, of cases with these attributes."""
        for finding in self.findings:
            if finding.seconds and all(getattr(finding.case, name) == value for name, value in wanted.items()):
                yield finding

    def write(self, text: str) -> None:
        """Write page, JSON and profiles; each file is whole at any moment. Raises SystemFaultError for a full disk."""
        _replace(self.data, json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n")
        _replace(self.page, text)

    def write_profiles(self) -> dict[Path, str]:
        """Write a table for each model and launch that `latency: profile` can load; what each lacks, where it lacks."""
        told = {}
        for model in dict.fromkeys(finding.case.model for finding in self.findings if finding.case.model):
            for launch in ("graph", "eager"):
                path = self.folder / f"steps-{self.name}-{model}-{launch}.csv"
                if any(self.found(model=model, launch=launch)):
                    told[path] = self._profile(path, model, launch)
        return told

    def _profile(self, path: Path, model: str, launch: Launch) -> str:
        """Write one; an empty text, or why not."""
        findings = [*self.found(model=model, launch=launch), *self.found(model=model, kind="relocation")]
        table = [(_row(finding), finding.spread) for finding in findings if finding.case.span != OWN_READS]
        counts: dict[tuple[str, int], int] = {}
        for row, _ in table:
            counts[row.kind, row.batch] = counts.get((row.kind, row.batch), 0) + 1
        kept = [(row, spread) for row, spread in table if counts[row.kind, row.batch] > 1]  # a line needs two knots
        try:
            Profile([row for row, _ in kept])
        except InputError as error:
            return str(error)
        write_rows(path, [row for row, _ in kept], spread=[spread for _, spread in kept])
        return ""

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "state": self.state,
            "spent_s": self.spent_s,
            "environment": self.environment,
            "settings": self.settings,
            "device_preset": self.preset,
            "paper": {"gain": PAPER_GAIN, "needed_ratio": NEEDED_RATIO},
            "foretold_ratios": [ratio.to_json() for ratio in self.ratios],
            "memory": {name: asdict(found) | {"kv_slots": found.kv_slots} for name, found in self.memory.items()},
            "findings": [finding.to_json() for finding in self.findings],
        }


def _row(finding: Finding) -> ProfileRow:
    case = finding.case
    if case.kind == "decode":
        return ProfileRow("decode", case.rows, case.read_slots, finding.median)
    if case.kind == "prefill":
        return ProfileRow("prefill", 1, case.size, finding.median)
    return ProfileRow("copy", 0, case.size, finding.median)


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise SystemFaultError(f"{path}: cannot be written: {error.strerror}; choose another --out") from None
