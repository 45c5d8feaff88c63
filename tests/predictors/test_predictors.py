import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3sim.core.errors import InputError, UnknownNameError
from s3sim.predictors.buckets import Buckets
from s3sim.predictors.confusion import ConfusionMatrix
from s3sim.predictors.predictor import PREDICTION_SECONDS, Predictor
from s3sim.predictors.registry import PREDICTORS, predictor_class
from s3sim.predictors.simple import ConstantPredictor, Noisy, Oracle, Recorded

N = 400
IDS = np.arange(N) * 3
PROMPT = np.full(N, 20)
TRUTH = 1 + np.arange(N) * 5  # 1 to 1996
TEN = Buckets(10, 2048)

ALL: list[Predictor] = [
    Oracle(),
    Oracle(TEN),
    ConstantPredictor(77),
    Noisy(0.5),
    Noisy(80.0, error="additive", seed=2),
    Noisy(0.5, TEN, seed=9),
    ConfusionMatrix.from_accuracy(0.7, TEN, spread=0.5, seed=4),
    Recorded(TRUTH[::-1], IDS),
]


def test_every_registered_predictor_is_tested() -> None:
    """The laws below run on all predictors that can be named."""
    assert set(PREDICTORS.values()) == {type(predictor) for predictor in ALL}


@pytest.mark.parametrize("predictor", ALL)
def test_predictions_are_whole_tokens_from_one(predictor: Predictor) -> None:
    """Every prediction is at least 1 token, an integer, one per request."""
    predicted = predictor.predict(IDS, PROMPT, TRUTH)
    assert predicted.dtype == np.int64
    assert predicted.shape == (N,)
    assert predicted.min() >= 1


@pytest.mark.parametrize("predictor", ALL)
@given(data=st.data())
def test_order_and_company_change_no_prediction(predictor: Predictor, data: st.DataObject) -> None:
    """A request's prediction is the same in any order and beside any other requests."""
    rows = np.array(data.draw(st.lists(st.integers(0, N - 1), min_size=1, unique=True)))
    whole = predictor.predict(IDS, PROMPT, TRUTH)
    part = predictor.predict(IDS[rows], PROMPT[rows], TRUTH[rows])
    assert np.array_equal(part, whole[rows])


@pytest.mark.parametrize("predictor", ALL)
def test_true_lengths_are_handed_over_in_the_open(predictor: Predictor) -> None:
    """A predictor that says so needs the true lengths; every other one ignores them."""
    if predictor.needs_output_tokens:
        with pytest.raises(InputError, match="made from the true lengths"):
            predictor.predict(IDS, PROMPT)
    else:
        assert np.array_equal(predictor.predict(IDS, PROMPT), predictor.predict(IDS, PROMPT, TRUTH))


def test_the_oracle_knows() -> None:
    """Exact, or the upper edge of the true bucket."""
    assert np.array_equal(Oracle().predict(IDS, PROMPT, TRUTH), TRUTH)
    bucketed = Oracle(TEN).predict(IDS, PROMPT, TRUTH)
    assert np.array_equal(bucketed, TEN.edges[TEN.index(TRUTH)])
    assert (bucketed >= TRUTH).all()


def test_no_noise_is_an_oracle() -> None:
    """σ = 0 predicts what the oracle does, with and without buckets, of either kind."""
    for buckets in (None, TEN):
        wanted = Oracle(buckets).predict(IDS, PROMPT, TRUTH)
        assert np.array_equal(Noisy(0.0, buckets).predict(IDS, PROMPT, TRUTH), wanted)
        assert np.array_equal(Noisy(0.0, buckets, error="additive").predict(IDS, PROMPT, TRUTH), wanted)


def test_noise_has_its_size() -> None:
    """The error's logarithm, or the error itself, has standard deviation σ and median 0."""
    ids, truth = np.arange(50_000), np.full(50_000, 1_000_000)
    ratio = np.log(Noisy(0.4, seed=1).predict(ids, truth, truth) / truth)
    error = Noisy(250.0, error="additive", seed=1).predict(ids, truth, truth) - truth
    for drawn, sigma in ((ratio, 0.4), (error, 250.0)):
        assert np.median(drawn) == pytest.approx(0, abs=0.02 * sigma)
        assert drawn.std() == pytest.approx(sigma, rel=0.02)


def test_noise_of_any_size_stays_a_length() -> None:
    """A huge σ neither overflows nor leaves the range of lengths."""
    predicted = Noisy(1e6).predict(IDS, PROMPT, TRUTH)
    assert {1, 2**31 - 1} == set(predicted.tolist())


def test_seeds_differ() -> None:
    """Another seed draws other errors."""
    one, two = (Noisy(0.5, seed=seed).predict(IDS, PROMPT, TRUTH) for seed in (0, 1))
    assert (one != two).mean() > 0.9


def test_recorded_predictions_are_found_by_id() -> None:
    """Ids are row numbers unless given; order does not matter."""
    assert Recorded(np.array([5, 6, 7])).predict(np.array([2, 0]), PROMPT[:2]).tolist() == [7, 5]
    recorded = Recorded(np.array([5, 6, 7]), np.array([30, 10, 20]))
    assert recorded.predict(np.array([10, 20, 30]), PROMPT[:3]).tolist() == [6, 7, 5]


@pytest.mark.parametrize("request_id", [-1, 1, 99])
def test_a_request_without_a_record_is_refused(request_id: int) -> None:
    """No prediction is made up for an id that was not recorded."""
    recorded = Recorded(np.array([5, 6]), np.array([0, 2]))
    with pytest.raises(InputError, match=f"no prediction was recorded for request {request_id}"):
        recorded.predict(np.array([0, request_id]), PROMPT[:2])


@pytest.mark.parametrize(
    ("values", "ids", "message"),
    [
        ([1, 0], None, "of request 1 is 0: at least 1"),
        ([1, float("nan")], None, "of request 1 is nan"),
        ([1, 2], [3, 3], "2 recorded predictions for 2 ids: .*each once"),
        ([], None, "0 recorded predictions for 0 ids"),
        ([1, 2], [3], "2 recorded predictions for 1 ids"),
    ],
)
def test_a_faulty_record_is_refused(values: list[int], ids: list[int] | None, message: str) -> None:
    """Every id has one prediction of at least 1 token."""
    with pytest.raises(InputError, match=message):
        Recorded(np.array(values), None if ids is None else np.array(ids))


def test_parameters_are_checked() -> None:
    """Parameters that make no predictor are refused with their value."""
    with pytest.raises(InputError, match="tokens is 0"):
        ConstantPredictor(0)
    with pytest.raises(InputError, match="sigma is -1"):
        Noisy(-1)
    with pytest.raises(InputError, match="sigma is nan"):
        Noisy(float("nan"))
    with pytest.raises(InputError, match="error is 'relative'"):
        Noisy(1.0, error="relative")  # type: ignore[arg-type]


def test_names_are_looked_up() -> None:
    """A known name gives its class, an unknown one the closest."""
    assert predictor_class("oracle") is Oracle
    with pytest.raises(UnknownNameError, match="did you mean 'oracle'"):
        predictor_class("orcale")


def test_a_prediction_takes_milliseconds() -> None:
    """S³'s predictor takes 3.7 ms per prompt."""
    assert PREDICTION_SECONDS == 0.0037
