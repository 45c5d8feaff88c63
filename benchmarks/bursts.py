"""How far a short burst's throughput is from a very long one's, measured whole and in its saturated part.

Prints the table of docs/explanation/measuring.md: output tokens per second ÷ those of the saturated part of a burst
of 32,000 requests, less 1, mean over seeds.
"""

import argparse
from collections.abc import Iterator
from statistics import fmean

from s3sim import Experiment, simulate

MODELS, SYSTEMS = ("gpt-j-6b", "gpt-neox-20b"), ("orca", "vllm", "s3")
BATCHES = (3, 5, 10, 20, 30, 100)  # mean batches that a burst holds
LONG = 32_000  # requests


def rates(model: str, system: str, requests: int, *, seed: int) -> tuple[float, float, float]:
    """Output tokens per second by the whole and by the saturated part, and the latter's mean batch."""
    experiment = Experiment(
        model=model,
        device="a100-80gb",
        workload={"kind": "preset", "name": "alpaca", "requests": requests},
        predictor={"kind": "confusion", "accuracy": 0.9861, "buckets": 10},
        systems=[system],
        measure={"burst": "saturated"},
        seeds=[seed],
    )
    result = simulate(experiment)
    summary, tokens = result.summary, int(result.requests["output_tokens"].sum())
    return tokens / summary["duration_s"], summary["output_throughput"], summary["mean_batch_size"]


def rows(seeds: range) -> Iterator[tuple[str, ...]]:
    """A row of the table for each model, system and part."""
    for model in MODELS:
        for system in SYSTEMS:
            _, long, batch = rates(model, system, LONG, seed=0)
            found = [[rates(model, system, round(count * batch), seed=seed) for seed in seeds] for count in BATCHES]
            for place, part in enumerate(("whole", "saturated")):
                cells = (f"{fmean(one[place] for one in runs) / long - 1:+.1%}" for runs in found)
                yield model, f"{system} ({batch:.0f})", part, *cells


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="bursts of each length")
    heading = ("model", "system (mean batch)", "measured", *map(str, BATCHES))
    print("|", " | ".join(heading), "|\n|" + "---|" * len(heading))
    for row in rows(range(1, 1 + parser.parse_args().seeds)):
        print("|", " | ".join(row), "|", flush=True)


if __name__ == "__main__":
    main()
