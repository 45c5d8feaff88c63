"""A YAML document that knows on which line each of its keys stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from s3sim.core.errors import InputError

__all__ = ["Document", "read_document"]

Key = str | int


@dataclass(frozen=True, slots=True)
class Document:
    """The values of an experiment, and where they stand in its YAML file, if it came from one."""

    values: dict[str, Any]
    folder: Path  # where files that it names are looked for first
    text: str
    path: Path | None = None
    root: yaml.Node | None = None

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """A document of values that were made by a program."""
        return cls(values, Path.cwd(), yaml.safe_dump(values, sort_keys=False))

    def place(self, keys: Sequence[Key]) -> str:
        """`file:line: key.path` of the deepest of the keys that the file holds."""
        dotted = ".".join(str(key) for key in keys)
        if self.root is None:
            return dotted
        node, line = self.root, self.root.start_mark.line
        for key in keys:
            child = _child(node, key)
            if child is None:
                break
            line, node = child
        return f"{self.path}:{line + 1}: {dotted}" if dotted else f"{self.path}:{line + 1}"


def _child(node: yaml.Node, key: Key) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(key):
                return name.start_mark.line, value
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key].start_mark.line, node.value[key]
    return None


def read_document(path: Path) -> Document:
    """Read a YAML mapping; raises InputError where the file is missing, broken, no mapping, or repeats a key."""
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a YAML text: {error}") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if root is None or not isinstance(values, dict):
        raise InputError(f"{path}: an experiment is a mapping of keys to values; this holds {type(values).__name__}")
    _reject_repeats(path, root)
    return Document(values, path.resolve().parent, text, path, root)


def _reject_repeats(path: Path, node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            if name.value in seen:
                raise InputError(f"{path}:{name.start_mark.line + 1}: key {name.value!r} stands twice; keep one")
            seen.add(name.value)
            _reject_repeats(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _reject_repeats(path, value)
