"""The documents keep step with the code: what they name exists."""

import re
from pathlib import Path

import pytest
import typer

from s3sim.cli.main import app
from s3sim.experiment.schema import load_experiment
from s3sim.policies.registry import SYSTEMS

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / name
    for name in (
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "experiments/README.md",
        "experiments/prediction/README.md",
        "docs/predictor.md",
        "docs/when_prediction_pays.md",
    )
]
EXISTING = [path for path in DOCUMENTS if path.exists()]
SOURCES = [
    path
    for folder in ("s3sim", "gpu_validate", "tests", "benchmarks", "experiments")
    for path in sorted((ROOT / folder).rglob("*.*"))
]
FIGURES = ("utilisation", "throughput-latency", "slo-attainment", "kv-over-time", "latency-cdf", "throughput")


def code_of(document: Path) -> list[str]:
    """What a document sets in code: the lines of its blocks, and its inline spans."""
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    return [line for block in blocks for line in block.splitlines()] + spans


def words() -> set[str]:
    """Every identifier that the sources use."""
    texts = (path.read_text(encoding="utf-8") for path in SOURCES if path.suffix in (".py", ".yaml"))
    return {word for text in texts for word in re.findall(r"[A-Za-z_][A-Za-z0-9_]*", text)}


@pytest.mark.parametrize("document", EXISTING, ids=lambda path: path.name)
def test_commands_that_a_document_shows_exist(document: Path) -> None:
    """Each `s3sim ...` is a command, with options that it has."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for line in code_of(document):
        for call in re.findall(r"(?<![\w./-])s3sim ([^#&|;]*)", line.removeprefix("import ")):
            name, *arguments = call.split()
            assert name in commands, f"{document.name}: {line}"
            command = commands[name]
            if arguments and arguments[0] in getattr(command, "commands", {}):
                command = command.commands[arguments[0]]
            options = {option for parameter in command.params for option in parameter.opts}
            unknown = [part for part in arguments if part.startswith("--") and part not in options]
            assert not unknown, f"{document.name}: {line}"


@pytest.mark.parametrize("document", EXISTING, ids=lambda path: path.name)
def test_identifiers_that_a_document_shows_exist(document: Path) -> None:
    """Metrics, settings, classes and functions in code are words of the sources: nothing was renamed alone."""
    known = words()
    named = {
        word
        for code in code_of(document)
        for word in re.findall(r"[A-Za-z_][A-Za-z0-9_]*", code)
        if "_" in word.strip("_") or re.fullmatch(r"(?:[A-Z][a-z]+){2,}", word)
    }
    assert not named - known


@pytest.mark.parametrize("document", EXISTING, ids=lambda path: path.name)
def test_links_and_paths_of_a_document_lead_somewhere(document: Path) -> None:
    """Relative links, and paths below the project's folders that stand in code."""
    text = document.read_text(encoding="utf-8")
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if not re.match(r"https?:|#", link)]
    folders = "s3sim|gpu_validate|tests|experiments|benchmarks|notebooks|docs"
    paths = [path for code in code_of(document) for path in re.findall(rf"(?<![\w./-])(?:{folders})/[\w./-]*", code)]
    roots = (document.parent, ROOT, ROOT / "s3sim")
    lost = [path for path in [*links, *paths] if not any((root / path).exists() for root in roots)]
    assert not lost


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
