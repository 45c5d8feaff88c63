"""Checks of field values, shared by the specifications: each says the value, the fault and the remedy."""

from collections.abc import Collection
from math import inf, isfinite
from typing import Final

from s3sim.core.errors import InputError, UnknownNameError

__all__ = ["require_flag", "require_name", "require_not_negative", "require_number", "require_text", "require_whole"]


LARGEST: Final = 10**18  # far above every count of a machine or a model, and products of two still fit a float


def require_whole(place: str, value: object, *, least: int = 1) -> None:
    """Raise InputError unless `value` is an integer (no bool, no float) from `least` to LARGEST."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(f"{place}: {value!r} is not usable; give a whole number of at least {least}")
    if value > LARGEST:
        raise InputError(f"{place}: {_shown(value)} is not usable; give a whole number of at most {LARGEST:.0e}")


def require_number(place: str, value: object, *, above: float = 0.0, most: float = inf) -> None:
    """Raise InputError unless `value` is a finite number with above < value <= most."""
    if isinstance(value, int) and value > LARGEST**2:  # may be more than a float holds
        raise InputError(f"{place}: {_shown(value)} is not usable; give a number of at most {LARGEST**2:.0e}")
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
    if not usable or not above < float(value) <= most:  # type: ignore[arg-type]
        limit = "" if most == inf else f" and at most {most:g}"
        raise InputError(f"{place}: {value!r} is not usable; give a finite number above {above:g}{limit}")


def _shown(value: int) -> str:
    text = repr(value)
    return text if len(text) <= 30 else f"{text[:12]}... ({len(text)} digits)"


def require_not_negative(place: str, value: object) -> None:
    """Raise InputError unless `value` is a finite number of at least 0."""
    if isinstance(value, bool) or value != 0:
        require_number(place, value)


def require_flag(place: str, value: object) -> None:
    """Raise InputError unless `value` is True or False."""
    if not isinstance(value, bool):
        raise InputError(f"{place}: {value!r} is not usable; give true or false")


def require_text(place: str, value: object) -> None:
    """Raise InputError unless `value` is a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise InputError(f"{place}: {value!r} is not usable; give a text that is not empty")


def require_name(place: str, value: object, known: Collection[str], *, kind: str) -> None:
    """Raise UnknownNameError unless `value` is one of `known`."""
    if value not in known:
        raise UnknownNameError(kind, str(value), known, place=place)
