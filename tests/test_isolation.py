import random

import numpy as np
import pytest
import torch

from rlmonitor.isolation import preserved_random_state


def draws():
    return random.random(), np.random.random(), torch.rand(1).item()  # noqa: NPY002


def seed(value):
    random.seed(value)
    np.random.seed(value)  # noqa: NPY002
    torch.manual_seed(value)


def disturb_and_stop():
    with preserved_random_state():
        draws()
        seed(7)
        raise KeyboardInterrupt


def test_states_are_as_before_whatever_happens_inside():
    seed(1)
    undisturbed = draws()
    seed(1)
    with preserved_random_state():
        draws()
    with pytest.raises(KeyboardInterrupt):
        disturb_and_stop()
    assert draws() == undisturbed
