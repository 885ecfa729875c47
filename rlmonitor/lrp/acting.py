"""A network's outputs for a move in a game: one or a few frames at once, hundreds of times a round.

What makes explaining many frames fast makes a single one slow: blocks of pixels that are rearranged
first, channels last in memory, and a look at every layer's shape. Here the layers are called as a
policy's own modules call them, on weights that are prepared once; what pixels are divided by goes
into the weights behind it.
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

from rlmonitor.lrp.constants import Rescale
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
    nodes = frozen.nodes[: frozen.output + 1]
    steps = [_step(nodes, index) for index in range(len(nodes))]
    like = next(node.layer.parameters.weight for node in nodes if isinstance(node.layer, Affine))

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
    if isinstance(layer, SpaceToDepth) or _is_folded(nodes, index):
        return _as_it_is, sources
    if not isinstance(layer, Affine):
        return layer.forward, sources
    weight, bias = layer.parameters.weight, layer.parameters.bias
    if (scale := _scale_before(nodes, index)) is not None:
        weight = weight * scale
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


def _is_folded(nodes: Sequence[Node], index: int) -> bool:
    """Whether the weights behind a node do its work: it scales what one such layer takes, alone."""
    layer = nodes[index].layer
    takers = [at for at, node in enumerate(nodes) if index in node.inputs]
    if not isinstance(layer, Rescale | SpaceToDepth) or len(takers) != 1:
        return False
    if isinstance(layer, Rescale) and layer.factor is None:
        return False
    (taker,) = takers
    behind = nodes[taker].layer
    return isinstance(behind, Affine) or (
        isinstance(behind, SpaceToDepth) and _is_folded(nodes, taker)
    )


def _scale_before(nodes: Sequence[Node], index: int) -> float | None:
    """What the weights of a layer take over from the node before it; None where they need not."""
    (source,) = nodes[index].inputs
    while source >= 0 and isinstance(nodes[source].layer, SpaceToDepth):
        (source,) = nodes[source].inputs
    layer = nodes[source].layer if source >= 0 else None
    return layer.factor if isinstance(layer, Rescale) and _is_folded(nodes, source) else None


def _as_it_is(value: Tensor) -> Tensor:
    return value
