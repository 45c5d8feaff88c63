"""The fit: it finds a law that it can express, says how far off it is elsewhere, and its table says the same."""

from pathlib import Path
from random import Random
from statistics import fmean

import pytest

from gpu_validate.cli import main
from gpu_validate.fit import fit_samples, held_out, profile_rows
from gpu_validate.kept import kept_points
from gpu_validate.plan import Mode
from gpu_validate.profile_file import write_rows
from gpu_validate.profiling import link_price
from gpu_validate.samples import Sample, read_samples, write_samples
from gpu_validate.world import Settings, replay_world
from s3sim.core.batch import Batch, Chunk
from s3sim.core.errors import InputError
from s3sim.hardware import Profile
from tests.gpu.cases import case_of
from tests.gpu.models import model_of

MILLI = 1e-3
MODES: tuple[Mode, ...] = ("packed", "padded")


def _law(rows: int, slots: int, chunks: int, tokens: int) -> float:
    base = 2.0 if rows and chunks else 1.0
    kink = 0.3 * rows + (0.2 * (rows - 8) if rows > 8 else 0.0)
    return (base + kink + 0.001 * slots + 0.4 * chunks + 0.02 * tokens) * MILLI


def _samples(noise: float = 0.0, *, number: int = 400, seed: int = 1) -> list[Sample]:
    random, found = Random(seed), []
    for _ in range(number):
        kind = random.choice(("decode", "prefill", "mixed"))
        rows = 0 if kind == "prefill" else random.randint(1, 32)
        chunks = 0 if kind == "decode" else random.randint(1, 3)
        tokens = sum(random.randint(4, 40) for _ in range(chunks))
        slots = rows * random.randint(10, 200)
        seconds = _law(rows, slots, chunks, tokens) * max(0.2, random.gauss(1, noise))
        found.append(Sample(rows, slots, chunks, tokens, 0, seconds))
    return found


def test_a_law_that_can_be_expressed_is_found() -> None:
    """Without noise every kind of step is foretold to half a percent, also where nothing was measured."""
    fit = fit_samples(_samples())
    for rows, slots, chunks, tokens in ((1, 50, 0, 0), (20, 3000, 0, 0), (0, 0, 2, 60), (7, 900, 1, 33)):
        told = fit.one(rows=rows, slots=slots, chunks=chunks, tokens=tokens)
        assert told == pytest.approx(_law(rows, slots, chunks, tokens), rel=5e-3)
    share = fit.attention_share(32, 6400)
    assert share == pytest.approx(6.4 / (_law(32, 6400, 0, 0) / MILLI), rel=0.01)


def test_noise_does_not_bias_the_fit() -> None:
    """With noise of 15% the sum of foretold durations is right within 1.5%: weights are not the noisy times."""
    biases = []
    for seed in range(6):
        fit, clean = fit_samples(_samples(0.15, number=600, seed=seed)), _samples(seed=100 + seed)
        biases.append(sum(fit.seconds(clean)) / sum(sample.seconds for sample in clean) - 1)
    assert abs(fmean(biases)) < 0.015


def test_a_spike_moves_little() -> None:
    """A step in which the machine was away for a second does not carry the fit with it."""
    samples = _samples(0.02)
    samples[7] = samples[7]._replace(seconds=1.0)
    fit = fit_samples(samples)
    assert fit.one(rows=16, slots=1600) == pytest.approx(_law(16, 1600, 0, 0), rel=0.05)


def test_held_out_errors_see_what_cannot_be_foretold() -> None:
    """They are small for the law, as large as the noise with noise, and large where times are drawn at random."""
    assert held_out(_samples()).p95 < 0.01
    assert 0.05 < held_out(_samples(0.15)).median < 0.2
    random = Random(3)
    chaos = [sample._replace(seconds=random.choice((1.0, 20.0)) * MILLI) for sample in _samples()]
    assert held_out(chaos).median > 0.3


