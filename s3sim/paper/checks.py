"""Checks that no fit has seen: walls, FasterTransformer's out-of-memory marks, MLPerf's limit."""

from dataclasses import replace

import pandas as pd

from s3sim.calibration.anchors import ANCHORS
from s3sim.calibration.check import check
from s3sim.hardware import MemoryPlan
from s3sim.hardware.presets import device, model
from s3sim.paper.claims import number
from s3sim.paper.numbers import markdown, ordered
from s3sim.paper.runs import Runs
from s3sim.paper.section import Section

__all__ = ["checks", "wall"]

WALLS = {  # model → batch at 512, 1024, 2048 on 80·10⁹ bytes less weights
    "gpt-j-6b": {512: 289, 1024: 144, 2048: 72},
    "llama-13b": {512: 128, 1024: 64, 2048: 32},
    "gpt-neox-20b": {512: 70, 1024: 35, 2048: 17},
}


def wall(name: str, length: int, *, memory_bytes: int, context_bytes: int, workspace_bytes: int) -> int:
    """Sequences of the maximum length that a memory plan holds."""
    plan = MemoryPlan(
        model=model(name),
        device=replace(device("a100-80gb-s3"), memory_bytes=memory_bytes),
        context_bytes=context_bytes,
        workspace_bytes=workspace_bytes,
    )
    return plan.kv_capacity_tokens // length


def checks(runs: Runs) -> Section:
    """What was never fitted to."""
    section = Section("10. Checks that no fit has seen")
    section.say(_walls(section, runs), _marks(section), _mlperf(section, runs))
    return section


def _walls(section: Section, runs: Runs) -> str:
    rows = runs.summary("walls")
    rows = rows.assign(batch=[_largest(runs, str(point)) for point in rows["point"]])
    table = []
    for name in ordered(rows, "model"):
        for length in sorted(rows["max_length"].unique()):
            own = rows[(rows["model"] == name) & (rows["max_length"] == length)].set_index("scenario")["batch"]
            bare = wall(name, length, memory_bytes=80 * 10**9, context_bytes=0, workspace_bytes=0)
            paper = WALLS[name][length]
            table.append((name, length, paper, bare, own["weights_only"], own["full_plan"]))
            section.claim(
                f"Wall of maximum-length reservation on 80·10⁹ bytes less weights: {name} at {length}",
                paper=str(paper),
                grade="D",
                ours=float(own["weights_only"]),
                note=f"Largest batch that ran; by arithmetic {bare}. With context and workspace: {own['full_plan']}.",
            )
    heading = ("model", "maximum length", "facts", "memory plan, weights only", "simulated, weights only")
    about = (
        "**Walls.** Weights only: 80·10⁹ bytes, `context_bytes` 0, `workspace_bytes` 0. Full plan: what the driver"
        " reports of an A100-80GB, less 0.4 GB context and 2.54 GB workspace."
    )
    return f"{about}\n\n{markdown((*heading, 'simulated, full plan'), table)}"


def _largest(runs: Runs, point: str) -> int:
    steps: pd.DataFrame = runs.table("walls", point, "steps")
    return int((steps["prefill_sequences"] + steps["decode_sequences"]).max())


def _marks(section: Section) -> str:
    found = [entry for entry in check([ANCHORS]).rows if entry.row.metric == "oom"]
    right = sum(entry.predicted == entry.row.value for entry in found)
    section.claim(
        "FasterTransformer's out-of-memory marks of GPT-20B on one A100 that are foretold",
        paper=None,
        grade="?",
        ours=float(right),
        note=f"Of {len(found)} that the package carries; docs/oom.md has all 3, and 173 batches that ran: none wrong.",
    )
    table = [
        (f"{r.batch} × ({r.input_len} + {r.output_len})", _said(r.value), _said(entry.predicted))
        for entry in found
        for r in [entry.row]
    ]
    return "**FasterTransformer's out-of-memory marks**, GPT-20B\n\n" + markdown(
        ("batch", "published", "foretold"), table
    )


def _said(value: float) -> str:
    return "out of memory" if value else "ran"


def _mlperf(section: Section, runs: Runs) -> str:
    found = runs.capacities("mlperf")
    value = {one["system"]: one["value"] for one in found}
    for name in ("orca", "s3"):
        section.claim(
            f"MLPerf's limit for GPT-J, p99 E2EL ≤ 20 s: highest rate, {name}, requests/s",
            paper=None,
            grade="?",
            ours=value[name],
            note="One A100-80GB, fp16, greedy; lengths recalled. Published (H100, fp8, four beams): 10.1 at a p99 of"
            " 8.0 s; four beams cost about four times the decoding, so the two do not compare.",
        )
    table = [(one["system"], number(one["value"]), number(one["not_met"])) for one in found]
    heading = ("system", "highest rate shown to keep it", "lowest rate shown not to")
    return "**MLPerf's limit, p99 ≤ 20 s, for GPT-J** (requests/s, 95% confidence)\n\n" + markdown(heading, table)
