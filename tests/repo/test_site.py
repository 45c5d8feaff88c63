"""The site builds from the repository without a warning, holds all there is, and needs no network to be read."""

import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import gpu_validate
import s3sim
from s3sim.core.events import Event
from s3sim.experiment.schema import json_schema
from s3sim.hardware import DEVICES, ENGINES, LINKS, MODELS
from s3sim.policies.registry import SYSTEMS
from s3sim.report.log_meanings import EVENTS, STEPS
from s3sim.report.meanings import COMPARISONS, FILES, REQUESTS, SUMMARY
from s3sim.report.summary import METRICS
from s3sim.workload.formats import FORMATS
from s3sim.workload.presets import PRESETS
from s3sim.workload.sources import SOURCES
from tests.repo.test_documents import COMMANDS, gpu_commands
from tests.support.markdown import ROOT

DOCS = ROOT / "docs"
WORDS = re.findall(r"^\| \*\*(.+?)\*\* \| (.+?) \|$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
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
    _check_commands(site)
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
    """What the code has, a page has, and nothing else: as a heading, or in the first column of a table."""
    schema = json_schema()
    assert _headings(site / "reference" / "systems.html") == set(SYSTEMS)
    assert _headings(site / "reference" / "experiment.html") == {"Experiment", *schema["$defs"]}
    names = {*MODELS, *DEVICES, *ENGINES, *LINKS, *PRESETS, *FORMATS, *SOURCES}
    assert _first_cells(site / "reference" / "names.html") == names
    columns = {*FILES, *SUMMARY, *REQUESTS, *EVENTS, *STEPS, *COMPARISONS, *map(str, map(int, Event))}
    assert _first_cells(site / "reference" / "metrics.html") == columns
    assert set(METRICS) <= columns
    keys = {key for part in (schema, *schema["$defs"].values()) for key in part["properties"]}
    assert keys <= _terms(site / "reference" / "experiment.html")
    assert {word for word, _ in WORDS} == _terms(site / "reference" / "glossary.html")
    assert {"Rooms", "Laws"} <= _headings(site / "explanation" / "architecture.html")
    assert "schedules (who runs when, with which slots)" in _text(site / "explanation" / "limits.html")


def _check_commands(site: Path) -> None:
    """Each command has its section, and each of its options its place."""
    for page, program, known in (("commands", "s3sim", COMMANDS), ("gpu_validate", "gpu-validate", gpu_commands())):
        shown = (site / "reference" / f"{page}.html").read_text(encoding="utf-8")
        for name, options in known.items():
            assert f"{program} {name}" in _headings(site / "reference" / f"{page}.html")
            wanted = [option[1:] for option in options if option.startswith("--") and option != "--help"]
            places = [f"cmdoption-{program}-{name}{option}".replace(" ", "-") for option in wanted]
            assert not [place for place in places if f'id="{place}"' not in shown]


def _check_api(site: Path) -> None:
    """Each name that a package exports has its place."""
    for page, package in (("python", s3sim), ("gpu_validate", gpu_validate)):
        path = site / "reference" / f"{page}.html"
        known = {*re.findall(r'<dt [^>]*id="([^"]+)"', _html(path)), *_headings(path)}
        assert {f"{package.__name__}.{name}" for name in package.__all__} <= known


def _headings(path: Path) -> set[str]:
    """The headings of a page below its title."""
    return {_bare(title) for title in re.findall(r"<h[2-6]>(.*?)<a class=\"headerlink\"", _html(path))}


def _first_cells(path: Path) -> set[str]:
    """The names in the first column of a page's tables."""
    rows = re.findall(r"<tr class=\"row-\w+\"><td><p>(.*?)</p></td>", _html(path))
    return {_bare(cell).partition(",")[0] for cell in rows}


def _terms(path: Path) -> set[str]:
    """What a page defines, or says in a line that begins with a name in code."""
    found = re.findall(r"<dt[^>]*>(.*?)(?:<a class=\"headerlink\"|</dt>)", _html(path), flags=re.DOTALL)
    found += re.findall(r"<p>(<code.*?)</p>", _html(path))
    return {_bare(term).partition(" ·")[0] for term in found}


def _html(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _bare(markup: str) -> str:
    """Text without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", markup)).split())


def _text(path: Path) -> str:
    return _bare(_html(path))


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
