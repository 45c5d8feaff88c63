"""`gpu-validate all`: measure, fit, replay, compare, and write the page."""

import argparse
from dataclasses import replace
from pathlib import Path

from gpu_validate.packages import demand_torch
from gpu_validate.plan import Plan
from gpu_validate.progress import say
from gpu_validate.study import CUDA, FULL, MODEL_NAMES, QUICK, Campaign, only
from s3sim.core.errors import InputError

__all__ = ["add"]

ABOUT = "Measure a profile, replay the studies, hold the simulation against them, and write a page of every figure."
TIMEOUT_S = 1800.0  # of one point


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command's parser."""
    parser = commands.add_parser("all", help=ABOUT, description=ABOUT)
    parser.set_defaults(run=_run)
    put = parser.add_argument
    put("--device", choices=("cpu", "cuda"), default="cpu")
    put(
        "--quick",
        action="store_true",
        help="short studies alone: under 15 minutes on two cores; the page stays in --out",
    )
    put("--models", nargs="+", default=list(MODEL_NAMES), metavar="NAME", help=f"of {', '.join(MODEL_NAMES)}")
    put("--requests", type=int, help="in each scenario, instead of the campaign's own number")
    put("--repeats", type=int, help="of each scenario; fewer than 3 make nothing measurable")
    put("--out", type=Path, help="run directories [default: results/validation-<device>]")
    put("--page", type=Path, help="folder of the page [default: docs/validation; with --quick: --out]")
    put("--profiles", type=Path, help="folder of fitted profiles [default: experiments/profiles; with --quick: --out]")
    put("--resume", action="store_true", help="keep what is finished already")
    put("--timeout", type=float, default=TIMEOUT_S, metavar="SECONDS", help="most time for one point")


def _run(given: argparse.Namespace) -> None:
    demand_torch("all")
    from gpu_validate.validation import Folders, validate  # noqa: PLC0415  needs torch

    campaign = _campaign(given)
    cuda = given.device == "cuda"
    plan = Plan(
        device=given.device,
        dtype="bf16" if cuda else "fp32",
        clock="device" if cuda else "canary",
        timeout_s=given.timeout,
    )
    out = given.out or Path("results") / f"validation-{given.device}"
    folders = Folders(
        runs=out,
        page=given.page or (out if given.quick else Path("docs") / "validation"),
        profiles=given.profiles or (out if given.quick else Path("experiments") / "profiles"),
    )
    validate(campaign, plan, folders, resume=given.resume, say=say)


def _campaign(given: argparse.Namespace) -> Campaign:
    campaign = only(CUDA if given.device == "cuda" else QUICK if given.quick else FULL, tuple(given.models))
    for name in ("requests", "repeats"):
        if getattr(given, name) is not None and getattr(given, name) < 1:
            raise InputError(f"--{name} {getattr(given, name)}: give at least 1")
    if given.requests:
        poisson = given.requests if campaign.poisson_requests else 0
        campaign = replace(
            campaign, requests=given.requests, calibration_requests=given.requests, poisson_requests=poisson
        )
    return replace(campaign, repeats=given.repeats) if given.repeats else campaign
