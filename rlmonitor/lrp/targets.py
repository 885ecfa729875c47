"""What is explained of a network's outputs, and the checks of targets and actions.

A target is one number for each frame, a linear function of the outputs: row ``a`` of a *readout*
``[A, A]`` says how it weighs the outputs for action ``a``. Differences of logits need no
probabilities: log pi(a) - log pi(b) is the difference of their logits, whatever else there is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rlmonitor.errors import ConfigurationError, ObservationError, UnknownNameError
from rlmonitor.lrp.network import Network

Target = str | int | tuple[int, int]
"""``"q"``, ``"logit"``, ``"advantage"`` or ``"value"``; the index of an action, whose output is
explained; or a pair of them, for the difference of the first one's output to the second one's."""

Readout = Callable[[int], Tensor]
"""From the number of outputs A to ``[A, A]``."""


def _less_mean(n_outputs: int) -> Tensor:
    return torch.eye(n_outputs, dtype=torch.float64) - 1 / n_outputs


TARGETS: dict[str, Readout | None] = {"q": None, "advantage": _less_mean}
"""Readouts of Q-networks by name. None stands for the outputs as they are."""

ACTOR_CRITIC_TARGETS: dict[str, Readout | None] = {
    "logit": None,
    "advantage": _less_mean,
    "value": None,
}
"""The same for policies with a critic; ``"value"`` reads the critic's output instead."""


def readout_of(target: Target, n_outputs: int) -> Tensor | None:
    """The readout of a checked target; None for the outputs as they are."""
    if isinstance(target, tuple):
        unit = torch.eye(n_outputs, dtype=torch.float64)
        return unit - unit[target[1]]
    if isinstance(target, int):
        return None
    make = (TARGETS | ACTOR_CRITIC_TARGETS)[target]
    return None if make is None else make(n_outputs)


def action_of(target: Target, outputs: Tensor, actions: Tensor | None) -> Tensor:
    """The action that is explained, ``[N]``: the target's, the given ones or the greedy ones."""
    fixed = target[0] if isinstance(target, tuple) else target
    if isinstance(fixed, int):
        return torch.full_like(outputs[:, 0], fixed, dtype=torch.int64)
    return outputs.argmax(1) if actions is None else actions


def checked_target(target: Target, network: object) -> Target:
    """The target of a network, as plain Python numbers.

    Raises:
        UnknownNameError: no network has a target of that name.
        ConfigurationError: this one has not, or it is neither a name nor an index nor a pair; what
            should be explained is no network.
        ObservationError: an action that the network does not have.
    """
    if not isinstance(network, Network):
        kind = type(network).__name__
        raise ConfigurationError(f"expected a Network, got {kind}; give network_of(...) of it")
    if isinstance(target, str):
        return _checked_name(target, network)
    if isinstance(target, tuple) and len(target) == 2:
        first, second = (_checked_index(one, network.n_outputs) for one in target)
        if first == second:
            raise ConfigurationError(f"a contrast needs two different actions, got {target}")
        return first, second
    return _checked_index(target, network.n_outputs)


def _checked_name(target: str, network: Network) -> str:
    if target in network.targets:
        return target
    if target in TARGETS or target in ACTOR_CRITIC_TARGETS:
        raise ConfigurationError(
            f"this network has no target {target!r}; it has {', '.join(network.targets)}, an "
            "action's index, or a pair of them"
        )
    raise UnknownNameError("target", target, network.targets)


def _checked_index(target: object, n_outputs: int) -> int:
    if isinstance(target, bool) or not isinstance(target, int | np.integer):
        raise ConfigurationError(
            f"a target is a pair of actions, a name or an action's index, got {target!r}"
        )
    if not 0 <= target < n_outputs:
        raise ObservationError(f"target action {target} is not one of 0 to {n_outputs - 1}")
    return int(target)


def checked_action(
    action: int | NDArray[np.integer] | Tensor | None, n_frames: int, n_outputs: int
) -> Tensor | None:
    """The given actions, ``[N]`` int64; None where none are given.

    Raises:
        ObservationError: their type, number or range does not fit.
    """
    if action is None:
        return None
    try:
        actions = torch.as_tensor(action)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ObservationError(f"actions must be integers, got {action!r}") from error
    if actions.is_floating_point() or actions.is_complex() or actions.dtype == torch.bool:
        raise ObservationError(f"actions must be integers, got {actions.dtype}")
    actions = actions.to(torch.int64)
    if actions.ndim and tuple(actions.shape) != (n_frames,):
        raise ObservationError(
            f"actions must be one integer or [{n_frames}], got {list(actions.shape)}"
        )
    least, most = int(actions.min()), int(actions.max())
    if least < 0 or most >= n_outputs:
        raise ObservationError(f"actions must be 0 to {n_outputs - 1}, got {least} to {most}")
    return actions.expand(n_frames)
