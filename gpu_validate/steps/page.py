"""The page of `gpu-validate steps`: what was foretold, what was measured, and what was not."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gpu_validate.steps.cases import BATCHES, MIXED, OWN_READS, Span
from gpu_validate.steps.forecast import NEEDED_RATIO, PAPER_GAIN, Ratio
from gpu_validate.steps.record import Finding, Record

__all__ = ["page_text"]

MS_PER_S = 1e3
GB = 1e9
SMALL, LARGE = BATCHES
PAPER_MODEL = "gpt-neox-20b"
HOW = """Weights are random. A decode step computes all layers, the output head and a greedy choice of tokens. Attention
is one scaled_dot_product_attention a layer over all rows: rows of differing contexts lie in a KV cache that is padded
to the widest and masked, which a graph can hold. Engines like FasterTransformer read each row's own KV alone: rows of
context 80, the mean of 60 to 100, in a cache without padding read as much as they do. Decode times are of one step out
of {steps} in a row, all others of a single one, by {clock}. Least, median and most are of the repeats. Foretold is this
project's roofline with the constants of FasterTransformer, for the slots that are really read."""
CLOCKS = {
    "cuda": "device events around replays of a CUDA graph (`graph`), or around launches by the host (`eager`)",
    "cpu": "this thread's processor time, with one thread; there are no CUDA graphs, so that every launch is `eager`",
}


def page_text(record: Record, profiles: Mapping[Path, str]) -> str:
    """The page in Markdown; `profiles` says of each table what it lacks, if anything."""
    environment = record.environment
    parts = [
        "# Decode steps and prefills, foretold and measured",
        f"Written by `{environment['command']}`. {environment['machine']}; torch {environment['torch']},"
        f" transformers {environment['transformers']}, Python {environment['python']}; {record.settings['dtype']};"
        f" {environment['date']}.",
        _state(record),
        *_foretold(record),
        *_ratios(record),
        *_tables(record),
        *_missing(record),
        *_profiles(profiles),
        "## How it was measured",
        HOW.format(steps=record.settings["steps"], clock=CLOCKS[str(environment["device"])]),
    ]
    return "\n\n".join(parts) + "\n"


def _state(record: Record) -> str:
    done = sum(bool(finding.seconds) for finding in record.findings)
    told = f"**{record.state.capitalize()}** after {record.spent_s:.0f} of {record.settings['budget_s']:g} s:"
    return f"{told} {done} of {len(record.findings)} cases measured." if done else f"{told} **nothing was measured.**"


def _foretold(record: Record) -> Iterator[str]:
    yield "## What was foretold, before anything was measured"
    yield (
        f"The decode step of {LARGE} rows over that of {SMALL}, contexts 60 to 100. S³'s {PAPER_GAIN}× on GPT-NeoX"
        f" needs at most {NEEDED_RATIO:.2f}: {LARGE} ÷ {SMALL} ÷ {PAPER_GAIN}. `own`: attention reads each row's own"
        " KV; `padded`: all rows as far as the widest, as a masked batch does. `ideal`: nominal peaks, no overheads."
    )
    columns = ("device", "model", "engine", "reads", f"{SMALL} rows, ms", f"{LARGE} rows, ms", "ratio")
    yield _table(columns, [_ratio_row(ratio) for ratio in record.ratios])
    if record.preset is None:
        yield (
            "Nothing is foretold for this device: its name is no preset's. `--preset` names one; what stands above is"
            " of an A100."
        )


def _ratio_row(ratio: Ratio) -> tuple[str, ...]:
    times = (_ms(ratio.small_s), _ms(ratio.large_s), f"{ratio.ratio:.2f}")
    return (ratio.device, ratio.model, ratio.engine, ratio.reads, *times)


def _ratios(record: Record) -> Iterator[str]:
    yield "## The ratio"
    rows = [row for row in _measured_ratios(record) if row]
    columns = ("model", "launch", "contexts", "measured", "least", "most", "foretold for this device")
    if rows:
        yield _table(columns, rows)
    else:
        yield "**Not measured.**"
    yield _meaning(record)


def _measured_ratios(record: Record) -> Iterator[tuple[str, ...] | None]:
    for model in _models(record):
        for launch in ("graph", "eager"):
            for span in (OWN_READS, MIXED):
                yield _measured_ratio(record, model, launch, span)


