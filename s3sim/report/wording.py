"""Values as tables, figures and errors write them."""

__all__ = ["value_text"]


def value_text(value: float | str | None) -> str:
    """A swept value as a figure writes it: a field left open as in the experiment's YAML."""
    return "null" if value is None else value if isinstance(value, str) else f"{value:g}"
