"""The site builds from the repository without a warning, holds all there is, and needs no network to be read."""

import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import s3sim
from gpu_validate.cli import parser
from s3sim.experiment.schema import json_schema
from s3sim.hardware import DEVICES, ENGINES, LINKS, MODELS
from s3sim.policies.registry import SYSTEMS
from s3sim.report.summary import METRICS
from s3sim.workload.formats import FORMATS
from s3sim.workload.presets import PRESETS
from tests.repo.test_documents import COMMANDS
from tests.support.markdown import ROOT

DOCS = ROOT / "docs"
MOST_SECONDS = 60  # of the processor
LOADED = r"<(?:script|img|iframe|source|video)\b[^>]*\bsrc=\"([^\"]+)\"|<link\b[^>]*\bhref=\"([^\"]+)\""


def test_the_site_builds_and_holds_what_there_is(tmp_path: Path) -> None:
    """Warnings are errors; it takes less than a minute; every command, name, key, metric and word is there."""
    site = tmp_path / "site"
    before = _seconds()
    call = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-d", str(tmp_path / "trees")]
    done = subprocess.run([*call, str(DOCS), str(site)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert _seconds() - before < MOST_SECONDS
    _check_pages(site)
    _check_contents(site)
    _check_api(site)
    _check_nothing_is_fetched(site)


def _seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _check_pages(site: Path) -> None:
    """Each Markdown file of docs is a page."""
    for path in DOCS.rglob("*.md"):
        assert (site / path.relative_to(DOCS).with_suffix(".html")).is_file(), path


def _check_contents(site: Path) -> None:
    """What the code has, a page has."""
    expected = {
        "reference/commands": [f"s3sim {name}" for name in COMMANDS],
        "reference/gpu_validate": [f"gpu-validate {name}" for name in _gpu_commands()],
        "reference/systems": SYSTEMS,
        "reference/names": [*MODELS, *DEVICES, *ENGINES, *LINKS, *PRESETS, *FORMATS],
        "reference/metrics": METRICS,
        "reference/experiment": [*json_schema()["$defs"], *json_schema()["properties"]],
        "reference/glossary": ["KVCacheManager", "stretch", "Replica"],
        "explanation/architecture": ["The replica is a state machine that never waits".lower()],
        "explanation/limits": ["schedules (who runs when, with which slots)"],
    }
    for page, names in expected.items():
        shown = _text(site / f"{page}.html")
        missing = [name for name in names if name not in shown and name not in shown.lower()]
        assert not missing, f"{page} lacks {missing}"


def _check_api(site: Path) -> None:
    """Each name that the package exports has its place."""
    page = (site / "reference" / "python.html").read_text(encoding="utf-8")
    assert not [name for name in s3sim.__all__ if f'id="s3sim.{name}"' not in page]


def _gpu_commands() -> list[str]:
    return re.findall(r"^    (\w+)\s", parser().format_help(), flags=re.MULTILINE)


def _text(path: Path) -> str:
    """The words of a page, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", path.read_text(encoding="utf-8"))).split())


def _check_nothing_is_fetched(site: Path) -> None:
    """Scripts, styles, fonts and pictures are the site's own."""
    sources = list(_sources(site))
    assert any(source.endswith(".css") for source in sources)
    assert any(source.endswith(".png") for source in sources)
    assert not [source for source in sources if re.match(r"(?:https?:)?//", source)]


def _sources(site: Path) -> Iterator[str]:
    for path in site.rglob("*.html"):
        found = re.findall(LOADED, path.read_text(encoding="utf-8"))
        yield from ((one or other).partition("?")[0] for one, other in found)
    for path in site.rglob("*.css"):
        yield from re.findall(r"(?:url\(|@import )[\"']?([^\"')]+)", path.read_text(encoding="utf-8"))
