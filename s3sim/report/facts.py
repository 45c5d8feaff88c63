"""What a report must know of a run besides its log."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from math import isfinite
from typing import Any, Literal

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.report.measure import WHOLE, Measure

__all__ = ["Delivery", "RunFacts", "ServiceLevel"]

Delivery = Literal["token", "batch_end"]  # when a client gets its tokens: one by one, or all as its static batch ends
DELIVERIES = ("token", "batch_end")


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
    """The constants of a run that its metrics refer to; what has a default may be left out of the JSON.

    Peaks are nominal, of all devices of the replica together.
    """

    kv_capacity_tokens: int  # slots
    kv_bytes_per_token: int
    parameters: int  # of the model
    peak_flops: float  # floating-point operations per second
    slo: ServiceLevel | None = None
    delivery: Delivery = "token"
    contiguous: bool = False  # each reservation is one extent of an address space; else addresses mean nothing
    reads_reserved: bool = False  # decode attention reads whole reservations, so its reads do not grow by the step
    streamed_weight_bytes: int | None = None  # weights that one forward pass reads; None: unknown
    peak_bandwidth: float | None = None  # bytes per second of device memory; None: unknown
    attention_flops_per_pair: int = 0  # operations per query-key pair, all layers; 0: attention is not counted
    measure: Measure = WHOLE  # which part of the run its metrics are of
    bucket_edges: tuple[int, ...] | None = None  # upper ones of the predictor's buckets, tokens; None: it has none

    def to_json(self) -> dict[str, object]:
        """The facts as a plain dict."""
        return asdict(self) | {"measure": self.measure.to_json()}

    @classmethod
    def from_json(cls, data: object, *, place: str = "facts") -> "RunFacts":
        """The facts from a plain dict; raises InputError where one is missing, unknown, or of the wrong kind."""
        names = [field.name for field in fields(cls)]
        facts = _mapping(data, names, place)
        missing = [field.name for field in fields(cls) if field.name not in facts and field.default is MISSING]
        if missing:
            raise InputError(f"{place}: {', '.join(missing)} missing; give all of {', '.join(names)}")
        return cls(**{name: _checked(name, value, f"{place}.{name}") for name, value in facts.items()})


def _checked(name: str, value: object, place: str) -> Any:
    """One of the facts, of the kind that its field has."""
    if value is None and name in ("slo", "streamed_weight_bytes", "peak_bandwidth", "bucket_edges"):
        return None
    match name:
        case "slo" | "measure":
            return (ServiceLevel if name == "slo" else Measure).from_json(value, place=place)
        case "bucket_edges" | "delivery":
            return (_edges if name == "bucket_edges" else _delivery)(value, place)
        case "contiguous" | "reads_reserved":
            return _flag(value, place)
        case "peak_flops" | "peak_bandwidth":
            return _number(value, place)
        case _:
            return _whole(value, place, least=0 if name == "attention_flops_per_pair" else 1)


def _mapping(data: object, known: list[str], place: str) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise InputError(f"{place}: {data!r} is not usable; give a mapping of {', '.join(known)}")
    for name in data:
        if name not in known:
            raise UnknownNameError("field", str(name), known, place=place)
    return data


def _delivery(value: object, place: str) -> str:
    if value not in DELIVERIES:
        raise InputError(f"{place}: {value!r} is not usable; give one of {', '.join(DELIVERIES)}")
    return str(value)


def _edges(value: object, place: str) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        raise InputError(f"{place}: {value!r} is not usable; give a list of rising whole numbers")
    return tuple(_whole(edge, place) for edge in value)


def _flag(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{place}: {value!r} is not usable; give true or false")
    return value


def _whole(value: object, place: str, *, least: int = 1) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(f"{place}: {value!r} is not usable; give a whole number of at least {least}")
    return value


def _number(value: object, place: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not isfinite(value) or value <= 0:
        raise InputError(f"{place}: {value!r} is not usable; give a finite number above 0")
    return float(value)
