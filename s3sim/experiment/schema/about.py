"""What each key at the top of an experiment YAML means, with its unit; told by the JSON schema and by `s3sim new`."""

from typing import Final

__all__ = [
    "ARRIVALS",
    "DESCRIPTION",
    "DEVICE",
    "ENGINE",
    "LATENCY",
    "LOG",
    "MAX_LENGTH",
    "MAX_NUM_SEQS",
    "MEASURE",
    "MEMORY",
    "MODEL",
    "NAME",
    "PARALLEL",
    "PREDICTOR",
    "SCENARIOS",
    "SEEDS",
    "SLO",
    "SWEEP",
    "SYSTEMS",
    "VERSION",
    "WORKLOAD",
]

VERSION: Final = "Of this format."
NAME: Final = "Of the experiment and of its run directory: a-z, 0-9, - and _."
DESCRIPTION: Final = "One line for reports."
MODEL: Final = (
    "The model that is served: a name of `s3sim list models`, or its fields, as `s3sim model import` prints them."
)
DEVICE: Final = "The accelerator: a name of `s3sim list devices`, or its fields in bytes, bytes/s and operations/s."
ENGINE: Final = "Whose fitted constants the latency of a step takes: a name of `s3sim list engines`, or its fields."
LATENCY: Final = "How long a step takes, in seconds."
MEMORY: Final = "How device and host memory are divided, in bytes; of slots, one holds the KV of one token."
PARALLEL: Final = "Devices of one replica: tensor × pipeline."
MAX_LENGTH: Final = "Most tokens of a sequence, prompt and output."
MAX_NUM_SEQS: Final = "Most sequences that run at once, for systems that do not set their own; null: memory decides."
WORKLOAD: Final = "The requests: how many, and how many tokens their prompts and outputs have."
ARRIVALS: Final = "When the requests arrive; rates in requests/s, times in seconds."
PREDICTOR: Final = (
    "Who foresees output lengths, for systems that need it; oracles bring their own, at the same cost. Times in"
    " seconds, lengths in tokens."
)
SLO: Final = "Limits in milliseconds that a request must meet, all of them, to count as good; null: no limit."
MEASURE: Final = "What is left out of a run before its metrics are taken, at its begin and at its end."
SYSTEMS: Final = (
    "What is compared: names of `s3sim list systems`, or {name: s3, label: mine, ...} with choices of its own."
)
LOG: Final = "full: keep each point's event log; requests: keep its table of requests alone, in much less room."
SCENARIOS: Final = (
    "Named ways to load the same systems; each may have its own arrivals, slo, measure and sweep, which come before"
    " those below."
)
SWEEP: Final = "Dotted key → values, as in arrivals.rate: [20, 40]; every combination is run."
SEEDS: Final = "Of all that is drawn; each seed is a run, and all systems serve the same requests of a seed."
