"""What could not be reproduced, and why."""

from s3sim.paper.numbers import markdown
from s3sim.paper.section import Section

__all__ = ["missing"]

REASONS = (
    (
        "Figures of S³ point by point",
        "neither their data nor the code was published; shapes and headline numbers remain",
    ),
    (
        "Which maximum length, how many queries and which arrivals stand behind each figure",
        "not stated; the gain is shown over all of them instead",
    ),
    (
        "Average batch sizes (ORCA 70 / 32 / 17, S³ 530 / 273)",
        "recalled with low confidence, under a load that is not known; ours stand beside them in part 5, of a burst's"
        " saturated part",
    ),
    (
        "The share of the scheduler and the supervisor in latency (about 11% with the predictor)",
        "their code is not known; here decisions cost no simulated time, and only predictor, swaps and compaction do",
    ),
    (
        "Accuracy of the predictor (98.61% on Alpaca)",
        "reading notes; here it is an input, varied in parts 7 and 8; docs/predictor.md trains one",
    ),
    (
        "Anything measured on an A100",
        "no figure of this page was measured: step times are of a model fitted to others' published latencies",
    ),
    ("HF Transformers' stalls", "its step times and copies are rough constants that no fit has seen"),
    (
        "MLPerf's published GPT-J rates",
        "they decode with four beams, on H100 and in fp8; the lengths of its data set are recalled",
    ),
    (
        "GPT-3's vanilla system on 8 and 10 GPUs",
        "taken as ORCA with the maximum reserved, micro-batches as many as stages",
    ),
)


def missing() -> Section:
    """Claims and settings that stay open."""
    section = Section("11. What could not be reproduced, and why")
    section.say(markdown(("what", "why"), REASONS))
    return section
