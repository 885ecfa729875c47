"""The number that is explained as a function of the observation, with its gradient.

Baselines and tests of faithfulness must look at the very function that LRP explains: the graph of
:class:`rlmonitor.lrp.Network`, with the same readout of its outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from rlmonitor.lrp.network import Network
from rlmonitor.lrp.targets import Target, action_of, checked_target, readout_of

Values = Sequence[Tensor]
"""A converted observation: one tensor ``[N, ...]`` for each of the network's inputs."""


class TargetFunction:
    """The target of a network, ``f(x)``.

    It holds the weights as they are when it is made and should live no longer than one call.

    Args:
        network: from :func:`rlmonitor.lrp.network_of`.
        target: as :func:`rlmonitor.lrp.attribute` takes it.

    Raises:
        UnknownNameError, ConfigurationError, ObservationError: no such target.
    """

    def __init__(self, network: Network, target: Target) -> None:
        self.network, self.target = network, checked_target(target, network)
        by_value = self.target == "value"
        self.n_nodes = len(network.nodes) if by_value else network.output + 1
        self._readout = None if by_value else readout_of(self.target, network.n_outputs)
        self.weights = network.weights(self.n_nodes)

    def activations(self, values: Values) -> list[Tensor]:
        """The output of each node.

        Raises:
            NonFiniteError: names the first layer whose weights or outputs are not finite.
        """
        outputs = self.network.activations(values, self.weights, self.n_nodes)
        self.network.check_finite([output.detach() for output in outputs], self.weights)
        return outputs

    def outputs(self, values: Values) -> Tensor:
        """The network's outputs, ``[N, A]``."""
        return self.activations(values)[self.network.output]

    def action(self, outputs: Tensor, actions: Tensor | None) -> Tensor:
        """The action that is explained, ``[N]``: the target's, the given ones or the greedy."""
        return action_of(self.target, outputs, actions)

    def __call__(self, values: Values, action: Tensor) -> Tensor:
        """The explained number, ``[N]``, for one action for each frame."""
        return self.read(self.activations(values), action)

    def read(self, activations: Sequence[Tensor], action: Tensor) -> Tensor:
        """The explained number, ``[N]``, from the output of each node."""
        network = self.network
        if self.target == "value" and network.value is not None:
            return activations[network.value][:, 0]
        outputs = activations[network.output]
        if self._readout is None:
            weight = functional.one_hot(action, network.n_outputs).to(outputs)
        else:
            weight = self._readout.to(outputs)[action]
        return (weight * outputs).sum(1)

    def gradient(self, values: Values, action: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The explained number, ``[N]``, and its gradient by each input.

        Works whatever the caller has switched off (``no_grad``, ``inference_mode``); weights are
        detached views, so that nothing of the modules takes part in it.
        """
        with torch.inference_mode(False), torch.enable_grad():
            leaves = [value.detach().clone().requires_grad_() for value in values]
            result = self(leaves, action)
            found = torch.autograd.grad(result.sum(), leaves, allow_unused=True)
        gradients = tuple(
            torch.zeros_like(value) if one is None else one
            for one, value in zip(found, values, strict=True)
        )
        return result.detach(), gradients