def test_the_table_says_what_the_fit_says(tmp_path: Path) -> None:
    """s3sim's profile, read from the CSV, foretells decode, prefill and mixed steps as the fit does."""
    samples = _samples(0.05) + [Sample(0, 0, 0, 0, slots, (5 + 0.01 * slots) * 1e-6) for slots in (10, 400, 900)]
    fit = fit_samples(samples)
    path = tmp_path / "deep" / "profile.csv"
    write_rows(path, profile_rows(fit))
    profile = Profile.load(path)
    for rows, slots, chunks, tokens in (
        (3, 500, 0, 0),
        (32, 5000, 0, 0),
        (0, 0, 1, 40),
        (11, 900, 1, 21),
        (6, 300, 3, 90),
    ):
        told = fit.one(rows=rows, slots=slots, chunks=chunks, tokens=tokens)
        batch = Batch(0, [Chunk(None, 0, 0, True)] * chunks, [], [], [], rows, slots, prefill_tokens=tokens)  # type: ignore[arg-type]
        assert profile.affine(batch).first / 1e12 == pytest.approx(told, rel=2e-3)
    moved = Batch(0, [], [], [], [], 2, 40, relocated_tokens=100)
    still = Batch(0, [], [], [], [], 2, 40)
    assert profile.affine(moved).first - profile.affine(still).first == pytest.approx(6e6, rel=0.01)


def test_padded_steps_read_as_much_for_each_row_as_for_the_longest() -> None:
    """The slots that a padded step is fitted by are rows · longest, those of a packed one the sum of contexts."""
    more = 0
    for seed in range(4):
        case = case_of("orca", Random(seed), 10)
        packed, padded = (
            replay_world(case.world, model_of("gptj"), Settings(clock=case.clock, mode=mode))
            for mode in ("packed", "padded")
        )
        for row, one, other in zip(packed.log.step_rows(), packed.steps, padded.steps, strict=True):
            rows, context = row[7], row[8]
            assert one.read_slots == context
            assert other.read_slots >= context
            assert other.read_slots % max(1, rows) == 0
            more += other.read_slots > context
    assert more > 0


def test_the_link_is_fitted_by_direction() -> None:
    """Latency and both prices are found; none is below 0, and without moves all are 0."""
    found = link_price([(n, 1e-6 + n * 2e-9) for n in (10, 100, 900)], [(n, 1e-6 + n * 5e-9) for n in (10, 100, 900)])
    assert (found.latency_ps, found.to_host_ps_per_token, found.to_device_ps_per_token) == (1_000_000, 2_000, 5_000)
    odd = link_price([(10, 1e-9), (100, 9e-8)], [(10, 1e-9)])
    assert min(odd.latency_ps, odd.to_host_ps_per_token, odd.to_device_ps_per_token) >= 0
    assert link_price([], []).latency_ps == 0


def test_samples_come_back_as_they_were(tmp_path: Path) -> None:
    """What is written is read; what is no sample is refused with its place."""
    path, samples = tmp_path / "samples.csv", _samples(0.1, number=9)
    write_samples(path, samples)
    assert read_samples(path) == samples
    for line, message in (("1,2,3", "samples.csv:11"), ("1,1,0,0,0,-1", "above 0"), ("a,1,0,0,0,1", "is no sample")):
        write_samples(path, samples)
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        with pytest.raises(InputError, match=message):
            read_samples(path)
    path.write_text("rows,seconds\n", encoding="utf-8")
    with pytest.raises(InputError, match="header"):
        read_samples(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_samples(tmp_path / "absent.csv")


def test_too_little_to_fit_is_said() -> None:
    """A handful of steps, or none that decodes, is refused."""
    with pytest.raises(InputError, match="too few"):
        fit_samples(_samples(number=5))
    with pytest.raises(InputError, match="some that decode"):
        fit_samples([sample for sample in _samples() if not sample.rows])


def test_profile_and_fit_commands_lead_to_a_table_that_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`profile` writes what it measured, `fit` smooths it, and s3sim's latency model reads both."""
    out, smooth = tmp_path / "profile", tmp_path / "smooth.csv"
    arguments = ["--rows", "1", "2", "4", "--contexts", "4", "16", "--prompts", "2", "8", "--repeats", "2"]
    assert main(["profile", *arguments, "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {"profile.csv", "samples.csv", "device.json"}
    assert main(["fit", str(out), "--out", str(smooth)]) == 0
    assert "held-out" in capsys.readouterr().err
    for path in (out / "profile.csv", smooth):
        assert Profile.load(path).affine(Batch(0, [], [], [], [], 2, 20)).first > 0
    assert main(["fit", str(tmp_path), "--out", str(smooth)]) == 2
    with pytest.raises(InputError, match="no finished points"):
        kept_points(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rows", "4"], "at least 2 different"),
        (["--repeats", "0"], "at least 1"),
        (["--contexts", "16", "4000"], "positions"),
        (["--model", "gpt-j"], "unknown model"),
        (["--model", "llama-13b"], "neither GPT-J's"),
    ],
)
def test_a_grid_that_cannot_be_measured_is_said(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One message, exit code 2, and nothing is written."""
    assert main(["profile", *arguments, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
