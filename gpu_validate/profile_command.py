"""`gpu-validate profile`: a table of measured steps, and what the link and the memory of the device are."""

import argparse
from pathlib import Path

from gpu_validate.grid import Grid
from gpu_validate.packages import demand_torch
from gpu_validate.plan import FORMATS, Plan
from gpu_validate.progress import Progress, say
from gpu_validate.shapes import OWN_SIZE, SIZES
from s3sim.core.errors import InputError
from s3sim.hardware import presets

__all__ = ["add"]

ABOUT = "Measure decode, prefill, copies, swaps and allocation over a grid, as a table for s3sim's `latency: profile`."


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command's parser."""
    grid = Grid()
    parser = commands.add_parser("profile", help=ABOUT, description=ABOUT)
    parser.set_defaults(run=_run)
    put = parser.add_argument
    put("--model", default="gpt-j-6b", help="a model preset of GPT-J's or GPT-NeoX's architecture")
    put("--model-size", choices=(OWN_SIZE, *SIZES), help="[default: tiny on the CPU, own on CUDA]")
    put("--weights", metavar="PATH|NAME", help="safetensors in a folder or on the hub [default: random weights]")
    put("--dtype", choices=FORMATS, help="[default: fp32 on the CPU, bf16 on CUDA]")
    put("--device", choices=("cpu", "cuda"), default="cpu")
    put("--mode", choices=("packed", "padded"), default="packed")
    put("--blocks", action="store_true", help="keep KV in blocks of 16 slots, as paged systems do")
    put("--rows", nargs="+", type=int, default=list(grid.rows), help="batch sizes of decode steps")
    put("--contexts", nargs="+", type=int, default=list(grid.contexts), help="cached tokens of each row")
    put("--prompts", nargs="+", type=int, default=list(grid.prompts), help="tokens of each prompt")
    put("--repeats", type=int, default=grid.repeats)
    put("--seed", type=int, default=0, help="of random weights")
    put("--out", type=Path, default=Path("results") / "profile", help="folder of profile.csv, samples.csv, device.json")


def _run(given: argparse.Namespace) -> None:
    demand_torch("profile")
    from gpu_validate.bench import Bench  # noqa: PLC0415  needs torch, as do these
    from gpu_validate.profiling import measure_grid, write_profile  # noqa: PLC0415
    from gpu_validate.stage import Stage  # noqa: PLC0415

    cuda = given.device == "cuda"
    plan = Plan(
        device=given.device,
        model_size=given.model_size or (OWN_SIZE if cuda else "tiny"),
        weights=given.weights,
        dtype=given.dtype or ("bf16" if cuda else "fp32"),
        mode=given.mode,
        clock="device" if cuda else "canary",
        seed=given.seed,
    )
    grid, stage = _grid(given), Stage(plan)
    model = stage.model_of(presets.model(given.model))
    longest = max(*given.contexts, *given.prompts) + 1
    if longest > model.positions:
        raise InputError(
            f"--contexts, --prompts: {longest} tokens; model {model.name!r} has {model.positions} positions"
        )
    bench = Bench(model, grid, mode=given.mode, blocks=given.blocks, canary=stage.canary)
    measured = measure_grid(bench, grid, Progress())
    about = {"model": model.name, "weights": model.weights, "blocks": given.blocks, **plan.to_json()}
    write_profile(given.out, measured, model, about)
    say(f"repeats of a step differ by up to {measured.worst_spread:.0%}; wrote {given.out}/profile.csv")


def _grid(given: argparse.Namespace) -> Grid:
    for name, least in (("rows", 2), ("contexts", 2), ("prompts", 2)):
        values = getattr(given, name)
        if min(values) < 1 or len(set(values)) < least:
            raise InputError(
                f"--{name} {' '.join(map(str, values))}: give at least {least} different numbers from 1 up"
            )
    if given.repeats < 1:
        raise InputError(f"--repeats {given.repeats}: give at least 1")
    rows, contexts, prompts = (tuple(sorted(set(getattr(given, name)))) for name in ("rows", "contexts", "prompts"))
    return Grid(rows=rows, contexts=contexts, prompts=prompts, copies=contexts, repeats=given.repeats)
