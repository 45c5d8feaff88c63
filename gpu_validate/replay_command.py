"""`gpu-validate replay`: an experiment on a device, into a run directory."""

import argparse
import sys
from pathlib import Path

from gpu_validate.endpoint import options
from gpu_validate.packages import demand_torch
from gpu_validate.plan import FORMATS, SOURCES, Plan
from gpu_validate.points import read_experiment
from gpu_validate.shapes import OWN_SIZE, SIZES

__all__ = ["add"]

ABOUT = "Replay every point of an experiment on a device, with the simulator's replica, policies and event log."


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command's parser."""
    parser = commands.add_parser("replay", help=ABOUT, description=ABOUT)
    parser.set_defaults(run=_run)
    put = parser.add_argument
    put("experiment", type=Path, help="the experiment YAML, or the JSON that `s3sim resolve --json` wrote")
    put("--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of the YAML")
    put("--out", type=Path, help="the run directory [default: results/<name>-replay]")
    put("--resume", action="store_true", help="keep the points that are finished already")
    put("--overwrite", action="store_true", help="replace the results that are there")
    put("--device", choices=("cpu", "cuda"), default="cpu")
    put("--model-size", choices=(OWN_SIZE, *SIZES), help="[default: tiny on the CPU, own on CUDA]")
    put("--weights", metavar="PATH|NAME", help="safetensors in a folder or on the hub [default: random weights]")
    put("--dtype", choices=FORMATS, help="[default: fp32 on the CPU, bf16 on CUDA]")
    put("--mode", choices=("packed", "padded"), default="packed", help="of steps; static batches are always padded")
    put("--clock", choices=SOURCES, default="device", help="which measured time the replay's clock goes by")
    put("--seed", type=int, default=0, help="of random weights and of the prompts' tokens")
    put("--threads", type=int, default=1, help="of the CPU; more than one needs --clock wall")
    put("--timeout", type=float, metavar="SECONDS", help="most time for one point")
    put("--strict", action="store_true", help="poison unwritten slots with NaN, and count those that are written")
    options.add(parser)


def _run(given: argparse.Namespace) -> None:
    options.demand_fitting(given)
    if given.url is not None:
        options.run(given, _say)
        return
    demand_torch("replay", f"; or give --url, which drives a server and needs {options.PACKAGE} alone")
    from gpu_validate.run import replay_experiment  # noqa: PLC0415  needs torch

    cuda = given.device == "cuda"
    plan = Plan(
        device=given.device,
        model_size=given.model_size or (OWN_SIZE if cuda else "tiny"),
        weights=given.weights,
        dtype=given.dtype or ("bf16" if cuda else "fp32"),
        mode=given.mode,
        clock=given.clock,
        seed=given.seed,
        threads=given.threads,
        strict=given.strict,
        timeout_s=given.timeout,
    )
    experiment = read_experiment(given.experiment, given.set)
    out = given.out or Path("results") / f"{experiment.name}-replay"
    replay_experiment(experiment, plan, out, resume=given.resume, overwrite=given.overwrite, say=_say)
    _say(f"results: {out}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201
