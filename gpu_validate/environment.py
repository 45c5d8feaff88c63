"""What measured figures may depend on: the machine, the versions, and the command."""

import platform
import re
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from gpu_validate.command_line import told_command
from gpu_validate.page import Environment
from gpu_validate.plan import Plan
from gpu_validate.stage import Stage

__all__ = ["environment_of", "slug"]


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
