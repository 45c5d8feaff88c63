"""`gpu-validate steps`: decode steps and prefills, foretold and then measured, in minutes, on a machine with little."""

import argparse
from pathlib import Path

from gpu_validate.packages import demand_torch
from gpu_validate.plan import FORMATS
from gpu_validate.shapes import OWN_SIZE, SIZES
from gpu_validate.steps.cases import FULL, QUICK

__all__ = ["add"]

ABOUT = (
    "Measure decode steps, prefills, copies and free memory of GPT-NeoX-20B and GPT-J-6B with random weights, beside"
    " what the roofline foretells; needs torch and transformers alone, and keeps what it has when it is stopped."
)
MODELS = ("gpt-neox-20b", "gpt-j-6b")  # the more important first
BUDGET_S = 420.0  # with imports and the last case under eight minutes


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command's parser."""
    parser = commands.add_parser("steps", help=ABOUT, description=ABOUT)
    parser.set_defaults(run=_run)
    put = parser.add_argument
    put("--device", choices=("cpu", "cuda"), default="cpu")
    put("--models", nargs="+", choices=MODELS, default=list(MODELS), metavar="NAME", help=f"of {', '.join(MODELS)}")
    put("--model-size", choices=(OWN_SIZE, *SIZES), help="[default: tiny on the CPU, own on CUDA]")
    put("--dtype", choices=FORMATS, help="[default: fp32 on the CPU, fp16 on CUDA]")
    put("--quick", action="store_true", help="fewer sizes and repeats: a trial of the command itself, in seconds")
    put("--repeats", type=int, help=f"of each case [default: {FULL.repeats}; with --quick: {QUICK.repeats}]")
    put("--budget-s", type=float, default=BUDGET_S, metavar="SECONDS", help="nothing begins after these")
    put("--preset", metavar="NAME", help="the device preset to foretell for [default: by the device's name]")
    put("--out", type=Path, help="folder of page, JSON and profiles [default: results/steps-<device>]")


def _run(given: argparse.Namespace) -> None:
    demand_torch("steps")
    from gpu_validate.steps.work import measure_steps  # noqa: PLC0415  needs torch

    measure_steps(given)
