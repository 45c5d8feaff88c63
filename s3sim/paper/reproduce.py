"""All of the paper at once: its studies run, its page written."""

from pathlib import Path

from s3sim.paper.cost import DOLLARS
from s3sim.paper.page import write_page
from s3sim.paper.runs import Hear, run_studies
from s3sim.paper.studies import STUDIES, yaml_of

__all__ = ["reproduce_paper"]


def reproduce_paper(
    folder: str | Path = "experiments/paper",
    *,
    out: str | Path = "results/paper",
    docs: str | Path | None = None,
    workers: int = 1,
    dollars: float = DOLLARS,
    resume: bool = False,
    overwrite: bool = False,
    quick: bool = False,
    hear: Hear = lambda study, left, done: None,
) -> Path:
    """Run every study of the S³ paper into `out`, and write a page with its claims beside what is found.

    The page, which is returned, goes into `docs`, or with `quick`, which is to see that all works, into `out`.
    `hear` is told of each finished point. Raises as `s3sim.run` does.
    """
    for study in STUDIES:
        yaml_of(study, Path(folder))
    runs = run_studies(
        Path(folder), Path(out), workers=workers, resume=resume, overwrite=overwrite, quick=quick, hear=hear
    )
    return write_page(runs, Path(docs or (out if quick else "docs")), dollars=dollars)
