"""The work of `gpu-validate all`: measure, fit, replay, compare, and write the page."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gpu_validate.analysis import SCENARIOS, StudyResult, analyse
from gpu_validate.campaign import Runner
from gpu_validate.environment import environment_of, slug
from gpu_validate.figures import draw_figures
from gpu_validate.page import write_page
from gpu_validate.plan import Plan
from gpu_validate.profile_file import write_rows
from gpu_validate.progress import Progress
from gpu_validate.study import Campaign

__all__ = ["Folders", "validate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Where run directories, the page and the fitted profiles go."""

    runs: Path
    page: Path
    profiles: Path


def validate(campaign: Campaign, plan: Plan, folders: Folders, *, resume: bool, say: Callable[[str], None]) -> None:
    """Run a campaign, and write its page and profiles; raises what a replay does."""
    Runner(campaign, plan, folders.runs, resume=resume, say=say, progress=Progress()).run()
    environment = environment_of(plan)
    results = [analyse(study, folders.runs / study.name) for study in campaign.studies]
    name = "cpu" if plan.device == "cpu" else slug(environment["machine_name"])
    figures = draw_figures(folders.page / "figures", name, results)
    for path in write_page(folders.page, name, results, environment, figures):
        say(f"wrote {path}")
    for result in results:
        _write_profiles(folders.profiles, name, result)


def _write_profiles(folder: Path, name: str, result: StudyResult) -> None:
    for layout, found in result.calibrations[SCENARIOS[0]].layouts.items():
        write_rows(folder / f"{name}-{result.study.name}-{layout}.csv", found.rows)