def _measured_ratio(record: Record, model: str, launch: str, span: Span) -> tuple[str, ...] | None:
    wanted = {"model": model, "launch": launch, "span": span, "kind": "decode"}
    pair = [next(record.found(rows=rows, **wanted), None) for rows in BATCHES]
    small, large = pair
    if small is None or large is None:
        return None
    least, most = min(large.seconds) / max(small.seconds), max(large.seconds) / min(small.seconds)
    foretold = "–"
    if small.foretold_s and large.foretold_s:
        foretold = f"{large.foretold_s / small.foretold_s:.2f}"
    contexts = "80 each, no padding" if span == OWN_READS else "60-100, padded"
    found = (large.median / small.median, least, most)
    return (model, launch, contexts, *(f"{value:.2f}" for value in found), foretold)


def _meaning(record: Record) -> str:
    preset = record.preset or ""
    settings = record.settings
    whole = settings["size"] == "own" and settings["dtype"] != "fp32" and record.environment["device"] == "cuda"
    if not (whole and preset.startswith("a100")):
        reason = "this device is not an A100" if whole else "these are not the whole models in 16 bits on a GPU"
        return (
            f"**This page tests the model, not the paper's number**: {reason}. What it can show is how well the"
            " roofline foretells this device, where it foretells anything."
        )
    wanted = {"model": PAPER_MODEL, "launch": "graph", "span": OWN_READS}
    pair = [next(record.found(rows=rows, **wanted), None) for rows in BATCHES]
    small, large = pair
    if small is None or large is None:
        return f"Whether S³'s {PAPER_GAIN}× is possible stays open: GPT-NeoX's two steps were not both measured."
    ratio = large.median / small.median
    verdict = "is possible by this step" if ratio <= NEEDED_RATIO else "is not reached with this step"
    return (
        f"GPT-NeoX under graphs, without padding: {ratio:.2f}, where S³'s {PAPER_GAIN}× needs at most"
        f" {NEEDED_RATIO:.2f}. The paper's number {verdict}, as far as plain torch's step is that of the paper's"
        " engine."
    )


def _tables(record: Record) -> Iterator[str]:
    columns = ("case", "median ms", "least", "most", "n", "foretold ms", "foretold ÷ measured - 1", "")
    for model in _models(record):
        yield f"## {model}"
        if (found := record.memory.get(model)) is not None:
            yield (
                f"{found.weight_bytes / GB:.2f} GB of weights leave {found.free_bytes / GB:.2f} of"
                f" {found.total_bytes / GB:.2f} GB free: {found.kv_slots:,} KV slots of {found.kv_bytes_per_token:,}"
                " bytes, nothing kept back for activations."
            )
        rows = [_row(finding) for finding in record.found(model=model)]
        yield _table(columns, rows) if rows else "Nothing was measured."
    if link := list(record.found(model="")):
        yield "## The link to the host"
        rows = [(*_row(entry)[:6], f"{entry.case.size / entry.median / GB:.2f}") for entry in link]
        yield _table((*columns[:6], "GB/s"), rows)


def _row(finding: Finding) -> tuple[str, ...]:
    times, foretold = finding.seconds, finding.foretold_s
    error = f"{foretold / finding.median - 1:+.1%}" if foretold else "–"
    name = finding.case.told.removeprefix(f"{finding.case.model} ")
    values = (
        _ms(finding.median),
        _ms(min(times)),
        _ms(max(times)),
        str(len(times)),
        _ms(foretold) if foretold else "–",
    )
    return (name, *values, error, "" if finding.status == "measured" else finding.status)


def _missing(record: Record) -> Iterator[str]:
    absent = [finding for finding in record.findings if finding.status != "measured"]
    if absent:
        yield "## What was not measured, or not to the end"
        yield _table(("case", "what came of it", "why"), [(f.case.told, f.status, _cell(f.why)) for f in absent])


def _profiles(profiles: Mapping[Path, str]) -> Iterator[str]:
    if profiles:
        yield "## As a profile"
        loads = "`latency: {kind: profile, path: …}` loads it"
        yield "\n".join(
            f"- `{path.name}`: {f'not written: {lack}' if lack else loads}" for path, lack in profiles.items()
        )


def _models(record: Record) -> list[str]:
    return list(dict.fromkeys(finding.case.model for finding in record.findings if finding.case.model))


def _ms(seconds: float) -> str:
    return f"{seconds * MS_PER_S:.3f}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
