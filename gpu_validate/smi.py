"""What nvidia-smi says of a device: driver, clocks, power and temperature."""

import shutil
import subprocess

__all__ = ["nvidia_smi"]

SMI = ("driver_version", "clocks.sm", "clocks.mem", "power.limit", "temperature.gpu")  # its fields
SMI_TIMEOUT_S = 10


def nvidia_smi() -> dict[str, str]:
    """What it says of the first device; nothing where it is absent, fails or hangs."""
    path = shutil.which("nvidia-smi")
    if path is None:
        return {}
    command = [path, f"--query-gpu={','.join(SMI)}", "--format=csv,noheader"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=SMI_TIMEOUT_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return {}
    return dict(zip(SMI, (cell.strip() for cell in said.partition("\n")[0].split(",")), strict=False))
