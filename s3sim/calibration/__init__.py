"""Published or own measurements against the latency model: checks, fits, and what the data cannot separate."""
