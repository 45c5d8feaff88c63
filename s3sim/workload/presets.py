"""Length distributions of real data: tables of quantiles, which are statistics, and no data.

`benchmarks/quantile_tables.py` recomputes every number from the files named here. Rows with a zero
length are left out, for a request has at least one token of either kind.
"""

from collections.abc import Mapping

from s3sim.core.errors import UnknownNameError
from s3sim.workload.lengths import Lengths, QuantileTable

__all__ = ["LEVELS", "PRESETS", "preset"]

# fmt: off
LEVELS = (  # probabilities of the quantiles; dense where the tails are long
    0.0, 0.0005, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65,
    0.7, 0.75, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.9925, 0.995, 0.9975, 0.999,
    0.9995, 0.9999, 1.0,
)
# fmt: on


def preset(name: str) -> Lengths:
    """Length distribution of that name; UnknownNameError lists the known ones."""
    if name not in PRESETS:
        raise UnknownNameError("length preset", name, PRESETS)
    return PRESETS[name]


def _preset(prompt: str, output: str, *, spearman: float) -> Lengths:
    return Lengths(_table(prompt), _table(output), spearman)


def _table(values: str) -> QuantileTable:
    return QuantileTable(LEVELS, tuple(map(float, values.split())))


PRESETS: Mapping[str, Lengths] = {
    # Stanford Alpaca (CC BY-NC 4.0), instruction + input and the dataset's own answer, counted with GPT-2's BPE
    # (GPT-J's too); 49 answers of zero tokens left out.
    "alpaca": _preset(  # 51953 rows
        """
        4 4 4 5 6 6 7 8 9 10 11 11 12 13 13 14 15 16 18 19 21 23 26 30 33 37 39 43 49 58 64 74
        82 92 111 136 162 268 507
        """,
        """
        1 1 1 1 1 2 4 7 9 11 13 16 20 25 32 42 51 60 68 76 85 95 108 124 134 148 158 171 191 221
        240 267 290 321 385 496 557 733 1469
        """,
        spearman=-0.256,
    ),
    # The same with GPT-NeoX's tokenizer.
    "alpaca-neox": _preset(  # 51953 rows
        """
        4 4 4 5 6 6 7 8 9 10 11 11 12 13 13 14 15 16 18 19 21 23 26 30 33 37 39 43 48 57 63 73
        81 92 109 131 150 263 514
        """,
        """
        1 1 1 1 1 2 4 7 9 11 13 16 20 25 33 42 51 60 68 77 85 95 107 124 134 147 156 169 188 216
        235 262 281 313 368 435 518 659 970
        """,
        spearman=-0.253,
    ),
    # Prompts of 10,000 Alpaca rows (GPT-2's BPE) with what Vicuna-7B answered at temperature 0, in Vicuna's tokens:
    # zhengzangw/Sequence-Scheduling (arXiv 2305.13144; no licence stated). Its generation stopped at 512 tokens.
    "alpaca-vicuna": _preset(  # 10000 rows
        """
        4 4 4 5 6 6 7 8 9 10 11 11 12 13 13 14 15 16 18 19 21 23 26 30 33 36 39 42 48 58 63 72
        81 91 108 145 196 313 318
        """,
        """
        3 4 4 7 8 9 12 16 20 26 34 46 62 78 91 105 116 128 140 154 175 203 238 281 300 325 338
        360 386 427 457 509 512 512 512 512 512 512 512
        """,
        spearman=-0.199,
    ),
    # Azure/AzurePublicDataset, AzureLLMInferenceTrace_conv.csv, one hour of 2023 (Splitwise, ISCA'24; CC BY 4.0).
    "azure-conv": _preset(  # 19366 rows
        """
        2 7 8 17 29 91 181 207 372 387 396 403 414 703 984 1020 1045 1071 1097 1130 1189 1315
        1876 2734 4073 4079 4083 4086 4090 4098 4110 4142 4179 4831 5404 6179 6570 7668 14050
        """,
        """
        7 12 12 14 16 24 41 54 67 77 85 91 96 103 113 129 151 177 217 384 395 400 411 424 429
        442 451 468 509 540 571 601 617 643 719 954 1000 1000 1000
        """,
        spearman=0.073,
    ),
    # First turns of ShareGPT conversations, counted with GPT-NeoX's tokenizer (counts alone, no text);
    # 47 prompts of zero tokens left out.
    "sharegpt": _preset(  # 17345 rows
        """
        1 1 1 1 1 1 3 6 8 10 12 13 16 18 21 25 30 37 47 62 86 132 235 478 640 926 1059 1232 1537
        1967 2260 2634 2873 3279 4161 5749 9907 24118 162757
        """,
        """
        1 1 1 2 3 9 23 50 87 117 148 180 210 238 265 291 317 345 376 411 453 511 585 698 743 784
        809 838 882 923 946 975 992 1009 1049 1095 1254 3542 31707
        """,
        spearman=0.055,
    ),
}
