"""The work of `gpu-validate all`: measure, fit, replay, compare, and write the page."""

import platform
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from gpu_validate.analysis import SCENARIOS, StudyResult, analyse
from gpu_validate.campaign import Runner
from gpu_validate.command_line import told_command
from gpu_validate.figures import draw_figures
from gpu_validate.page import Environment, write_page
from gpu_validate.plan import Plan
from gpu_validate.profile_file import write_rows
from gpu_validate.progress import Progress
from gpu_validate.stage import Stage
from gpu_validate.study import Campaign

__all__ = ["Folders", "environment_of", "slug", "validate"]


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


def environment_of(plan: Plan) -> Environment:
    """What the figures may depend on; no name of a machine or of a user."""
    machine = Stage(plan).device.about() if plan.device == "cuda" else {"name": _processor(), "threads": "1"}
    told = ", ".join(f"{key} {value}" for key, value in machine.items() if key != "name")
    return {
        "machine": f"{machine['name']} ({told})",
        "machine_name": machine["name"],
        "device": plan.device,
        "dtype": plan.dtype,
        "clock": plan.clock,
        "torch": version("torch"),
        "transformers": version("transformers"),
        "python": platform.python_version(),
        "platform": platform.system() + " " + platform.machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "command": " ".join(["gpu-validate", *told_command()[1:]]),
    }


def slug(name: str) -> str:
    """A device's name as a file's."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "gpu"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, flags=re.MULTILINE)
    return found.group(1).strip() if found else platform.machine()
