"""The rate of arrivals: one definition, for traces and for what a run was offered."""

__all__ = ["arrival_rate"]

PS_PER_S = 10**12


def arrival_rate(arrivals: int, span_ps: int) -> float | None:
    """Requests per second of so many arrivals, the last of them `span_ps` after the first: gaps, not arrivals, ÷ span.

    A span that begins and ends with an arrival holds one gap fewer than arrivals. None where all come at once, or
    none does.
    """
    return (arrivals - 1) * PS_PER_S / span_ps if arrivals > 1 and span_ps > 0 else None
