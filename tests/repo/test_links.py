"""Links of every Markdown file lead to what is there; nothing is fetched."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support.markdown import ROOT, anchors, links, markdown_files


@pytest.mark.parametrize("path", markdown_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_a_file_lead_somewhere(path: Path) -> None:
    """Each relative link names a file of the repository, and each anchor a heading of that file."""
    for target, line in links(path):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        there = (path.parent / name).resolve() if name else path
        place = f"{path.relative_to(ROOT)}:{line}: {target}"
        assert there.exists(), f"{place}: there is no such file"
        assert there.is_relative_to(ROOT), f"{place}: leads out of the repository"
        if anchor:
            assert anchor in anchors(there), f"{place}: no such heading; there are {sorted(anchors(there))}"


def test_the_files_and_their_links_are_found() -> None:
    """Documents of every folder are looked at, and links are read from them."""
    found = {str(path.relative_to(ROOT)) for path in markdown_files()}
    assert {"README.md", "docs/index.md", "docs/validation/cpu.md", "experiments/paper/README.md"} <= found
    assert "docs/fidelity.md" in {target for target, _ in links(ROOT / "README.md")}
    assert "what-is-measured-published-modelled-not-run" in anchors(ROOT / "README.md")


def test_external_addresses_are_secure_and_whole() -> None:
    """What leads out of the repository is https, with a host; `sphinx-build -b linkcheck` asks whether it answers."""
    away = [(path, target) for path in markdown_files() for target, _ in links(path) if re.match(r"[a-z]+:", target)]
    assert away
    assert not [where for where in away if not re.match(r"https://[\w.-]+\.\w+(/|$)|mailto:", where[1])]
