"""Experiments: one YAML, one question; resolved to points, run, and kept in a run directory."""
