"""An experiment that cannot be used ends in exit code 2 and one message, before anything is written."""

from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.experiment.tiny import TINY, changed, write

SYSTEMS = "systems: [orca, s3]"
SWEEP = "sweep: {max_num_seqs: [2, 4]}"
PREDICTOR = "predictor: {kind: confusion, accuracy: 0.8, buckets: 4}\n"

# what is done to the YAML, and what the message must hold
BAD: dict[str, tuple[str | bytes, list[str]]] = {
    "an unknown key at the top": (TINY + "modle: x\n", ["tiny.yaml:22: modle: unknown key", "mean 'model'?", "seeds"]),
    "an unknown key below": (
        changed(("requests: 20", "requests: 20\n  request: 3")),
        ["tiny.yaml:12: workload.request: unknown key", "did you mean 'requests'?"],
    ),
    "an unknown key in a member of a union": (
        changed(("high: 16", "hgih: 16")),
        ["tiny.yaml:9: workload.prompt.hgih: unknown key", "'high'?", "workload.prompt.high: missing"],
    ),
    "an unknown key of a scenario": (
        changed(("arrivals: {kind: poisson", "arival: {kind: poisson")),
        ["tiny.yaml:19: scenarios.online.arival: unknown key", "did you mean 'arrivals'?", "slo, measure, sweep"],
    ),
    "an unknown key in a scenario's arrivals": (
        changed(("rate: 20", "rate: 20, rat: 3")),
        ["tiny.yaml:19: scenarios.online.arrivals.rat: unknown key", "did you mean 'rate'?"],
    ),
    "an unknown choice of a system": (
        changed((SYSTEMS, "systems:\n- orca\n- {name: s3, ageing: 3}")),
        ["tiny.yaml:16: systems.s3.ageing: unknown key", "did you mean 'ageing_s'?", "placement"],
    ),
    "a choice by the name that it had": (
        changed((SYSTEMS, "systems:\n- orca\n- {name: s3, compact: never}")),
        ["tiny.yaml:16: systems.s3.compact: 'compact' is called 'placement' now"],
    ),
    "a choice that is out of bounds": (
        changed((SYSTEMS, "systems: [orca, {name: s3, ageing_s: -3}]")),
        ["tiny.yaml:14: systems.s3.ageing_s: ", "greater than or equal to 0 (got -3)"],
    ),
    "an unknown field of a model": (
        changed(("model: gpt-j-6b", "model: {preset: gpt-j-6b, layer: 3}")),
        ["tiny.yaml:3: model.layer: unknown key", "did you mean 'layers'?"],
    ),
    "an unusable field of a model": (
        changed(("model: gpt-j-6b", "model: {preset: gpt-j-6b, layers: 0}")),
        ["tiny.yaml:3: model: ", "layers: 0 is not usable; give a whole number of at least 1"],
    ),
    "a model without its fields": (
        changed(("model: gpt-j-6b", "model: {name: mine, layers: 3}")),
        ["tiny.yaml:3: model: hidden, heads,", "missing; give them, or a `preset`"],
    ),
    "a link without its fields": (
        changed(("device: a100-80gb", "device: {preset: a100-80gb, link: {name: mine}}")),
        ["tiny.yaml:4: device.link: to_host_bandwidth, to_device_bandwidth missing"],
    ),
    "an unknown rule of measuring": (
        changed(("seeds: [0, 1]", "seeds: [0, 1]\nmeasure: {warm_up: late}")),
        ["tiny.yaml:22: measure.warm_up: input should be 'mser', 'none' or 'served_once' (got 'late')"],
    ),
    "two amounts to leave out": (
        changed(("seeds: [0, 1]", "seeds: [0, 1]\nmeasure: {warm_up: {seconds: 1, requests: 2}}")),
        ["tiny.yaml:22: measure.warm_up: give one of `share`, `seconds` and `requests`"],
    ),
    "half of it left out": (
        changed(("seeds: [0, 1]", "seeds: [0, 1]\nmeasure: {cool_down: {share: 0.5}}")),
        ["tiny.yaml:22: measure.cool_down.share: ", "less than 0.5 (got 0.5)"],
    ),
    "more left out than there is": (
        changed(("slo: {ttft_ms: 100}", "measure: {warm_up: {seconds: 1000}}")),
        ["measure: warm_up {'seconds': 1000.0} and cool_down {'share': 0.1} leave nothing of 20 arrivals"],
    ),
    "a missing key": (changed(("model: gpt-j-6b\n", "")), ["tiny.yaml:1: model: missing"]),
    "a missing key below": (changed((", mean: 12.0", "")), ["tiny.yaml:10: workload.output.mean: missing"]),
    "a missing kind": (
        changed(("kind: poisson, ", "")),
        ["tiny.yaml:19: scenarios.online.arrivals: `kind` is missing; it is one of closed_loop, constant, diurnal,"],
    ),
    "an unknown kind": (
        changed(("kind: poisson", "kind: poison")),
        ["tiny.yaml:19: scenarios.online.arrivals.kind: unknown kind 'poison'; did you mean 'poisson'?", "gamma"],
    ),
    "a text for a number": (changed(("requests: 20", "requests: many")), ["workload.requests: ", "(got 'many')"]),
    "a number in quotes": (changed(("requests: 20", "requests: '20'")), ["workload.requests: ", "(got '20')"]),
    "a fraction for a count": (changed(("requests: 20", "requests: 2.5")), ["workload.requests: ", "(got 2.5)"]),
    "a truth for a count": (changed(("requests: 20", "requests: true")), ["workload.requests: ", "(got true)"]),
    "nothing for a count": (changed(("requests: 20", "requests:")), ["workload.requests: ", "(got null)"]),
    "a negative count": (changed(("requests: 20", "requests: -2")), ["workload.requests: ", "(got -2)"]),
    "not a number": (changed(("mean: 12.0", "mean: .nan")), ["workload.output.mean: ", "finite", "(got nan)"]),
    "infinity": (changed(("mean: 12.0", "mean: .inf")), ["workload.output.mean: ", "finite", "(got inf)"]),
    "a key twice": (TINY + "name: again\n", ["tiny.yaml:22: key 'name' stands twice; keep one"]),
    "a key below twice": (changed(("low: 4", "low: 4, low: 5")), ["tiny.yaml:9: key 'low' stands twice"]),
    "no systems": (changed((SYSTEMS, "systems: []")), ["tiny.yaml:14: systems: is empty; give at least one"]),
    "no seeds": (changed(("seeds: [0, 1]", "seeds: []")), ["tiny.yaml:21: seeds: is empty"]),
    "no values to sweep": (
        changed(("[2, 4]", "[]")),
        ["tiny.yaml:17: scenarios.offline.sweep.max_num_seqs: is empty"],
    ),
    "no scenarios": (TINY[: TINY.index("scenarios:")] + "scenarios: {}\n", ["tiny.yaml:15: scenarios: is empty"]),
    "an empty scenario": (
        TINY[: TINY.index("scenarios:")] + "scenarios: {calm: }\n",
        ["tiny.yaml:15: scenarios.calm: a mapping of keys to values is needed (got null)"],
    ),
    "a scenario's name that no folder can have": (
        changed(("  online:", "  ../online:")),
        ["tiny.yaml:18: scenarios.../online: ", "'../online'"],
    ),
    "an experiment's name that no folder can have": (changed(("name: tiny", "name: a/b")), ["tiny.yaml:2: name: "]),
    "a seed twice": (changed(("seeds: [0, 1]", "seeds: [0, 0]")), ["tiny.yaml:21: seeds: 0 stands twice"]),
    "a swept value twice": (changed(("[2, 4]", "[2, 2]")), ["sweep.max_num_seqs: 2 stands twice"]),
    "a system twice": (
        changed((SYSTEMS, "systems: [orca, orca]")),
        ["tiny.yaml:14: systems: 'orca' stands twice; give each its own `label`"],
    ),
    "a label twice": (
        changed((SYSTEMS, "systems: [{name: s3, label: a}, {name: s3, label: a, ageing_s: null}]")),
        ["tiny.yaml:14: systems: 'a' stands twice"],
    ),
    "an unknown system": (
        changed((SYSTEMS, "systems: [orca, oracle_exakt]")),
        [
            "tiny.yaml:14: systems.oracle_exakt: unknown system",
            "did you mean 'oracle_exact'?",
            "known: a_max, a_min, fastertransformer",
        ],
    ),
    "a system that is a number": (
        changed((SYSTEMS, "systems: [3]")),
        ["tiny.yaml:14: systems.0: a name, or a mapping"],
    ),
    "an unknown model": (
        changed(("gpt-j-6b", "gpt-j")),
        ["tiny.yaml:3: model: unknown model 'gpt-j'; did you mean 'gpt-j-6b'?", "gpt-neox-20b"],
    ),
    "an unknown preset to start from": (
        changed(("model: gpt-j-6b", "model: {preset: gpt-j}")),
        ["tiny.yaml:3: model: unknown model 'gpt-j'; did you mean 'gpt-j-6b'?"],
    ),
    "an unknown device": (
        changed(("a100-80gb", "a100")),
        ["tiny.yaml:4: device: unknown device 'a100'; did you mean", "known: a10, a100-40gb"],
    ),
    "an unknown link": (
        changed(("device: a100-80gb", "device: {preset: a100-80gb, link: pcie}")),
        ["tiny.yaml:4: device.link: unknown link 'pcie'", "pcie-4.0-x16"],
    ),
    "an unknown engine": (TINY + "engine: trt\n", ["tiny.yaml:22: engine: unknown engine 'trt'", "fastertransformer"]),
    "an unknown length preset": (
        TINY[: TINY.index("workload:")] + "workload: {kind: preset, name: alpacca, requests: 3}\nsystems: [orca]\n",
        ["tiny.yaml:7: workload.name: unknown length preset", "did you mean 'alpaca'?", "sharegpt"],
    ),
    "an unknown trace column": (
        TINY.replace("kind: lengths", "kind: trace\n  path: x\n  columns: {ident: a}"),
        ["workload.columns.ident: ", "'prompt_tokens'"],
    ),
    "a predictor that is missing": (
        changed((PREDICTOR, "")),
        ["tiny.yaml:1: predictor: missing; system 's3' needs one, such as {kind: oracle}"],
    ),
    "a predictor with neither matrix nor accuracy": (
        changed(("accuracy: 0.8, ", "")),
        ["tiny.yaml:13: predictor: give either `matrix`, a CSV, or `accuracy`"],
    ),
    "a predictor with matrix and accuracy": (
        changed(("accuracy: 0.8", "accuracy: 0.8, matrix: m.csv")),
        ["tiny.yaml:13: predictor: give either"],
    ),
    "a predictor's matrix that is not there": (
        changed(("accuracy: 0.8", "matrix: m.csv")),
        ["tiny.yaml:13: predictor.matrix: no file 'm.csv' in", "S3SIM_DATA"],
    ),
    "more buckets than tokens": (changed(("buckets: 4", "buckets: 999")), ["predictor: count is 999: 1 to", "(128)"]),
    "one bucket that errs": (changed(("buckets: 4", "buckets: 1")), ["predictor: accuracy is 0.8: with a single"]),
    "a profile that is not there": (
        TINY + "latency: {kind: profile, path: p.csv}\n",
        ["tiny.yaml:22: latency.path: no file 'p.csv' in"],
    ),
    "arrivals that no trace has": (
        changed(("kind: poisson, rate: 20", "kind: trace")),
        ["arrivals.kind: 'trace' needs a workload of kind 'trace'"],
    ),
    "a range that is upside down": (changed(("low: 4", "low: 40")), ["workload: low is 40, above high, 16"]),
    "a model that is larger than the device": (
        changed(("gpt-j-6b", "gpt3-175b"), ("memory: {kv_capacity_tokens: 512}\n", "")),
        ["model 'gpt3-175b' does not fit on device 'a100-80gb'", "choose a larger device, a smaller model"],
    ),
    "no room for one sequence": (
        changed(("512", "100")),
        ["no room for one sequence: 100 slots", "may need 128 (max_length 128)", "lower max_length"],
    ),
    "more tokens than the model has positions": (
        changed(("max_length: 128", "max_length: 4096")),
        ["max_length: 4096 is more than the 2048 positions of model 'gpt-j-6b'"],
    ),
    "a sweep of an unknown key": (
        changed((SWEEP, "sweep: {max_num_seq: [2]}")),
        ["tiny.yaml:17: scenarios.offline.sweep.max_num_seq: unknown key", "mean 'max_num_seqs'?", "max_num_seq=2"],
    ),
    "a sweep into a text": (
        changed((SWEEP, "sweep: {model.layers: [2]}")),
        ["tiny.yaml:17: scenarios.offline.sweep.model.layers: 'model' is 'gpt-j-6b', not a mapping", "leads nowhere"],
    ),
    "a sweep of a system that is not there": (
        changed((SWEEP, "sweep: {systems.vllm.watermark: [0.1]}")),
        ["tiny.yaml:17: scenarios.offline.sweep.systems.vllm.watermark: no system 'vllm'", "orca, s3"],
    ),
    "a sweep of what no point has": (
        changed((SWEEP, "sweep: {seeds: [[1], [2]]}")),
        ["tiny.yaml:17: scenarios.offline.sweep.seeds: ", "whole experiment and cannot be swept"],
    ),
    "a sweep of arrivals that are not there": (
        changed((SWEEP, "sweep: {arrivals.rate: [2.0]}")),
        ["arrivals: `kind` is missing", "(with arrivals.rate=2.0)"],
    ),
    "a swept value of the wrong type": (
        changed(("[2, 4]", "[2, x]")),
        ["tiny.yaml:17: scenarios.offline.sweep.max_num_seqs: ", "(got 'x')"],
    ),
    "a sweep that is no list": (changed(("[2, 4]", "2")), ["scenarios.offline.sweep.max_num_seqs: ", "(got 2)"]),
    "a sweep that makes the model too large": (
        changed((SWEEP, "sweep: {model: [gpt3-175b]}"), ("memory: {kv_capacity_tokens: 512}\n", "")),
        ["'gpt3-175b' does not fit", "(scenario offline, with model='gpt3-175b')"],
    ),
    "a first token sooner than the shortest batch's end": (
        changed((SYSTEMS, "systems: [fastertransformer]"), ("ttft_ms: 100", "ttft_ms: 5")),
        ["slo.ttft_ms: 5 ms cannot be kept by system 'fastertransformer' in scenario 'online'", "takes ", "4 prompt"],
    ),
    "an answer sooner than the shortest batch's end": (
        changed((SYSTEMS, "systems: [orca, {name: huggingface, label: hf}]"), ("ttft_ms: 100", "e2el_ms: 5")),
        ["slo.e2el_ms: 5 ms cannot be kept by system 'hf'", "`delivery: token`, or leave the system out"],
    ),
    "a tensor degree that does not divide the heads": (
        TINY + "parallel: {tensor: 3}\n",
        ["parallel: tensor 3 does not divide the 16 heads", "choose a divisor"],
    ),
    "more stages than layers": (
        TINY + "parallel: {pipeline: 29}\n",
        ["parallel: pipeline 29 exceeds the 28 layers of 'gpt-j-6b'; a stage needs at least one"],
    ),
    "a link without bandwidth": (
        changed(
            ("device: a100-80gb", "device: {preset: a100-80gb, link: {preset: pcie-4.0-x16, to_host_bandwidth: 0.0}}")
        ),
        ["tiny.yaml:4: device", "to_host_bandwidth: 0.0 is not usable; give a finite number above 0"],
    ),
    "a host that owes memory": (
        changed(("{kv_capacity_tokens: 512}", "{kv_capacity_tokens: 512, host_bytes: -1}")),
        ["tiny.yaml:6: memory.host_bytes: ", "greater than or equal to 0 (got -1)"],
    ),
    "layers beyond all measure": (
        changed(("model: gpt-j-6b", f"model: {{preset: gpt-j-6b, layers: 1{'0' * 400}}}")),
        ["tiny.yaml:3: model: ", "layers: 100000000000... (401 digits) is not usable", "at most 1e+18"],
    ),
    "memory beyond all measure": (
        changed(("device: a100-80gb", f"device: {{preset: a100-80gb, memory_bytes: 1{'0' * 400}}}")),
        ["tiny.yaml:4: device: ", "memory_bytes: 100000000000... (401 digits) is not usable"],
    ),
    "an age beyond the end of time": (
        changed((SYSTEMS, "systems: [{name: s3, ageing_s: 1e300}]")),
        ["tiny.yaml:14: systems.s3.ageing_s: ", "less than or equal to 9200000 (got 1e+300)"],
    ),
    "a block beyond all measure": (
        changed((SYSTEMS, f"systems: [{{name: vllm, block_tokens: 1{'0' * 400}}}]")),
        ["tiny.yaml:14: systems.vllm.block_tokens: ", "less than or equal to 1000000"],
    ),
    "a spread beyond all measure": (
        changed(("kind: geometric, mean: 12.0", "kind: lognormal, mean: 12.0, sigma: 1e300")),
        ["workload: sigma is 1e+300: a number from 0 to 100.0 is needed"],
    ),
    "a device that takes for ever": (
        changed(("device: a100-80gb", "device: {preset: a100-80gb, memory_bandwidth: 1e-300}")),
        ["a duration of ", "times end at 9.2e+06 s (106 days)", "correct the model, device, engine, latency or link"],
    ),
    "a link that takes for ever": (
        changed(("device: a100-80gb", "device: {preset: a100-80gb, link: {preset: pcie-4.0-x16, latency: 1e300}}")),
        ["a duration of 1e+300 s follows", "(106 days)"],
    ),
    "arrivals beyond the end of time": (
        changed(("rate: 20", "rate: 1e-9")),
        ["the last request would arrive after", "106 is the most; raise the rate"],
    ),
    "another version": (changed(("version: 1", "version: 2")), ["tiny.yaml:1: version: ", "(got 2)"]),
    "a key that is a number": (TINY + "3: 4\n", ["tiny.yaml:22: 3: keys should be strings"]),
    "a list": ("- 1\n", ["tiny.yaml: is a list; an experiment is a mapping of keys to values"]),
    "a single value": ("hello\n", ["tiny.yaml: is a single value; an experiment is a mapping"]),
    "nothing": ("", ["tiny.yaml: is empty; an experiment is a mapping"]),
    "comments alone": ("# nothing\n", ["tiny.yaml: is empty"]),
    "bytes": (bytes(range(256)), ["tiny.yaml: cannot be read as a YAML text"]),
    "a NUL": (b"version: 1\0\n", ["tiny.yaml: not valid YAML"]),
    "a broken line": ("version: 1\nname: [\n", ["tiny.yaml:3: not valid YAML: "]),
    "a tab": ("version:\n\t1\n", ["tiny.yaml:2: not valid YAML: found character '\\t'"]),
    "two documents": (TINY + "---\nversion: 1\n", ["tiny.yaml:22: not valid YAML: ", "another document"]),
    "a tag that makes objects": (TINY + "x: !!python/object:os.system 3\n", ["tiny.yaml:22: not valid YAML: "]),
    "a date that is none": (TINY + "description: 2020-13-45\n", ["tiny.yaml: cannot be read: month must be"]),
    "an anchor that holds itself": ("a: &x [*x]\n", ["tiny.yaml: is nested too deeply, or an anchor holds itself"]),
    "a mapping for a key": (TINY + "? [a, b]\n: 3\n", ["tiny.yaml:22: not valid YAML: found unhashable key"]),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_experiment_is_refused_before_anything_is_written(fault: str, call: Call, tmp_path: Path) -> None:
    """Exit code 2; one message with place, value and remedy; no traceback; no output directory."""
    text, wanted = BAD[fault]
    write(tmp_path, text)
    done = call("run", "tiny.yaml", "--out", "out", "--workers", "1")
    assert (done.code, done.out) == (2, "")
    assert done.err.count("error: ") == 1
    assert done.err.startswith("error: ")
    missing = [part for part in wanted if part not in done.err]
    assert not missing, f"{missing} not in: {done.err}"
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


@pytest.mark.usefixtures("no_figures")
def test_the_experiment_that_the_faults_are_made_from_is_good(call: Call, tmp_path: Path) -> None:
    """Without a fault the same command succeeds, so that each refusal above is its fault's."""
    write(tmp_path)
    assert call("run", "tiny.yaml", "--out", "out", "--workers", "1").code == 0


def test_every_problem_of_an_experiment_is_told_at_once(call: Call, tmp_path: Path) -> None:
    """Three faults, three lines: nobody has to run thrice to learn of them."""
    write(tmp_path, changed(("requests: 20", "requests: -2"), ("low: 4", "low: x"), ("rate: 20", "rate: 0")))
    lines = call("run", "tiny.yaml").err.splitlines()
    assert [line.rsplit("tiny.yaml:", 1)[1].split(":")[0] for line in lines] == ["9", "11", "19"]


@pytest.mark.parametrize(("name", "wanted"), [("nope.yaml", "no such file"), (".", "Is a directory")])
def test_a_yaml_that_cannot_be_opened_is_named(name: str, wanted: str, call: Call) -> None:
    """A missing file and a folder are told apart, by name."""
    done = call("run", name)
    assert done.code == 2
    assert f"error: {name}: " in done.err
    assert wanted in done.err
