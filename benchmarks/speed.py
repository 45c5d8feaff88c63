"""How fast the simulator is: requests per CPU-second, bytes per request, and what stretches are worth.

    python benchmarks/speed.py [--json] [--requests N] [--repeats N] [--million]

128-token prompts, geometric outputs of 128 on average, about 100 running. `requests_per_cpu_second` covers
one point in this process, from drawing the trace to its event log; `reported` its request table and summary too.
Two loads: burst (everything at time 0), and Poisson at 0.9 of the burst's throughput. `command` is the
whole `s3sim run` as a process of its own, start-up and files included. `stretch_speedup` is CPU time with
every stretch cut to single steps over CPU time without. Bare SimPy timeouts are timed between the
repeats, so that figures of different days can be compared by their ratio.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import simpy

from s3sim.api import simulate
from s3sim.experiment.resolved import Point
from s3sim.experiment.schema import load_experiment
from s3sim.sim.simulate import simulate_point

SYSTEMS = ("orca", "vllm", "s3")
# Slots such that about 100 sequences run: orca reserves 512 each, the others about 210 to 260.
SLOTS = {"orca": 51_200, "vllm": 22_000, "s3": 26_000}
LARGE = 200_000  # requests of the runs that weigh the whole command and its memory: start-up is not what counts
UTILISATION = 0.9  # of the burst's throughput, for the Poisson load


def experiment(system: str, requests: int, arrivals: dict[str, Any]) -> dict[str, Any]:
    """The YAML of one benchmark point."""
    return {
        "version": 1,
        "name": "speed",
        "model": "gpt-j-6b",
        "device": "a100-80gb",
        "memory": {"kv_capacity_tokens": SLOTS[system]},
        "max_length": 512,
        "workload": {
            "kind": "lengths",
            "prompt": {"kind": "constant", "value": 128},
            "output": {"kind": "geometric", "mean": 128.0},
            "requests": requests,
            "over_length": "truncate",
        },
        "arrivals": arrivals,
        "predictor": {"kind": "confusion", "accuracy": 0.9},
        "systems": [system],
        "log": "requests",
    }


def point(system: str, requests: int, arrivals: dict[str, Any]) -> Point:
    """The one point of the benchmark's experiment."""
    return load_experiment(experiment(system, requests, arrivals)).points[0]


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU time of this process while it works."""
    start = time.process_time()
    work()
    return time.process_time() - start


def timeouts_per_cpu_second(count: int = 200_000) -> float:
    """Bare SimPy: one process that waits again and again."""
    env = simpy.Environment()

    def wait() -> Any:
        for _ in range(count):
            yield env.timeout(1)

    env.process(wait())
    return count / cpu_seconds(env.run)


def spread(name: str, values: list[float]) -> dict[str, Any]:
    """Median of repeated measurements under a name, and least and most beside it."""
    return {name: statistics.median(values), f"{name}_range": [min(values), max(values)]}


def measure(system: str, load: str, requests: int, repeats: int) -> dict[str, Any]:
    """All figures of one system under one load."""
    burst = simulate(point(system, requests, {"kind": "offline"})).summary
    rate = UTILISATION * burst["request_throughput"]
    arrivals = {"kind": "offline"} if load == "burst" else {"kind": "poisson", "rate": rate}
    subject = point(system, requests, arrivals)
    speeds, reported, ratios, timeouts = [], [], [], []
    for _ in range(repeats):
        timeouts.append(timeouts_per_cpu_second())
        reported.append(requests / cpu_seconds(lambda: simulate(subject)))
        single = cpu_seconds(lambda: simulate_point(subject, single_steps=True))
        stretched = cpu_seconds(lambda: simulate_point(subject))
        speeds.append(requests / stretched)
        ratios.append(single / stretched)
    summary = simulate(subject).summary
    return {
        "system": system,
        "load": load,
        "requests": requests,
        **spread("requests_per_cpu_second", speeds),
        **spread("reported_requests_per_cpu_second", reported),
        "command_requests_per_cpu_second": command(system, LARGE, arrivals),
        "bytes_per_request": bytes_per_request(system, LARGE, arrivals),
        **spread("stretch_speedup", ratios),
        **spread("simpy_timeouts_per_cpu_second", timeouts),
        "mean_batch_size": summary["mean_batch_size"],
        "preemptions": summary["preemptions"],
    }


def command(system: str, requests: int, arrivals: dict[str, Any]) -> float:
    """Requests per CPU-second of the whole command, imports, files and figures included."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "speed.yaml")
        path.write_text(json.dumps(experiment(system, requests, arrivals)), encoding="utf-8")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        call = [sys.executable, "-m", "s3sim", "run", str(path), "--out", str(Path(folder, "out")), "--workers", "1"]
        subprocess.run(call, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return requests / (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


PEAK = """
import json, resource, sys
sys.path.insert(0, {here!r})
from speed import point
from s3sim.api import simulate
simulate(point({system!r}, 100, {arrivals!r}))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
result = simulate(point({system!r}, {requests}, {arrivals!r}))
print(json.dumps([before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, result.summary["completed"]]))
"""


def bytes_per_request(system: str, requests: int, arrivals: dict[str, Any]) -> float:
    """Growth of a fresh process's peak memory over one point, per request."""
    here = str(Path(__file__).parent)
    script = PEAK.format(here=here, system=system, arrivals=arrivals, requests=requests)
    out = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    before, after, _ = json.loads(out)
    return (after - before) * 1024 / requests  # ru_maxrss is in KiB on Linux


def million() -> dict[str, Any]:
    """1,000,000 requests in one run of orca, in a fresh process's time and memory."""
    start = time.perf_counter()
    per_request = bytes_per_request("orca", 1_000_000, {"kind": "offline"})
    return {"requests": 1_000_000, "wall_s": time.perf_counter() - start, "bytes_per_request": per_request}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--million", action="store_true", help="also 1,000,000 requests in one run")
    given = parser.parse_args()
    rows = [measure(s, load, given.requests, given.repeats) for s in SYSTEMS for load in ("burst", "poisson")]
    result = {"processors": os.cpu_count(), "results": rows}
    if given.million:
        result["million"] = million()
    if given.json:
        print(json.dumps(result, indent=1))
        return
    for row in rows:
        least, most = row["requests_per_cpu_second_range"]
        print(
            f"{row['system']:5} {row['load']:8} {row['requests_per_cpu_second']:9,.0f} requests/CPU-s"
            f" ({least:,.0f}–{most:,.0f}), reported {row['reported_requests_per_cpu_second']:,.0f},"
            f" command {row['command_requests_per_cpu_second']:,.0f},"
            f" {row['bytes_per_request']:.0f} bytes/request, stretches {row['stretch_speedup']:.2f}x,"
            f" batch {row['mean_batch_size']:.0f},"
            f" SimPy {row['simpy_timeouts_per_cpu_second']:,.0f} timeouts/CPU-s"
        )
    if given.million:
        print(f"1,000,000 requests: {result['million']}")


if __name__ == "__main__":
    main()
