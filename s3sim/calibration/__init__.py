"""Published or own measurements against the latency model: checks, fits, and what the data cannot separate."""

__all__ = ["DRAWS"]

DRAWS = 20  # of the bootstrap: enough for 90% intervals, and for a range of headline ratios
