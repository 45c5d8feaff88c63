"""The page of a run: whole or refused, bounded, the same again, and safe whatever a YAML says."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from shutil import copytree, rmtree

import pandas as pd
import pytest

from s3sim.core.errors import InputError, SystemFaultError
from s3sim.report.figures.style import KNOWN, looks
from s3sim.report.html import sections as cutting
from s3sim.report.html import write_page
from s3sim.report.html.canvas import dashes, marker
from s3sim.report.html.sections import sections
from s3sim.report.html.tables import best_table, full_table
from s3sim.report.rundir import read_run
from tests.report.runs import Settings, write_run
from tests.report.test_pages import DAMAGES, edit

SWEPT: Settings = [{"max_num_seqs": 4}, {"max_num_seqs": 8}, {"max_num_seqs": None}]
HOSTILE = "<script>window.hit = 1</script> & \"quotes\" $$\\frac{1}{2}$$ </script><img src=x onerror='window.hit = 2'>"
MOST_BYTES = 5_000_000


class Texts(HTMLParser):
    """What a page's elements hold: the text of all but scripts and styles, and how often each tag stands."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.tags, self._inside = "", [""][:0], ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count it."""
        self.tags.append(tag)
        self._inside = tag

    def handle_data(self, data: str) -> None:
        """Keep it, if it is shown."""
        self.text += "" if self._inside in ("script", "style") else data


def parsed(path: Path) -> Texts:
    """A page, read."""
    found = Texts()
    found.feed(path.read_text(encoding="utf-8"))
    return found


def written(path: Path) -> str:
    """The text of a run's page, which is written."""
    return parsed(write_page(path)).text


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was swept over max_num_seqs, with one value left open."""
    return write_run(tmp_path_factory.mktemp("run"), SWEPT)


def test_the_page_is_written_and_written_the_same_again(run: Path, tmp_path: Path) -> None:
    """The same bytes again, also in another place and after other figures; nothing else is left behind."""
    page = write_page(run)
    before = page.read_bytes()
    assert page == run / "report.html"
    copytree(run, tmp_path / "copy")
    assert write_page(tmp_path / "copy").read_bytes() == before
    assert not list(run.glob(".*"))
    assert len(before) < MOST_BYTES


def test_the_page_names_no_address_to_load_from(run: Path) -> None:
    """No element has a source or a link but to places of the page itself; the policy forbids the rest."""
    text = write_page(run).read_text(encoding="utf-8")
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    assert set(re.findall(r"\s(?:src|href)=\"([^\"#]*)", markup)) == {"", "data:,"}
    assert "default-src 'none'" in markup


def test_every_part_is_there(run: Path) -> None:
    """Tables, figures, configuration, provenance; the resolved points and the command that redraws."""
    text = written(run)
    for part in ("Summary", "Throughput and latency", "KV cache over time", "Sequences over time", "Provenance"):
        assert part in text
    for part in ("s3sim report .", "Bokeh 3.", "3, 4", "kv_capacity_tokens", "max_num_seqs=null"):
        assert part in text
    assert "experiment.yaml is absent: this run directory does not hold it." in text


def test_a_log_of_requests_has_a_page_that_says_what_is_absent(tmp_path: Path) -> None:
    """Without events there are curve and distributions; memory and timeline are named, with the reason."""
    text = written(write_run(tmp_path, SWEPT, full_log=False))
    for part in ("KV cache over time", "The timeline of sequences"):
        assert f"{part} is absent: the run kept no events (log: requests)." in text
    assert "Mean TPOT (ms) against throughput" in text


def test_what_was_not_swept_has_no_curve(tmp_path: Path) -> None:
    """One setting: the page says so, and offers no choice of a swept value."""
    text = written(write_run(tmp_path, [{}]))
    assert "The curve is absent: no number was swept." in text
    assert "Show the points at" not in text


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_a_run_that_is_not_whole_is_refused(
    damage: Callable[[Path], object], message: str, run: Path, tmp_path: Path
) -> None:
    """As the pictures: whatever is missing or broken is named with its path."""
    damaged = tmp_path / "run"
    copytree(run, damaged)
    for page in damaged.glob("report.html"):
        page.unlink()
    rmtree(damaged / "points" / "s3-0-3")
    copytree(damaged / "points" / "s3-1-3", damaged / "points" / "s3-0-3")
    damage(damaged)
    with pytest.raises(InputError, match=message):
        write_page(damaged)
    assert not (damaged / "report.html").exists()


def test_an_older_run_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    """Without a window, goodput or batch sizes in the summary, and with other facts, the rest is shown."""
    path = write_run(tmp_path, SWEPT)
    summary = pd.read_csv(path / "summary.csv")
    old = ["scenario", "max_num_seqs", "system", "seed", "point"]
    old += ["request_throughput", "normalized_latency_ms", "mean_tpot_ms"]
    summary[old].to_csv(path / "summary.csv", index=False)
    text = written(path)
    assert "throughput (requests/s)" in text
    assert "mean batch" not in text


def planned(path: Path, *names: str) -> None:
    """Have the manifest name all the points of the summary, and more; and a scenario that was not begun."""
    points = pd.read_csv(path / "summary.csv")["point"].tolist()
    edit(path / "manifest.json", lambda m: m.update(points=[*points, *names]))
    later = {"swept_over": [], "slo": {}, "arrivals": "poisson"}
    edit(path / "manifest.json", lambda m: m["scenarios"].update(later=later))


def test_an_interrupted_run_has_a_page_of_what_is_finished(tmp_path: Path) -> None:
    """It says how many points are missing and which, and tells of the others as ever; a scenario may be missing."""
    path = write_run(tmp_path, SWEPT)
    planned(path, "later-s3-seed0-abc", "later-s3-seed1-def")
    text = written(path)
    assert "This run is not finished: 2 points are missing" in text
    assert "later-s3-seed0-abc" in text
    assert "12 finished, 2 not" in text


def test_a_point_that_is_missing_is_told_in_its_place(tmp_path: Path) -> None:
    """Where one system has no point at a swept value, the others are shown there."""
    path = write_run(tmp_path, SWEPT)
    summary = pd.read_csv(path / "summary.csv")
    gone = summary["point"].isin(["s3-2-3", "s3-2-4"])
    edit(path / "manifest.json", lambda m: m.update(points=summary["point"].tolist()))
    summary[~gone].to_csv(path / "summary.csv", index=False)
    page = write_page(path).read_text(encoding="utf-8")
    assert "2 points are missing" in page
    assert page.count("this point is not finished") == 2  # memory and bars


def test_what_a_yaml_says_is_shown_as_text(tmp_path: Path) -> None:
    """Descriptions, names, settings and logs cannot become elements or scripts."""
    path = write_run(tmp_path, [{"model": HOSTILE, "max_num_seqs": n} for n in (2, 4)])
    tags = sorted(parsed(write_page(path)).tags)
    edit(path / "manifest.json", lambda m: m.update(name=HOSTILE, description=HOSTILE, points=[HOSTILE]))
    (path / "experiment.yaml").write_text(HOSTILE)
    (path / "overrides.json").write_text(json.dumps([HOSTILE]))
    (path / "environment.json").write_text(json.dumps({"command": [HOSTILE], "packages": {HOSTILE: HOSTILE}}))
    found = parsed(write_page(path))
    assert found.text.count(HOSTILE) >= 7
    assert found.tags.count("script") == tags.count("script")
    assert "img" not in found.tags


def test_pages_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many sections, points and rows, and no more; the page says what is not on it, and the ends are."""
    settings: Settings = [{"model": model, "max_num_seqs": n} for model in "abc" for n in (2, 4, 6, 8)]
    path = write_run(tmp_path, settings)
    monkeypatch.setattr(cutting, "SECTIONS", 2)
    monkeypatch.setattr(cutting, "POINTS", 9)
    found, left_out = sections(read_run(path))
    assert ([section.title for section in found], left_out) == (["main, model=a", "main, model=b"], 1)
    assert [[level.text for level in section.levels] for section in found] == [["max_num_seqs=2", "max_num_seqs=8"]] * 2
    text = written(path)
    assert "1 more settings are not on this page" in text
    assert "2 of 4 swept values are not on this page" in text


