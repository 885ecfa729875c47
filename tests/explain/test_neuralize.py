"""What all neuralised models share: they conserve, are kept as arrays, and refuse bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlmonitor.errors import NonFiniteError, ObservationError, StoreError, UnknownNameError
from rlmonitor.explain import (
    NEURALIZED,
    fit_k_means,
    fit_kernel_k_means,
    fit_logistic,
    fit_novelty,
    from_arrays,
)
from rlmonitor.explain.neuralize import quotient, spread, squared_distances

LABELS = np.repeat([0, 1, 2], 12)
FITS = {
    "k_means": lambda x: fit_k_means(x, 3),
    "kernel_k_means": lambda x: fit_kernel_k_means(x, 3),
    "logistic": lambda x: fit_logistic(x, LABELS),
    "one_class": fit_novelty,
}


def test_every_model_has_a_fit_here():
    assert FITS.keys() == NEURALIZED.keys()


@pytest.fixture(params=sorted(NEURALIZED))
def kind(request):
    return request.param


def frames(shape, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    centres = 3 * rng.normal(size=(3, *shape))
    return (centres[LABELS] + rng.normal(size=(len(LABELS), *shape))).astype(dtype)


@pytest.mark.parametrize("shape", [(7,), (2, 3, 4)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_conserves_in_every_layout_and_precision(kind, shape, dtype):
    x = frames(shape, dtype)
    found = FITS[kind](x).explain(x)
    assert found.map.shape == x.shape
    assert found.map.dtype == (np.float64 if dtype == np.float64 else np.float32)
    total = found.map.reshape(len(x), -1).sum(1, dtype=np.float64) + found.absorbed
    tolerance = 1e-9 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(total, found.explained, rtol=tolerance, atol=tolerance)


def test_maps_are_explained_as_the_same_numbers_in_a_row(kind):
    x = frames((2, 3, 4))
    network, flat = FITS[kind](x), FITS[kind](x.reshape(len(x), -1))
    np.testing.assert_allclose(flat.scores(x.reshape(len(x), -1)), network.scores(x))
    rows = flat.explain(x.reshape(len(x), -1)).map
    np.testing.assert_allclose(rows.reshape(x.shape), network.explain(x).map)


def test_whole_numbers_count_as_double_precision(kind):
    x = np.round(4 * frames((5,)))
    network = FITS[kind](x)
    np.testing.assert_array_equal(network.scores(x.astype(np.int16)), network.scores(x))


def test_the_explained_value_is_the_score(kind):
    x = frames((5,))
    network = FITS[kind](x)
    scores = network.scores(x)
    largest = scores if scores.ndim == 1 else scores.max(1)
    np.testing.assert_allclose(network.explain(x).explained, largest)


def test_is_kept_as_plain_arrays(kind, tmp_path):
    x = frames((2, 3, 4), np.float32)
    network = FITS[kind](x)
    np.savez(tmp_path / "model.npz", **network.arrays())
    with np.load(tmp_path / "model.npz", allow_pickle=False) as stored:
        again = from_arrays(stored)
    assert type(again) is type(network)
    assert again.shape == (2, 3, 4)
    np.testing.assert_array_equal(again.scores(x), network.scores(x))
    np.testing.assert_array_equal(again.explain(x).map, network.explain(x).map)


def test_arrays_that_are_no_model_are_refused(kind):
    arrays = FITS[kind](frames((5,))).arrays()
    with pytest.raises(StoreError, match="lack shape"):
        from_arrays({name: array for name, array in arrays.items() if name != "shape"})
    with pytest.raises(StoreError, match="no array 'kind'"):
        from_arrays({"shape": arrays["shape"]})
    with pytest.raises(UnknownNameError, match=f"did you mean '{kind}'"):
        from_arrays({**arrays, "kind": np.asarray(kind + "x")})
    with pytest.raises(ObservationError):
        from_arrays({**arrays, "shape": np.array([4])})


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda x: x[:, :3], ObservationError),
        (lambda x: x[0], ObservationError),
        (lambda x: x[:0], ObservationError),
        (lambda x: x.astype(complex), ObservationError),
        (lambda x: np.where(x == x.max(), np.nan, x), NonFiniteError),
        (lambda x: np.where(x == x.max(), np.inf, x), NonFiniteError),
        (lambda x: 1e120 * x, NonFiniteError),
    ],
)
def test_bad_input_is_refused_before_anything_is_computed(kind, change, error):
    x = frames((5,))
    network = FITS[kind](x)
    for call in (network.scores, network.explain):
        with pytest.raises(error, match="inputs"):
            call(change(x))


def test_frames_far_from_the_origin_are_told_apart(kind):
    x = frames((5,))
    near, far = FITS[kind](x), FITS[kind](x + 2**20)
    np.testing.assert_allclose(far.scores(x + 2**20), near.scores(x), rtol=1e-5, atol=1e-5)


NUMBERS = st.floats(-1e3, 1e3).map(lambda v: v if abs(v) > 1e-9 else 0.0)


@given(NUMBERS, NUMBERS)
def test_a_quotient_is_exact_above_a_tenth_and_bounded_below(explained, unit):
    f, h = np.array([explained]), np.array([unit])
    found = quotient(f, h)
    if abs(unit) >= 0.1 * abs(explained) and unit:
        assert found == pytest.approx(explained / unit)
    else:
        assert abs(found) <= 10 + 1e-9
    # what is passed on has the sign of what is explained, and never more of it
    assert found * unit * explained >= 0
    assert abs(found * unit) <= abs(explained) * (1 + 1e-9)


def test_distances_and_their_parts_are_the_plain_ones():
    rng = np.random.default_rng(1)
    x, u, v = rng.normal(size=(6, 5)), rng.normal(size=(4, 5)), rng.normal(size=(6, 4))
    difference = np.square(x[:, None] - u)
    np.testing.assert_allclose(squared_distances(x, u), difference.sum(2))
    np.testing.assert_allclose(spread(x, v, u), (v[:, :, None] * difference).sum(1), atol=1e-12)
    assert squared_distances(x, x[2:3] + 1e-9)[2] == 0
