"""The page: docs/paper.md, its figures and docs/paper.json, from the run directories alone."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from s3sim.core.errors import InputError
from s3sim.experiment.rundir import disk_faults
from s3sim.paper.checks import checks
from s3sim.paper.choices import choices
from s3sim.paper.claims import GRADES, Claim
from s3sim.paper.cost import DOLLARS, cost
from s3sim.paper.memory import memory
from s3sim.paper.missing import missing
from s3sim.paper.mistakes import mistakes
from s3sim.paper.numbers import markdown
from s3sim.paper.runs import Runs
from s3sim.paper.section import Picture, Section
from s3sim.paper.static import static
from s3sim.paper.throughput import throughput
from s3sim.paper.today import today
from s3sim.paper.utilisation import latency, utilisation
from s3sim.report.figures.style import save

__all__ = ["sections", "write_page"]

FIGURES = Path("figures") / "paper"
COLUMNS = ("claim", "paper", "grade", "ours", "note")
DPI = 110  # small files; the text stays legible
INTRODUCTION = """# S³, claim by claim

Written by `s3sim paper` from run directories; [paper.json](paper.json) holds the claims of all tables. Nothing here was
measured on a GPU, and nothing was tuned to a figure of the paper.

**What is resampled.** Intervals in brackets are 95%, Student's t over 3 to 5 seeds: a seed draws the lengths anew from
quantile tables of the data named, the arrivals, and the predictor's errors. Ratios are paired, seed by seed, for all
systems serve the same requests. The headline ratio carries instead its range over **structure** (part 8: the engine,
the form of the latency model, the placement of reservations), and names that over 20 bootstrapped calibration sets
(`s3sim calibrate --bootstrap`), which other speed-ups carry. Walls and other counts have no interval.

**What is measured.** Everything offline is a burst, of which the saturated part is measured, from time 0 to the last
first admission ([why](explanation/measuring.md#bursts)); † marks a burst of too few batches, whose rates are low.
Poisson arrivals are measured over the middle eight tenths of the requests, unless a search or a map says otherwise.

**Grades** say how well it is known what the paper claims: """


def sections(runs: Runs, *, dollars: float = DOLLARS) -> list[Section]:
    """All parts of the page, in their order."""
    return [
        utilisation(runs),
        latency(runs),
        static(runs),
        throughput(runs),
        memory(runs),
        cost(runs, dollars=dollars),
        mistakes(runs),
        choices(runs),
        today(runs),
        checks(runs),
        missing(),
    ]


def write_page(runs: Runs, docs: Path, *, dollars: float = DOLLARS) -> Path:
    """Write paper.md, paper.json and figures/paper/ into a folder; returns the page.

    Raises InputError for lost runs.
    """
    if docs.exists() and not docs.is_dir():
        raise InputError(f"{docs}: is a file, not a folder; choose another --docs")
    found = sections(runs, dollars=dollars)
    with disk_faults(docs):
        (docs / FIGURES).mkdir(parents=True, exist_ok=True)
        for picture in (block for section in found for block in section.blocks if isinstance(block, Picture)):
            save(picture.figure, docs / FIGURES / f"{picture.name}.png", dpi=DPI)
        claims = [claim for section in found for claim in section.claims]
        text = json.dumps([claim.to_json() for claim in claims], indent=1, ensure_ascii=False, allow_nan=False)
        (docs / "paper.json").write_text(text + "\n", encoding="utf-8")
        page = docs / "paper.md"
        page.write_text("\n\n".join(_blocks(found, claims)) + "\n", encoding="utf-8")
    return page


def _blocks(found: Sequence[Section], claims: Sequence[Claim]) -> Iterator[str]:
    yield INTRODUCTION + "; ".join(f"**{grade}** {meaning}" for grade, meaning in GRADES.items()) + "."
    headlines = [claim for claim in claims if _in_short(claim)]
    yield "## In short"
    yield markdown(COLUMNS, [claim.cells for claim in headlines])
    for section in found:
        yield f"## {section.title}"
        for block in section.blocks:
            yield block if isinstance(block, str) else _image(block)
        if section.claims:
            yield "**Claims**"
            yield markdown(COLUMNS, [claim.cells for claim in section.claims])


def _in_short(claim: Claim) -> bool:
    """The paper's own numbers, and the recalled ones that a reader looks for first."""
    return claim.grade == "Q" or claim.paper in ("1.13×", "about 11") or "GPUs ÷" in claim.claim


def _image(picture: Picture) -> str:
    return f"![{picture.caption}]({FIGURES / f'{picture.name}.png'})\n\n*{picture.caption}*"
