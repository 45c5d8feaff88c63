"""How much load a system bears, or how few GPUs it needs, while it keeps an SLO: a search over simulated points."""
