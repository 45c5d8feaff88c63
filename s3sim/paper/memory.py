"""Part 5: batch sizes, KV memory, and of what latency is made."""

from collections.abc import Mapping

import pandas as pd

from s3sim.core.events import Event
from s3sim.paper.numbers import markdown, mean, ordered, percent, text, where
from s3sim.paper.runs import Runs
from s3sim.paper.section import Section
from s3sim.report.intervals import mean_interval
from s3sim.report.paired import Compared
from s3sim.report.phases import phases

__all__ = ["memory"]

RECALLED = {  # average batch sizes at 2048, recalled with low confidence, possibly wrong
    ("gpt-j-6b", "orca"): "70",
    ("llama-13b", "orca"): "32",
    ("gpt-neox-20b", "orca"): "17",
    ("gpt-j-6b", "s3"): "530",
    ("llama-13b", "s3"): "273",
    ("gpt-j-6b", "oracle_bucket"): "564",
    ("llama-13b", "oracle_bucket"): "288",
    ("gpt-neox-20b", "oracle_bucket"): "150",
}
PS_PER_MS = 1e9
PARTS = ("predictor", "prefill", "decode", "swap", "compaction")
OVERHEAD = ("predictor", "swap", "compaction")


def memory(runs: Runs) -> Section:
    """Batches, KV reserved, used and wasted, and a breakdown of latency."""
    section = Section("5. Batch sizes, KV memory and the breakdown of latency")
    rows = runs.summary("throughput")
    longest = where(rows, max_length=rows["max_length"].max(), workload__name="alpaca")
    section.say(_memory(longest))
    for (model, system), paper in RECALLED.items():
        own = where(longest, model=model, system=system)
        if len(own):
            section.claim(
                f"Average batch size at 2048: {system}, {model}",
                paper=paper,
                grade="M",
                ours=mean(own, "mean_batch_size"),
                note="Time-weighted over the burst's saturated part; Alpaca answers. Paper's: low confidence.",
            )
    section.say(_breakdown(section, runs))
    return section


def _memory(rows: pd.DataFrame) -> str:
    shares = ("kv_reserved_fraction", "kv_used_fraction", "kv_waste_fraction", "external_fragmentation")
    table = []
    for model in ordered(rows, "model"):
        for system, group in where(rows, model=model).groupby("system", sort=False):
            batch = text(mean(group, "mean_batch_size"))
            table.append((model, system, batch, *(percent(mean(group, share)) for share in shares)))
    heading = ("model", "system", "mean batch", "KV reserved %", "KV used %", "wasted % of the reserved")
    return markdown((*heading, "external fragmentation %"), table)


def _breakdown(section: Section, runs: Runs) -> str:
    rows = runs.summary("breakdown")
    rows = rows.reset_index(drop=True)
    parts = pd.DataFrame([_parts(runs, point) for point in rows["point"]])
    rows, keys = pd.concat([rows, parts], axis=1), ["model", "max_length", "predictor.accuracy"]
    table = []
    for names, group in rows.groupby([*keys, "system"], sort=False):
        cells = [text(_share(group, (part,))) for part in PARTS]
        table.append((*names, *cells, text(_share(group, OVERHEAD))))
    shares = {names: _share(group, OVERHEAD) for names, group in where(rows, system="s3").groupby(keys)}
    means = [one.mean for one in shares.values()]
    section.claim(
        "Penalty and overhead: predictor, swaps and compaction, share of latency in %",
        paper="about 11",
        grade="M",
        ours=sum(means) / len(means),
        low=min(means),
        high=max(means),
        note=f"Of latency without the queue; over {len(means)} settings, range"
        " theirs. Decisions of scheduler and supervisor cost no simulated time.",
    )
    heading = ("model", "maximum length", "accuracy", "system", *(f"{part} %" for part in PARTS), "overhead %")
    about = (
        "**Latency of a request without its queue, by what it is spent on.** Predictor: 3.7 ms a prompt (recalled),"
        " before the queue. Generation: prefill and decode. Penalty: swap, from a preemption until the KV is back."
        " Supervisor: compaction, the steps' time to move KV. The scheduler decides in no simulated time."
        " Of all requests of a burst."
    )
    return f"{about}\n\n{markdown(heading, table)}"


def _share(rows: pd.DataFrame, parts: tuple[str, ...]) -> Compared:
    """Percent of the latency without its queue."""
    total = rows[list(PARTS)].sum(axis=1)
    values = (100 * rows[list(parts)].sum(axis=1) / total).tolist()
    middle, half = mean_interval(values)
    return Compared(middle, middle - (half or 0), middle + (half or 0))


def _parts(runs: Runs, point: str) -> Mapping[str, float]:
    """Mean milliseconds of a request in each part."""
    events, steps = (runs.table("breakdown", point, name) for name in ("events", "steps"))
    about = runs.about("breakdown", point)
    finished = events.loc[events["event"] == Event.FINISHED, "id"]
    lived = phases(events, finished)
    spent = (
        (lived["end_ps"] - lived["begin_ps"]).groupby(lived["phase"], observed=False).sum() / PS_PER_MS / len(finished)
    )
    moved = _compaction_ms(steps, about)
    return {
        "predictor": 1e3 * about["predictor"]["seconds"],
        "prefill": float(spent["prefill"]),
        "decode": max(0.0, float(spent["decode"]) - moved),
        "swap": float(spent["swapped"]),
        "compaction": moved,
    }


def _compaction_ms(steps: pd.DataFrame, about: dict[str, object]) -> float:
    """Mean milliseconds that a decoding request waited for KV to be moved on the device: bytes read and written."""
    engine, device, facts = (about[name] for name in ("engine", "device", "facts"))
    rate = device["memory_bandwidth"] * engine["weight_bandwidth_fraction"]  # type: ignore[index]
    seconds = 2 * steps["relocated_tokens"] * facts["kv_bytes_per_token"] / rate  # type: ignore[index]
    waiting = (seconds * steps["decode_sequences"]).sum()
    requests = steps["prefill_sequences"].sum()
    return float(1e3 * waiting / max(1, requests))
