from pathlib import Path

import numpy as np
import pytest

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.workload.pruning import Pruning, pruning
from s3sim.workload.readers import read_trace
from tests.workload.test_trace_files import save


def test_vllms_rules_are_its_own() -> None:
    """Prompt or output below 4, a prompt above 1024, or more than 2048 together is left out; the limits stay."""
    prompt = np.array([3, 4, 4, 1024, 1025, 1024, 1024])
    output = np.array([9, 3, 4, 1024, 4, 1025, 1023])
    pruned = pruning("vllm").apply(prompt, output)
    assert pruned.rows.tolist() == [True, True, False, False, True, True, False]
    assert pruned.counts == {
        "min_prompt_tokens": 1,
        "min_output_tokens": 1,
        "max_prompt_tokens": 1,
        "max_total_tokens": 1,
    }


def test_pruned_rows_are_counted_once_and_need_not_be_valid(tmp_path: Path) -> None:
    """Every row is kept, pruned by one limit, or invalid; a row that is pruned is no error, whatever its lengths."""
    path = save(tmp_path, "prompt_tokens,output_tokens\n1,99\n9,0\n9,9\n9,99\n")
    trace, counts = read_trace(path, prune=Pruning(min_prompt_tokens=4, max_output_tokens=50), invalid_rows="drop")
    assert trace.id.tolist() == [2]
    assert counts.pruned == {"min_prompt_tokens": 1, "max_output_tokens": 1}
    assert counts.dropped == 1
    assert len(trace) + counts.dropped + sum(counts.pruned.values()) == counts.rows
    assert len(read_trace(path, prune=Pruning(min_output_tokens=1)).trace) == 3


def test_pruning_everything_is_an_error(tmp_path: Path) -> None:
    """A trace of no rows is refused with the reason."""
    path = save(tmp_path, "prompt_tokens,output_tokens\n1,1\n")
    with pytest.raises(InputError, match="all 1 rows are pruned"):
        read_trace(path, prune=Pruning(min_prompt_tokens=2))


def test_limits_are_positive_and_named() -> None:
    """A limit of 0 and an unknown pruning are refused."""
    with pytest.raises(InputError, match="max_total_tokens is 0"):
        Pruning(max_total_tokens=0)
    with pytest.raises(UnknownNameError, match="did you mean 'vllm'"):
        pruning("vlm")
