"""The page and its claims follow from run directories, and the shipped ones agree with each other."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from s3sim.core.errors import InputError, InvariantError
from s3sim.paper.claims import GRADES, Claim, number, stands
from s3sim.paper.page import write_page
from s3sim.paper.runs import Runs
from s3sim.paper.structure import STRUCTURE, Reach, reach, said, varied
from tests.paper.conftest import ROOT

KEYS = ["claim", "section", "paper", "grade", "ours", "low", "high", "note"]
SHIPPED = ROOT / "docs"


def claims(folder: Path) -> list[dict[str, Any]]:
    """The entries of a paper.json."""
    found: list[dict[str, Any]] = json.loads((folder / "paper.json").read_text(encoding="utf-8"))
    return found


def demand_consistent(folder: Path) -> None:
    """Every claim stands on the page under its section with its figures, and every picture is there."""
    page = (folder / "paper.md").read_text(encoding="utf-8")
    parts = {part.partition("\n")[0]: part for part in page.split("\n## ")[1:]}
    for entry in claims(folder):
        row = next(line for line in parts[entry["section"]].splitlines() if line.startswith(f"| {entry['claim']} |"))
        assert f"| {entry['paper'] or '–'} | {entry['grade']} | " in row
        assert number(entry["ours"]) in row
        assert entry["note"].replace("|", "/") in row
    pictures = re.findall(r"\]\((figures/paper/[\w-]+\.png)\)", page)
    assert len(pictures) >= 10
    assert all((folder / path).stat().st_size < 200_000 for path in pictures)
    kept = {path.name for path in (folder / "figures" / "paper").iterdir()}
    assert kept == {Path(path).name for path in pictures}


def test_claims_have_their_keys_and_a_grade(docs: Path) -> None:
    """A claim has the eight keys, a grade of the closed list, and numbers or null."""
    found = claims(docs)
    assert len(found) > 50
    for entry in found:
        assert list(entry) == KEYS
        assert entry["grade"] in GRADES
        assert all(entry[key] is None or isinstance(entry[key], float | int) for key in ("ours", "low", "high"))


def test_the_page_and_the_claims_agree(docs: Path) -> None:
    """What paper.json says stands in paper.md, section by section."""
    demand_consistent(docs)


def test_all_parts_are_there_and_the_open_ends_come_last(docs: Path) -> None:
    """Nine parts, the checks, and at the end what could not be reproduced."""
    titles = re.findall(r"^## (\d+)\. (.*)$", (docs / "paper.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert [int(number) for number, _ in titles] == list(range(1, 12))
    assert titles[-1][1] == "What could not be reproduced, and why"


def test_the_page_depends_on_the_run_directories_alone(docs: Path, runs: Runs, tmp_path: Path) -> None:
    """Written twice, it is the same, byte for byte."""
    write_page(Runs(runs.path), tmp_path)
    for path in sorted(docs.rglob("*.*")):
        assert (tmp_path / path.relative_to(docs)).read_bytes() == path.read_bytes()


def test_headlines_say_over_what_they_range(docs: Path) -> None:
    """Offline speed-ups say over what their range goes: the headline over sets of constants too."""
    for entry in claims(docs):
        if entry["claim"].startswith("Speed-up over maximum-length reservation, offline: "):
            assert re.search(r"over (seeds|\d+ bootstrapped calibration sets [\d.]+ to [\d.]+)\.$", entry["note"])
            assert entry["low"] is not None
            assert "gpt-neox-20b at 2048" not in entry["claim"] or "calibration sets" in entry["note"]


def test_the_headline_ranges_over_structure(docs: Path, runs: Runs) -> None:
    """Its ends hold every ratio under other step times and placements, and its note says what is reached."""
    headline = next(entry for entry in claims(docs) if entry["claim"].endswith("offline: gpt-neox-20b at 2048"))
    moved = [one.ratio.mean for one in varied(runs) if one.kind in STRUCTURE]
    assert len(moved) >= 14
    assert headline["low"] * 0.99999 <= min(moved)
    assert headline["high"] * 1.00001 >= max(moved)
    assert said(reach(runs)) in headline["note"]


def test_what_is_reached_is_said_with_its_choices() -> None:
    """The paper's ratio is reached under the choices named, or under none."""
    assert said(Reach(4.2, 5.5, ())).endswith("6.49× is not reached under these choices.")
    assert "6.49× is reached under: static batches (15.60)" in said(Reach(4.2, 5.5, ("static batches (15.60)",)))


@pytest.mark.parametrize("folder", ["docs", "shipped"])
def test_recalled_figures_get_no_verdict(folder: str, request: pytest.FixtureRequest) -> None:
    """A figure of grade M stands beside ours, and nothing is said of whether it holds."""
    where = SHIPPED if folder == "shipped" else request.getfixturevalue("docs")
    for entry in claims(where):
        if entry["grade"] == "M":
            assert not re.search(r"[Hh]old|[Rr]eached|[Ee]xceeded|[Ww]ithin the range", entry["note"]), entry


def test_a_verdict_is_not_given_of_a_recalled_figure() -> None:
    """The same numbers, quoted and recalled."""
    assert stands(6.49, 4.0, 5.0, grade="Q").startswith("Not reached under these choices")
    assert stands(3.49, 4.0, 5.0, grade="Q").startswith("Exceeded under these choices")
    assert stands(4.49, 4.0, 5.0, grade="N").startswith("Within the range")
    assert not stands(6.49, 4.0, 5.0, grade="M")


@pytest.mark.skipif(not (SHIPPED / "paper.json").exists(), reason="the page is not written yet: s3sim paper")
def test_the_shipped_page_agrees_with_its_claims() -> None:
    """docs/paper.md and docs/paper.json are of one run, with 20 sets."""
    demand_consistent(SHIPPED)
    text = (SHIPPED / "paper.md").read_text(encoding="utf-8")
    assert "20 bootstrapped calibration sets" in text


@pytest.mark.skipif(not (SHIPPED / "paper.json").exists(), reason="the page is not written yet: s3sim paper")
def test_the_walls_of_the_shipped_page_are_those_foretold() -> None:
    """72, 32 and 17 sequences at 2048, of which nothing was fitted."""
    found = {entry["claim"]: entry for entry in claims(SHIPPED) if entry["claim"].startswith("Wall of")}
    at = [entry["ours"] for claim, entry in found.items() if claim.endswith("at 2048")]
    assert at == [72, 32, 17]
    assert all(entry["paper"] == f"{entry['ours']:.0f}" for entry in found.values())


def test_an_unknown_grade_is_refused() -> None:
    """Grades are a closed list."""
    with pytest.raises(InvariantError, match="grade 'Z' is none of"):
        Claim(claim="c", section="s", paper=None, grade="Z", ours=1.0)


def test_what_is_no_number_is_null() -> None:
    """JSON has no NaN."""
    claim = Claim(claim="c", section="s", paper=None, grade="?", ours=float("nan"), low=1.0, high=float("inf"))
    assert [claim.to_json()[key] for key in ("ours", "low", "high")] == [None, 1.0, None]


def test_runs_that_are_not_there_are_named(tmp_path: Path) -> None:
    """A page of nothing is refused with the folder's name."""
    with pytest.raises(InputError, match=re.escape(str(tmp_path))):
        write_page(Runs(tmp_path), tmp_path / "docs")