def test_tables_tell_means_and_their_intervals(tmp_path: Path) -> None:
    """A row per system and value; each at its best, with its ratio to the baseline; numbers of the summary."""
    path = write_run(tmp_path, SWEPT)
    summary = pd.read_csv(path / "summary.csv")
    summary["request_goodput"] = summary["request_throughput"] - summary["max_num_seqs"].fillna(0)
    summary.to_csv(path / "summary.csv", index=False)
    ((section,), _) = sections(read_run(path))
    full, best = full_table(section), best_table(section)
    assert best is not None
    assert len(full.rows) == 6
    assert [row[:2] for row in best.rows] == [("vllm†", "null"), ("s3†", "null")]
    assert (best.rows[0][4], best.headings[3:5]) == ("1", ("goodput (requests/s)", "goodput ÷ vllm's (95%)"))
    rows = section.rows[(section.rows["system"] == "s3") & section.rows["max_num_seqs"].isna()]
    cell = best.rows[1][best.headings.index("throughput (requests/s)")]
    assert cell.startswith(f"{rows['request_throughput'].mean():,.2f} ± ")
    assert all(len(row) == len(table.headings) for table in (full, best) for row in table.rows)


def test_a_page_that_cannot_be_written_is_the_machines_fault(run: Path, tmp_path: Path) -> None:
    """A folder in its place."""
    copytree(run, tmp_path / "run", dirs_exist_ok=True)
    (tmp_path / "run" / "report.html").unlink(missing_ok=True)
    (tmp_path / "run" / "report.html").mkdir()
    with pytest.raises(SystemFaultError, match="cannot be written"):
        write_page(tmp_path / "run")


def test_every_look_can_be_said_in_bokehs_words() -> None:
    """Each known system, and each spare look, has a marker, and a line that is solid or has dashes."""
    for look in looks([*KNOWN, *(f"other{index}" for index in range(6))]).values():
        assert marker(look)
        assert dashes(look) == [] or min(dashes(look)) >= 2
