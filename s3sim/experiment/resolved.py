"""A resolved point: all that one simulation, or one replay, needs to know; frozen, and plain JSON.

Stdlib only, so that a GPU machine without the experiment schema's packages reads it too.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from typing import Any, Self

from s3sim.core.errors import InputError

__all__ = ["SCHEMA_VERSION", "Point"]

SCHEMA_VERSION = 1  # of resolved points and run directories; raised when an older reader would misread one

Plain = dict[str, Any]  # a JSON object


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One system, one seed, one combination of swept values, with every preset and default written out."""

    experiment: str
    scenario: str
    system: str
    seed: int
    sweep: Plain  # dotted key → value, as the experiment's sweep set them
    choices: Plain  # the system's fields
    model: Plain  # ModelSpec
    device: Plain  # DeviceSpec, with its link
    engine: Plain  # EngineSpec
    latency: Plain  # kind: roofline | profile | constant, and its fields
    parallel: Plain  # tensor, pipeline
    memory: Plain  # gpu_memory_utilization, context_bytes, workspace_bytes, kv_capacity_tokens, host_bytes
    max_length: int  # tokens, prompt and output
    workload: Plain
    arrivals: Plain
    predictor: Plain | None
    slo: Plain  # metric → limit in ms
    measure: Plain = field(default_factory=dict)  # warm_up, cool_down: what is left out; an empty one measures all
    log: str = "full"
    label: str = ""  # the system's name in tables, where one experiment runs it with several choices
    code: str | None = None  # digest of the code of a system of one's own; None: it is s3sim's
    schema_version: int = field(default=SCHEMA_VERSION)

    @property
    def key(self) -> str:
        """A digest of everything that the result depends on; names the point across runs."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return sha256(text.encode()).hexdigest()[:12]

    @property
    def directory(self) -> str:
        """The point's folder in a run directory: legible, and unique by its digest."""
        return f"{self.scenario}-{self.label or self.system}-seed{self.seed}-{self.key}"

    def to_json(self) -> Plain:
        """As a JSON object; `code` is left out where there is none."""
        plain = asdict(self)
        if self.code is None:
            del plain["code"]
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], *, place: str = "point") -> Self:
        """From a JSON object; raises InputError for another version, and for unknown or missing keys."""
        version = plain.get("schema_version")
        if version != SCHEMA_VERSION:
            raise InputError(f"{place}: schema_version is {version!r}; this s3sim reads {SCHEMA_VERSION}")
        names = {entry.name for entry in fields(cls)}
        if wrong := sorted(names ^ {"code", *plain}):
            raise InputError(f"{place}: keys missing or unknown: {', '.join(wrong)}")
        return cls(**plain)
