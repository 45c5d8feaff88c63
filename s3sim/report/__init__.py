"""What a run amounts to: tables, metrics and figures, computed from the event log and from nothing else."""
