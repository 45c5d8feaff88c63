"""What a report must know of a run besides its log."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite

from s3sim.core.errors import InputError, UnknownNameError

__all__ = ["RunFacts", "ServiceLevel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevel:
    """The limits that a request must meet to count as well served; None: no limit."""

    ttft_ms: float | None = None
    tpot_ms: float | None = None
    e2el_ms: float | None = None
    normalized_latency_ms: float | None = None  # per output token

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are set, by the column of the table of requests that they are for."""
        return {name: limit for name, limit in asdict(self).items() if limit is not None}

    def to_json(self) -> dict[str, object]:
        """The limits as a plain dict."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: object, *, place: str = "slo") -> "ServiceLevel":
        """The limits from a plain dict; raises InputError for another name, or a limit that is no positive number."""
        limits = _mapping(data, [field.name for field in fields(cls)], place)
        return cls(**{name: None if v is None else _number(v, f"{place}.{name}") for name, v in limits.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """The constants of a run that its metrics refer to."""

    kv_capacity_tokens: int  # slots
    kv_bytes_per_token: int
    parameters: int  # of the model
    peak_flops: float  # of the device, floating-point operations per second
    slo: ServiceLevel | None = None

    def to_json(self) -> dict[str, object]:
        """The facts as a plain dict."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: object, *, place: str = "facts") -> "RunFacts":
        """The facts from a plain dict; raises InputError where one is missing, unknown, or of the wrong kind."""
        names = [field.name for field in fields(cls)]
        facts = _mapping(data, names, place)
        missing = [name for name in names if name not in facts and name != "slo"]
        if missing:
            raise InputError(f"{place}: {', '.join(missing)} missing; give all of {', '.join(names)}")
        slo = facts.get("slo")
        return cls(
            kv_capacity_tokens=_whole(facts["kv_capacity_tokens"], f"{place}.kv_capacity_tokens"),
            kv_bytes_per_token=_whole(facts["kv_bytes_per_token"], f"{place}.kv_bytes_per_token"),
            parameters=_whole(facts["parameters"], f"{place}.parameters"),
            peak_flops=_number(facts["peak_flops"], f"{place}.peak_flops"),
            slo=None if slo is None else ServiceLevel.from_json(slo, place=f"{place}.slo"),
        )


def _mapping(data: object, known: list[str], place: str) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise InputError(f"{place}: {data!r} is not usable; give a mapping of {', '.join(known)}")
    for name in data:
        if name not in known:
            raise UnknownNameError("field", str(name), known, place=place)
    return data


def _whole(value: object, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"{place}: {value!r} is not usable; give a whole number of at least 1")
    return value


def _number(value: object, place: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not isfinite(value) or value <= 0:
        raise InputError(f"{place}: {value!r} is not usable; give a finite number above 0")
    return float(value)
