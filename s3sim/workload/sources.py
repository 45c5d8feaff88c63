"""Where the lengths and traces of this project's experiments come from: who made them, how many rows, which licence.

Statistics of a data set are part of the project, its rows are not. Rows are those of the file, those without
lengths included, unless a preset's.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

__all__ = ["SOURCES", "Source"]


class Source(NamedTuple):
    """A data set as an experiment uses it."""

    what: str
    origin: str
    rows: int
    licence: str
    preset: bool = False  # a table of quantiles, which needs no file; else experiments/traces/<name>.yaml reads one


_AZURE = "github.com/Azure/AzurePublicDataset, AzureLLMInferenceTrace_conv.csv (Splitwise, ISCA'24)"
_ALPACA = "Stanford Alpaca, alpaca_data.json"
_SCHEDULING = "github.com/zhengzangw/Sequence-Scheduling (arXiv 2305.13144)"

SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {
        "alpaca": Source(
            "Alpaca's instructions and its own answers, in GPT-2's tokens", _ALPACA, 51_953, "CC BY-NC 4.0", preset=True
        ),
        "alpaca-neox": Source("The same in GPT-NeoX's tokens", _ALPACA, 51_953, "CC BY-NC 4.0", preset=True),
        "alpaca-vicuna": Source(
            "Alpaca's prompts, answered by Vicuna-7B at temperature 0", _SCHEDULING, 10_000, "not stated", preset=True
        ),
        "azure-conv": Source("An hour of Azure's conversation traffic, 2023", _AZURE, 19_366, "CC BY 4.0", preset=True),
        "sharegpt": Source(
            "First turns of ShareGPT conversations, in GPT-NeoX's tokens", "ShareGPT, counts alone", 17_345,
            "not stated", preset=True,
        ),
        "alpaca_lengths": Source("Alpaca, token counts of prompts and answers", _ALPACA, 52_002, "CC BY-NC 4.0"),
        "alpaca_vicuna7b": Source(
            "Vicuna-7B's answers to Alpaca at three temperatures, without prompts", _SCHEDULING, 10_000, "not stated"
        ),
        "arxiv_summarization": Source(
            "Summaries of arXiv papers: long prompts, short answers", "github.com/microsoft/vidur", 28_257, "MIT"
        ),
        "azure_conversation": Source("An hour of Azure's conversation traffic, 2023", _AZURE, 19_366, "CC BY 4.0"),
        "gsm8k": Source(
            "Grade-school questions and worked answers, as texts", "github.com/openai/grade-school-math", 7_473, "MIT"
        ),
        "lmsys_vicuna13b": Source(
            "Vicuna-13B's answers to LMSYS-Chat, without prompts",
            "github.com/James-QiuHaoran/LLM-serving-with-proxy-models (arXiv 2404.08509)", 85_482, "Apache-2.0",
        ),
        "mooncake_conversation": Source(
            "Mooncake's conversation trace: prompts of thousands of tokens",
            "github.com/kvcache-ai/Mooncake (FAST'25)", 12_031, "Apache-2.0",
        ),
        "nq_open": Source(
            "Natural Questions, open: answers of a few words, as texts",
            "github.com/google-research-datasets/natural-questions", 3_610, "CC BY-SA 3.0",
        ),
        "oasst": Source(
            "GPT-3.5's answers to OpenAssistant prompts, as texts", "github.com/artidoro/qlora", 953, "MIT"
        ),
        "self_instruct": Source(
            "text-davinci-003's answers to instructions, as texts", "github.com/yizhongw/self-instruct", 252,
            "Apache-2.0",
        ),
        "sharegpt_lengths": Source(
            "First turns of ShareGPT conversations, token counts", "ShareGPT, counts alone", 17_392, "not stated"
        ),
        "sharegpt_predicted": Source(
            "ShareGPT lengths with a model's predictions", "github.com/AKafakA/vidur_opt_scheduler", 20_000, "MIT"
        ),
        "vidur_splitwise_conversation": Source(
            "The Azure conversation trace as Vidur has it", "github.com/microsoft/vidur", 19_366, "MIT"
        ),
    }
)  # fmt: skip
