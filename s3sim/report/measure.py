"""Which part of a run is measured: what is left out at its begin and at its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal

from s3sim.core.errors import InputError

__all__ = ["BURSTS", "WHOLE", "Burst", "Cut", "Measure"]

Kind = Literal["none", "mser", "share", "seconds", "requests", "served_once"]
Burst = Literal["whole", "saturated"]
BURSTS: tuple[Burst, ...] = ("whole", "saturated")
KEYS = ("warm_up", "cool_down", "burst")
LIMITS = {"share": 0.5}  # below half, shares at both ends leave something


@dataclass(frozen=True, slots=True)
class Cut:
    """What is left out at one end of a run: nothing, what MSER finds, a share of the requests, so many, or seconds.

    Or, of a closed loop, all until every user was served once: until the last of those was answered who asked up
    to the moment at which the last user asks first, which is the amount.

    MSER cuts where the rest looks steadiest, which in a single run favours low latencies: of M/D/1 at ρ = 0.6 the
    mean E2EL of runs of 400 requests came out 6% below theory's, of 1500 requests 3%.
    """

    kind: Kind = "none"
    amount: float = 0.0  # seconds, requests, or a share of the requests; of served_once seconds

    def to_json(self) -> object:
        """As an experiment has it: `mser`, `none`, `{share: 0.1}`, `{seconds: 60}`, `{requests: 500}`.

        Of a closed loop `{served_once: 2.5}`, where an experiment leaves the moment to be found.
        """
        return self.kind if self.kind in ("none", "mser") else {self.kind: self.amount}

    @classmethod
    def from_json(cls, data: object, *, place: str) -> "Cut":
        """From such a value; raises InputError for any other."""
        match data:
            case "none" | "mser":
                return cls(data)
            case Mapping() if len(data) == 1:
                ((kind, amount),) = data.items()
                if kind in ("share", "seconds", "requests", "served_once") and _is_amount(amount, kind):
                    return cls(kind, float(amount))
        raise InputError(
            f"{place}: {data!r} is not usable; give none, mser, {{share: X}} below 0.5, {{seconds: S}} or"
            " {requests: N}, no amount below 0"
        )

    def requests(self, arrived: int) -> int:
        """How many of so many requests a cut by requests or by a share leaves out, rounded down."""
        return int(round(self.amount * arrived, 6) if self.kind == "share" else self.amount)  # 0.29 · 100 is 28.99…


def _is_amount(value: object, kind: str) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < LIMITS.get(kind, inf)


NONE = Cut()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How a point's window is chosen; by default it is the whole run.

    warm_up is left out from time 0 on. cool_down is left out before the last arrival, and with it all that
    comes after that arrival, when the load drains away; with none, the window ends with the last token.
    Both concern arrivals over time. `burst` says which part counts where everything is there at time 0: all of
    it, or the part in which somebody waits for room.
    """

    warm_up: Cut = NONE
    cool_down: Cut = NONE
    burst: Burst = "whole"

    @property
    def keeps_all_arrivals(self) -> bool:
        """Whether nothing is left out of arrivals over time."""
        return self.warm_up == self.cool_down == NONE

    def to_json(self) -> dict[str, object]:
        """As a JSON object; `burst` is left out where it is the whole."""
        cuts = {"warm_up": self.warm_up.to_json(), "cool_down": self.cool_down.to_json()}
        return cuts if self.burst == "whole" else {**cuts, "burst": self.burst}

    @classmethod
    def from_json(cls, data: object, *, place: str = "measure") -> "Measure":
        """From a JSON object; raises InputError for unknown keys and values."""
        if not isinstance(data, Mapping) or (unknown := sorted(set(data) - set(KEYS))):
            what = repr(data) if not isinstance(data, Mapping) else f"unknown key {', '.join(map(str, unknown))}"
            raise InputError(f"{place}: {what} is not usable; give a mapping of {', '.join(KEYS)}")
        cuts = {key: Cut.from_json(data[key], place=f"{place}.{key}") for key in KEYS[:2] if key in data}
        return cls(**cuts, burst=_burst(data.get("burst", "whole"), place=f"{place}.burst"))


def _burst(value: object, *, place: str) -> Burst:
    for known in BURSTS:
        if value == known:
            return known
    raise InputError(f"{place}: {value!r} is not usable; give one of {', '.join(BURSTS)}")


WHOLE = Measure()
