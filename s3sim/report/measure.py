"""Which part of a run is measured: what is left out at its begin and at its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from s3sim.core.errors import InputError

__all__ = ["WHOLE", "Cut", "Measure"]

Kind = Literal["none", "mser", "seconds", "requests"]


@dataclass(frozen=True, slots=True)
class Cut:
    """What is left out at one end of a run: nothing, what MSER finds, so many seconds, or so many requests."""

    kind: Kind = "none"
    amount: float = 0.0  # seconds, or requests

    def to_json(self) -> object:
        """As an experiment has it: `mser`, `none`, `{seconds: 60}` or `{requests: 500}`."""
        return self.kind if self.kind in ("none", "mser") else {self.kind: self.amount}

    @classmethod
    def from_json(cls, data: object, *, place: str) -> "Cut":
        """From such a value; raises InputError for any other."""
        match data:
            case "none" | "mser":
                return cls(data)
            case Mapping() if len(data) == 1:
                ((kind, amount),) = data.items()
                if kind in ("seconds", "requests") and _is_amount(amount):
                    return cls(kind, float(amount))
        raise InputError(
            f"{place}: {data!r} is not usable; give none, mser, {{seconds: S}} or {{requests: N}}, neither below 0"
        )


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value >= 0


NONE = Cut()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How a point's window is chosen; by default it is the whole run.

    warm_up is left out from time 0 on. cool_down is left out before the last arrival, and with it all that
    comes after that arrival, when the load drains away; with none, the window ends with the last token.
    """

    warm_up: Cut = NONE
    cool_down: Cut = NONE

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return self.warm_up == self.cool_down == NONE

    def to_json(self) -> dict[str, object]:
        """As a JSON object."""
        return {"warm_up": self.warm_up.to_json(), "cool_down": self.cool_down.to_json()}

    @classmethod
    def from_json(cls, data: object, *, place: str = "measure") -> "Measure":
        """From a JSON object; raises InputError for unknown keys and values."""
        if not isinstance(data, Mapping) or (unknown := sorted(set(data) - {"warm_up", "cool_down"})):
            what = repr(data) if not isinstance(data, Mapping) else f"unknown key {', '.join(map(str, unknown))}"
            raise InputError(f"{place}: {what} is not usable; give a mapping of warm_up and cool_down")
        return cls(**{key: Cut.from_json(value, place=f"{place}.{key}") for key, value in data.items()})


WHOLE = Measure()
