"""A YAML document that knows on which line each of its keys stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import yaml

from s3sim.core.errors import InputError
from s3sim.experiment.schema.dialect import Dumper, Loader

__all__ = ["Document", "KeyPath", "read_document"]

Key = str | int
KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """The values of an experiment, and where they stand in its YAML file, if it came from one."""

    values: dict[str, Any]
    folder: Path  # where files that it names are looked for first
    text: str
    path: Path | None = None
    root: yaml.Node | None = None
    origins: Mapping[KeyPath, KeyPath] = field(default_factory=dict)  # keys of a setting → where the YAML gives them
    overrides: Mapping[KeyPath, str] = field(default_factory=dict)  # keys → the --set that gave their value

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """A document of values that were made by a program; raises InputError for values that no YAML holds."""
        if not isinstance(values, Mapping):
            raise InputError(f"an experiment is a YAML file or a mapping of keys to values, not {values!r}")
        try:
            text = yaml.dump(dict(values), Dumper=Dumper, sort_keys=False)
        except yaml.YAMLError as error:
            raise InputError(f"an experiment holds texts, numbers, lists and mappings alone: {error}") from None
        return cls(dict(values), Path.cwd(), text)

    def with_origins(self, origins: Mapping[KeyPath, KeyPath]) -> Self:
        """The document, for a setting whose keys are given elsewhere: by a scenario, or by a sweep."""
        return replace(self, origins={**self.origins, **origins})

    def with_override(self, keys: KeyPath, *, given: str) -> Self:
        """The document, with keys whose value a --set has given."""
        return replace(self, overrides={**self.overrides, keys: given})

    def place(self, keys: Sequence[Key]) -> str:
        """`file:line: key.path` of the deepest of the keys that the file holds, or the --set that gave them."""
        words = _moved(tuple(map(str, keys)), self.origins)
        dotted = ".".join(words)
        for length in range(len(words), 0, -1):
            if words[:length] in self.overrides:
                return f"{self.overrides[words[:length]]}: {dotted}"
        if self.root is None:
            return dotted
        return f"{self.path}:{_line(self.root, words)}{f': {dotted}' if dotted else ''}"


def _moved(words: KeyPath, origins: Mapping[KeyPath, KeyPath]) -> KeyPath:
    for length in range(len(words), 0, -1):
        if words[:length] in origins:
            return origins[words[:length]] + words[length:]
    return words


def _line(node: yaml.Node, words: KeyPath) -> int:
    """The number of the line on which the deepest of the words stands that the node holds."""
    line = node.start_mark.line
    for word in words:
        child = _child(node, word)
        if child is None:
            break
        line, node = child
    return int(line) + 1


def _child(node: yaml.Node, word: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == word:
                return name.start_mark.line, value
    if isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            if word == str(index) or word in _names(value):
                return value.start_mark.line, value
    return None


def _names(node: yaml.Node) -> list[str]:
    """What an element of a list is called: its text, or its `label` and `name`."""
    if isinstance(node, yaml.MappingNode):
        return [value.value for name, value in node.value if name.value in ("label", "name")]
    return [node.value] if isinstance(node, yaml.ScalarNode) else []


def read_document(path: Path) -> Document:
    """Read a YAML mapping; raises InputError where the file is missing, broken, no mapping, or repeats a key."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        root = yaml.compose(text, Loader=Loader)
        if root is not None:
            _reject_repeats(path, root)
        values = yaml.load(text, Loader=Loader)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: cannot be read as a YAML text: {error}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except yaml.YAMLError as error:
        raise InputError(_broken(path, error)) from None
    except RecursionError:
        raise InputError(f"{path}: is nested too deeply, or an anchor holds itself") from None
    if root is None:
        raise InputError(f"{path}: is empty; an experiment is a mapping of keys to values")
    if not isinstance(values, dict):
        raise InputError(f"{path}: is a {_KINDS[type(root)]}; an experiment is a mapping of keys to values")
    return Document(values, path.resolve().parent, text, path, root)


_KINDS = {yaml.SequenceNode: "list", yaml.ScalarNode: "single value", yaml.MappingNode: "mapping of another kind"}


def _broken(path: Path, error: yaml.YAMLError) -> str:
    """Where and why a text is no YAML, in one line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{path}:{error.problem_mark.line + 1}: not valid YAML: {error.problem}"
    return f"{path}: not valid YAML: {' '.join(str(error).split())}"


def _reject_repeats(path: Path, node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            key = str(name.value)
            if key in seen:
                raise InputError(f"{path}:{name.start_mark.line + 1}: key {key!r} stands twice; keep one")
            seen.add(key)
            _reject_repeats(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _reject_repeats(path, value)
