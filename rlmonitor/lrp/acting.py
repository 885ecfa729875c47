"""A network's outputs for a move in a game: one or a few frames at once, hundreds of times a round.

What makes explaining many frames fast makes a single one slow: blocks of pixels that are rearranged
first, channels last in memory, and a look at every layer's shape. Here the layers are called as a
policy's own modules call them, on weights that are prepared once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from rlmonitor.lrp.layers import Affine, Convolution, SpaceToDepth
from rlmonitor.lrp.network import Network
from rlmonitor.lrp.tracing import Node

Step = tuple[Callable[..., Tensor], tuple[int, ...]]
"""What a node computes, and of which nodes' outputs or inputs of the network."""


def outputs_for_moves(network: Network) -> Callable[[NDArray[Any]], NDArray[np.floating[Any]]]:
    """The outputs with the weights that the network has now.

    They differ from :meth:`Network.forward` by rounding, which on the way there depends on the
    number of frames as well.

    Args:
        network: any; recurrent ones and those of several inputs gain nothing.

    Returns:
        From observations ``[N, ...]`` as the policy gets them to Q-values or logits ``[N, A]``,
        with the errors of :meth:`Network.forward`.
    """
    frozen = network.snapshot()

    def usual(observation: NDArray[Any]) -> NDArray[np.floating[Any]]:
        return frozen.forward(observation).float().cpu().numpy()

    if type(frozen) is not Network or len(frozen.inputs) != 1:
        return usual
    steps = [_step(frozen.nodes, index) for index in range(frozen.output + 1)]
    like = next(
        node.layer.parameters.weight for node in frozen.nodes if isinstance(node.layer, Affine)
    )

    @torch.no_grad()
    def outputs(observation: NDArray[Any]) -> NDArray[np.floating[Any]]:
        (tensor,) = frozen.checked(observation)
        try:
            found = _computed(steps, tensor.to(like.device).to(like.dtype)).float().cpu().numpy()
        except RuntimeError:  # it is for the other way to say which layer does not fit
            return usual(observation)
        return found if np.isfinite(found).all() else usual(observation)

    return outputs


def _computed(steps: Sequence[Step], value: Tensor) -> Tensor:
    results: list[Tensor] = []
    for compute, sources in steps:
        results.append(compute(*[value if at < 0 else results[at] for at in sources]))
    return results[-1]


def _step(nodes: Sequence[Node], index: int) -> Step:
    layer, sources = nodes[index].layer, tuple(nodes[index].inputs)
    if isinstance(layer, SpaceToDepth):
        return _as_it_is, sources
    if not isinstance(layer, Affine):
        return layer.forward, sources
    weight, bias = layer.parameters.weight, layer.parameters.bias
    if not isinstance(layer, Convolution):
        return partial(layer.apply, weight=weight, bias=bias), sources
    before = nodes[sources[0]].layer if sources[0] >= 0 else None
    stride = layer.stride
    if isinstance(before, SpaceToDepth):  # of one convolution over blocks, what it was before
        weight, stride = functional.pixel_shuffle(weight, before.size), (before.size,) * 2
    return partial(
        functional.conv2d,
        weight=weight.contiguous(),
        bias=bias,
        stride=stride,
        padding=layer.padding,
        dilation=layer.dilation,
        groups=layer.groups,
    ), sources


def _as_it_is(value: Tensor) -> Tensor:
    return value
