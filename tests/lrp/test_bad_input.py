"""What does not fit is named, wherever it comes in and whatever the network is."""

import numpy as np
import pytest
import torch
from oracles.policies import POLICY, made, observations
from torch import nn

from rlmonitor.errors import ConfigurationError, ObservationError, RlmonitorError, UnknownNameError
from rlmonitor.explain import explain
from rlmonitor.lrp import attribute, attribute_targets, network_of

ENTRANCES = {
    "forward": lambda network, given: network.forward(given),
    "attribute": lambda network, given: attribute(network, given, 0),
    "attribute_targets": lambda network, given: attribute_targets(network, given, (0, 1)),
}
KEYS = {"screen": ("screen",), "state": ("state",), "both": ("screen", "state")}


def hole(array):
    array = array.astype(np.float32)
    array.flat[7] = np.nan
    return array


def infinite(array):
    return np.where(np.arange(array.size).reshape(array.shape) == 3, -np.inf, array)


BAD = {
    "no batch axis": (lambda array: array[0], "needs a batch axis"),
    "too many axes": (lambda array: array[None], "the network takes .*, got"),
    "too few numbers": (lambda array: array[..., :-1], "the network takes .*, got"),
    "empty batch": (lambda array: array[:0], "the batch is empty"),
    "NaN": (hole, "NaN or infinity"),
    "infinity": (infinite, "NaN or infinity"),
    "integers": (lambda array: array.astype(np.int32), "must be uint8 or float, got int32"),
    "booleans": (lambda array: array > 0, "must be uint8 or float, got bool"),
    "complex": (lambda array: array.astype(np.complex64), "must be uint8 or float, got complex64"),
    "text": (lambda array: array.astype(str), "must be uint8 or float, got <U"),
    "objects": (lambda array: array.astype(object), "must be uint8 or float, got object"),
    "a list": (lambda array: array.tolist(), "numpy array or a tensor, got list"),
    "nothing": (lambda array: None, "numpy array or a tensor, got NoneType"),
    "integer tensor": (
        lambda array: torch.ones(array.shape, dtype=torch.int64),
        r"got torch\.int64",
    ),
    "complex tensor": (lambda array: torch.ones(array.shape) * 1j, r"got torch\.complex64"),
}
"""What is done to an observation, and what is said of it."""


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("observation", POLICY)
@pytest.mark.parametrize("bad", BAD)
def test_observations(bad, observation, entrance):
    network, (spoil, said) = network_of(made("PPO", observation)), BAD[bad]
    for key in KEYS[observation]:
        given = observations(observation)
        if observation == "both":
            given = given | {key: spoil(given[key])}
            said_here = f"observation {key!r}: .*{said}"
        else:
            given, said_here = spoil(given), said
        with pytest.raises(ObservationError, match=said_here):
            ENTRANCES[entrance](network, given)


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_bytes_where_floats_are_due(entrance):
    given = observations("state").astype(np.uint8)
    with pytest.raises(ObservationError, match="built for float observations, got uint8"):
        ENTRANCES[entrance](network_of(made("PPO", "state")), given)


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("change", [lambda x: x / 255, lambda x: x - 1.0, lambda x: x + 1.0])
def test_floats_where_bytes_are_due(entrance, change):
    given = np.maximum(observations("screen"), 0)
    given[0, 0, 0, :2] = 0, 255
    with pytest.raises(ObservationError, match="takes images from 0 to 255, got floats from"):
        ENTRANCES[entrance](network_of(made("PPO", "screen")), change(given.astype(np.float32)))


@pytest.mark.parametrize(
    "action",
    [
        *(3, -1, [0, 1, 3], [0, 1], [[0], [1], [2]], 1.0, [0.0, 1.0, 2.0], True),
        *("fire", ["fire"] * 3, 1j, np.zeros(0, int), np.ones(3, complex)),
    ],
)
def test_actions(action):
    network = network_of(made("PPO", "state"))
    for given in (action, np.asarray(action)):
        with pytest.raises(ObservationError, match="actions must be"):
            attribute(network, observations("state"), "logit", action=given)


def test_actions_of_every_integer_type():
    network, given = network_of(made("PPO", "state")), observations("state")
    expected = attribute(network, given, "logit", action=[2, 0, 1]).map
    for kind in (np.int8, np.uint8, np.uint16, np.int32, np.uint64):
        found = attribute(network, given, "logit", action=np.array([2, 0, 1], kind))
        torch.testing.assert_close(found.map, expected, rtol=0, atol=0)


@pytest.mark.parametrize("given", [made("PPO", "state"), made("PPO", "state").policy, None])
def test_what_is_no_network_yet(given):
    with pytest.raises(ConfigurationError, match=r"expected a Network, got .*network_of"):
        attribute(given, observations("state"), "logit")
    with pytest.raises(ConfigurationError, match="expected a Network"):
        explain(given, observations("state"), "logit", "gradient")


@pytest.mark.parametrize(
    ("target", "error"),
    [
        (3, ObservationError),
        (-1, ObservationError),
        ((0, 3), ObservationError),
        ((1, 1), ConfigurationError),
        ((0,), ConfigurationError),
        (None, ConfigurationError),
        (0.0, ConfigurationError),
        ("logits", UnknownNameError),
        ("q", ConfigurationError),
    ],
)
def test_targets(target, error):
    with pytest.raises(error):
        attribute(network_of(made("PPO", "state")), observations("state"), target)


@pytest.mark.parametrize("shape", [(3,), (3, 4), (3, 5, 1), (3, 1, 5)])
def test_shapes_that_a_plain_module_does_not_take(shape):
    network = network_of(nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2)))
    for enter in ENTRANCES.values():
        with pytest.raises(RlmonitorError, match=r"the network takes|does not fit 0"):
            enter(network, torch.zeros(shape))
