"""How long a start takes: `import s3sim` and `s3sim --help`, beside an interpreter that does nothing.

    python benchmarks/startup.py [--runs 15]

Each is run in a process of its own, one after another in turns, so that a busy moment of the machine falls on all.
Prints median, least and most of the wall time, and what each adds to the bare interpreter's median. That
neither imports anything heavy is a test (tests/repo/test_imports.py); `python -X importtime` says what it imports.
"""

import argparse
import subprocess
import sys
from statistics import median
from time import perf_counter

STARTS = {
    "python": ["-c", ""],
    "import s3sim": ["-c", "import s3sim"],
    "s3sim --help": ["-m", "s3sim", "--help"],
    "import s3sim.api": ["-c", "import s3sim.api"],
}


def seconds(arguments: list[str]) -> float:
    """The wall time of one process."""
    begin = perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - begin


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time the starts of s3sim.")
    parser.add_argument("--runs", type=int, default=15, help="of each; the first of each is left out")
    runs = parser.parse_args().runs
    times: dict[str, list[float]] = {name: [] for name in STARTS}
    for turn in range(runs + 1):
        for name, arguments in STARTS.items():
            took = seconds(arguments)
            if turn:  # the first reads files into the page cache
                times[name].append(took)
    bare = median(times["python"])
    print(f"{'':18} {'median':>8} {'least':>8} {'most':>8} {'adds':>8}   seconds, {runs} runs")
    for name, found in times.items():
        middle = median(found)
        print(f"{name:18} {middle:8.3f} {min(found):8.3f} {max(found):8.3f} {middle - bare:8.3f}")


if __name__ == "__main__":
    main()
