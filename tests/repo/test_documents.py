"""The documents keep step with the code: what they name exists."""

import argparse
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from gpu_validate.cli import parser
from s3sim.cli.main import app
from s3sim.experiment.schema import load_experiment
from s3sim.policies.registry import SYSTEMS
from tests.support.markdown import ROOT, code, markdown_files

DOCUMENTS = markdown_files()
SOURCES = [
    path
    for folder in ("s3sim", "gpu_validate", "tests", "benchmarks", "experiments")
    for path in sorted((ROOT / folder).rglob("*.*"))
]
FIGURES = ("utilisation", "throughput-latency", "slo-attainment", "kv-over-time", "latency-cdf", "throughput")


def name_of(document: Path) -> str:
    """Its path in the repository."""
    return str(document.relative_to(ROOT))


@cache
def words() -> set[str]:
    """Every identifier that the sources use, and the names of their files."""
    texts = (path.read_text(encoding="utf-8") for path in SOURCES if path.suffix in (".py", ".yaml"))
    return {word for text in texts for word in re.findall(r"[A-Za-z_][A-Za-z0-9_]*", text)} | {
        path.stem for path in SOURCES
    }


def leaves(command: Any, name: str = "") -> dict[str, set[str]]:
    """The commands below one, each with its options."""
    inner = getattr(command, "commands", {})
    if not inner:
        return {name: {option for parameter in command.params for option in parameter.opts}}
    found = [leaves(entry, f"{name} {word}".strip()) for word, entry in inner.items()]
    return {called: options for each in found for called, options in each.items()}


COMMANDS = leaves(typer.main.get_command(app))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_commands_that_a_document_shows_exist(document: Path) -> None:
    """Each `s3sim ...` is a command, with options that it has."""
    groups = {name.partition(" ")[0] for name in COMMANDS if " " in name}
    for line in code(document):
        for call in re.findall(r"(?<![\w./-])s3sim ([^#&|;]*)", re.sub(r"^from .*|^import ", "", line)):
            given = call.split()
            name = " ".join(given[: 2 if given[0] in groups else 1])
            if name not in groups:  # a group as such
                assert name in COMMANDS, f"{document.name}: {line}"
                assert not options_of(given) - COMMANDS[name], f"{document.name}: {line}"


def options_of(given: list[str]) -> set[str]:
    """The long options among the words of a command line."""
    return {word.partition("=")[0] for word in given if word.startswith("--")}


def gpu_commands() -> dict[str, set[str]]:
    """The commands of gpu-validate, each with its options."""
    (inner,) = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    return {
        name: {option for action in command._actions for option in action.option_strings}
        for name, command in inner.choices.items()
    }


def test_commands_of_gpu_validate_that_documents_show_exist() -> None:
    """Each `gpu-validate ...` is a command, with options that it has."""
    known = gpu_commands()
    shown = [(path, line) for path in DOCUMENTS for line in code(path)]
    calls = [(path, call) for path, line in shown for call in re.findall(r"(?<![\w./-])gpu-validate ([^#&|;]*)", line)]
    assert calls
    for path, call in calls:
        name, *given = call.split()
        assert name in known, f"{path.name}: {call}"
        assert not options_of(given) - known[name], f"{path.name}: {call}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_identifiers_that_a_document_shows_exist(document: Path) -> None:
    """Metrics, settings, classes and functions in code are words of the sources: nothing was renamed alone."""
    known = words()
    named = {
        word
        for shown in code(document)
        for word in re.findall(r"[A-Za-z_][A-Za-z0-9_]*", shown)
        if "_" in word.strip("_") or re.fullmatch(r"(?:[A-Z][a-z]+){2,}", word)
    }
    assert sorted(named - known) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_paths_that_a_document_shows_lead_somewhere(document: Path) -> None:
    """Paths below the project's folders that stand in code; of links test_links tells."""
    folders = "s3sim|gpu_validate|tests|experiments|benchmarks|notebooks|docs"
    paths = [path for shown in code(document) for path in re.findall(rf"(?<![\w./-])(?:{folders})/[\w./-]*", shown)]
    assert not [path for path in paths if not any((root / path).exists() for root in (ROOT, ROOT / "s3sim"))]


def test_every_system_is_in_the_readme_and_no_other() -> None:
    """The glossary's row of systems names those of the registry."""
    rows = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if "| **System" in line]
    for row in rows:
        assert set(re.findall(r"`([a-z0-9_]+)`", row)) == set(SYSTEMS)


def test_every_room_is_in_the_architecture_and_no_other() -> None:
    """The table of rooms and the folders of the package are the same."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`s3sim/([a-z]+)/`", text))
    rooms = {path.parent.name for path in (ROOT / "s3sim").glob("*/__init__.py")}
    assert told == rooms


def test_every_experiment_is_in_its_readme_with_figures_that_it_draws() -> None:
    """A row per YAML; each figure is named after one of its scenarios."""
    document = ROOT / "experiments" / "README.md"
    if not document.exists():
        pytest.skip("experiments/README.md is not written")
    rows = [line for line in document.read_text(encoding="utf-8").splitlines() if ".yaml`" in line]
    shipped = {path.name for path in document.parent.glob("*.yaml")}
    assert {name for row in rows for name in re.findall(r"`([\w.]+\.yaml)`", row)} == shipped
    for row in rows:
        (name,) = re.findall(r"`([\w.]+\.yaml)`", row)
        text = (document.parent / name).read_text(encoding="utf-8")
        for figure in re.findall(r"`([\w-]+)`", row.rsplit("|", 2)[1]):
            scenario = next(figure.removesuffix(f"-{kind}") for kind in FIGURES if figure.endswith(f"-{kind}"))
            assert re.search(rf"^  {scenario}:", text, flags=re.MULTILINE), f"{name} draws no {figure}"


def test_every_experiment_on_prediction_is_in_its_readme() -> None:
    """A row names it, and no row names another."""
    folder = ROOT / "experiments" / "prediction"
    told = set(re.findall(r"`(\w+\.yaml)`", (folder / "README.md").read_text(encoding="utf-8")))
    assert told == {path.name for path in folder.glob("*.yaml")}


ASKED = [*(ROOT / "experiments").glob("*.yaml"), *(ROOT / "experiments" / "prediction").glob("*.yaml")]


@pytest.mark.parametrize("path", sorted(ASKED), ids=lambda path: path.name)
def test_every_experiment_asks_its_question(path: Path) -> None:
    """The second line is the question; the file resolves, or says which data it needs."""
    text = path.read_text(encoding="utf-8")
    assert re.match(r"# Question: .*\?$", text.splitlines()[1])
    needs_data = "kind: trace" in text
    assert not needs_data or "# Data: " in text
    if not needs_data:
        assert load_experiment(path).points
