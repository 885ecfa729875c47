"""LRP with the argmax rule: Huber, Schiller and André 2019 (doi 10.1007/978-3-030-30179-8_16).

In a convolution all relevance of an output goes to the one input that contributed most to it,
``argmax_j x_j w_jk``; of equal ones the first. Dense layers and the first convolution, which sees
the observation, get z+ without a bias, as in the authors' code. So relevance is lost only where
nothing contributes, and maps are made of few spots.

A winner takes all relevance in max pooling too, so a convolution is treated like that: the network
that is explained computes the same, and its convolutions hand relevance on to winners.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from rlmonitor.explain.question import Maps, Question
from rlmonitor.lrp.composites import Composite
from rlmonitor.lrp.layers import Convolution, Dense, MaxPooling
from rlmonitor.lrp.network import Network, is_first
from rlmonitor.lrp.propagation import attribute
from rlmonitor.lrp.rules import STABILISER, Part, Rule, z_plus


def argmax(question: Question) -> Maps:
    """The map of LRP with the argmax rule."""
    network, function = winner_takes_all(question.function.network), question.function
    relevance = attribute(
        network, question.observation, function.target, COMPOSITE, action=question.action
    )
    return tuple(relevance.maps.values())


def winner_takes_all(network: Network) -> Network:
    """The same function, whose convolutions behind the first hand relevance on to winners."""
    nodes = network.nodes
    return replace(
        network,
        nodes=tuple(
            replace(node, layer=Winners.of(node.layer))
            if isinstance(node.layer, Convolution) and not is_first(nodes, index)
            else node
            for index, node in enumerate(nodes)
        ),
    )


def _without_bias(rule: Rule) -> Rule:
    parts = tuple(Part(part.branches, None, part.coefficient, part.where) for part in rule.parts)
    return Rule(f"{rule.name} without bias", parts, STABILISER)


COMPOSITE = Composite("lrp-argmax", rules=(((Dense, Convolution), _without_bias(z_plus())),))
"""For what is left of a network whose convolutions hand relevance on to winners."""


@dataclass(frozen=True)
class Winners(MaxPooling):
    """A convolution that hands relevance on as max pooling does: the largest contribution wins.

    Attributes:
        convolution: what is computed.
    """

    convolution: Convolution

    @classmethod
    def of(cls, convolution: Convolution) -> Winners:
        """That of a convolution."""

        def function(value: Tensor) -> tuple[Tensor, Tensor]:
            weight, bias = _live(convolution, value)
            return convolution.apply(value, weight, bias), winners(convolution, value)

        return cls(function, convolution)

    def forward(self, value: Tensor) -> Tensor:
        """``[N, in, H, W]`` to ``[N, out, h, w]``."""
        return self.convolution.apply(value, *_live(self.convolution, value))

    def backward(self, relevance: Tensor, value: Tensor) -> Tensor:
        """The relevance at the winners; what wins for several outputs gets their sum."""
        taken = winners(self.convolution, value).flatten(1)
        below = torch.zeros_like(value, memory_format=torch.contiguous_format).flatten(1)
        return below.scatter_add_(1, taken, relevance.flatten(1)).reshape(value.shape)


def winners(layer: Convolution, value: Tensor) -> Tensor:
    """Which input contributes most to each output, ``[N, out, h, w]``: index in ``[in * H * W]``.

    A border of zeros never wins.
    """
    weight, _ = _live(layer, value)
    windows = _windows(layer)
    places = torch.arange(value[0].numel(), dtype=torch.float64, device=value.device) + 1
    index = windows(places.reshape(1, *value.shape[1:])).to(torch.int64)[0] - 1
    seen = windows(value)
    kernels = weight.flatten(1)
    n_windows, per_group = seen.shape[2], kernels.shape[1]
    best = []
    for output, kernel in enumerate(kernels):
        group = output // (len(kernels) // layer.groups)
        own = slice(group * per_group, (group + 1) * per_group)
        contributions = seen[:, own] * kernel[:, None]
        contributions.masked_fill_(index[own] < 0, -torch.inf)
        first = contributions.argmax(1)
        best.append(index[own].expand(len(value), -1, -1).gather(1, first[:, None])[:, 0])
    found = torch.stack(best, 1)
    rows = layer.apply(value[:1], weight, None).shape[2]
    return found.reshape(len(value), len(kernels), rows, n_windows // rows)


def _windows(layer: Convolution) -> Callable[[Tensor], Tensor]:
    """From ``[N, in, H, W]`` to what each output sees, ``[N, in * kh * kw, h * w]``."""

    def unfold(value: Tensor) -> Tensor:
        size = layer.parameters.weight.shape[2:]
        return functional.unfold(
            value, (size[0], size[1]), layer.dilation, layer.padding, layer.stride
        )

    return unfold


def _live(layer: Convolution, value: Tensor) -> tuple[Tensor, Tensor | None]:
    """Weight and bias as they are now, in the value's precision."""
    bias = layer.parameters.bias
    weight = layer.parameters.weight.detach().to(value.dtype)
    return weight, None if bias is None else bias.detach().to(value.dtype)
