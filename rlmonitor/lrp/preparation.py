"""What stands between the observation and the first layers that mix it by weights.

Networks scale pixels, subtract means, or put a batch normalisation in front. Rules of first layers
such as z_box do not look at the distance to 0 but at a box, which is shifted and scaled too: in
terms of the prepared input ``y = s x + c`` with the box ``s l + c`` to ``s h + c``, contributions
under z_box are those of ``x`` in the box ``l`` to ``h``, as under flat, which looks at neither. So
these rules hand their relevance through what shifts and scales, unchanged. Rules that share by
products of input and weight (epsilon, gamma) leave to what is added its own part instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from rlmonitor.lrp.constants import Shift
from rlmonitor.lrp.layers import Affine, Convolution, Dense, Elementwise, Scale, SpaceToDepth
from rlmonitor.lrp.mixing import Centring, Concatenation, Sum
from rlmonitor.lrp.observations import Input
from rlmonitor.lrp.recurrent import LastStep, Lstm
from rlmonitor.lrp.rules import Bound, Rule
from rlmonitor.lrp.tracing import Node

WeightsByNode = Mapping[int, tuple[Tensor, Tensor | None]]
"""Weight and bias of the nodes that have some."""


def passing(nodes: Sequence[Node], rules: Mapping[int, Rule]) -> frozenset[int]:
    """The shifting and scaling layers that hand relevance on as it is.

    They stand before a first layer whose rule gives something to inputs that are 0.

    Args:
        nodes: of the network.
        rules: of the nodes with weights.
    """
    found: set[int] = set()
    for index, rule in rules.items():
        if not isinstance(nodes[index].layer, Scale) and not rule.spares_zeros:
            above = _upstream(nodes, index)
            if not any(isinstance(nodes[one].layer, Dense | Convolution | Lstm) for one in above):
                found |= {one for one in above if isinstance(nodes[one].layer, _PREPARING)}
    return frozenset(found)


_PREPARING = Shift | Scale | Centring


def _upstream(nodes: Sequence[Node], index: int) -> set[int]:
    """All nodes that a node depends on."""
    found: set[int] = set()
    left = [index]
    while left:
        new = {source for source in nodes[left.pop()].inputs if source >= 0} - found
        found |= new
        left += new
    return found


def bounds_of(
    nodes: Sequence[Node],
    index: int,
    inputs: Sequence[Input],
    shapes: Sequence[torch.Size],
    weights: WeightsByNode,
) -> tuple[Bound, Bound]:
    """The smallest and the largest values that may enter a first layer.

    Args:
        nodes: of the network.
        index: of the layer; none before it mixes inputs by weights.
        inputs: of the network.
        shapes: of one observation for each input.
        weights: of the nodes, as they are now.

    Returns:
        Numbers, or ``[1, ...]`` in the shape of what enters, where the bounds differ inside.
    """
    weight = weights[index][0]
    above = _upstream(nodes, index)
    if all(isinstance(nodes[one].layer, Elementwise | SpaceToDepth) for one in above):
        shapes = [torch.Size([1] * len(shape)) for shape in shapes]
    (source,) = nodes[index].inputs
    corners = _corners(nodes, source, inputs, shapes, weights, weight)
    low, high = corners[:1], corners[1:]
    if bool((low == low.amin()).all()) and bool((high == high.amax()).all()):
        return float(low.amin()), float(high.amax())
    return low.contiguous(), high.contiguous()


def _corners(
    nodes: Sequence[Node],
    source: int,
    inputs: Sequence[Input],
    shapes: Sequence[torch.Size],
    weights: WeightsByNode,
    like: Tensor,
) -> Tensor:
    """``[2, ...]``, the smallest and the largest output of a node, or values of an input."""
    if source < 0:
        one = inputs[-1 - source]
        ends = torch.tensor([one.low, one.high]) * one.divisor
        shape = shapes[-1 - source]
        return ends.to(like).reshape(2, *[1] * len(shape)).expand(2, *shape)
    node = nodes[source]
    layer = node.layer
    if isinstance(layer, LastStep):  # its other input says what is last
        return _corners(nodes, node.inputs[0], inputs, shapes, weights, like)
    entering = [_corners(nodes, at, inputs, shapes, weights, like) for at in node.inputs]
    if isinstance(layer, SpaceToDepth) and entering[0].shape[2:] == (1, 1):
        return entering[0]  # one pixel stands for all, and so it does for all of a block
    if isinstance(layer, Centring):  # what it divides by has no lower bound
        return torch.stack([entering[0][0] - torch.inf, entering[0][1] + torch.inf])
    if isinstance(layer, Sum):
        signed = zip(entering, layer.factors, strict=True)
        entering = [one.flip(0) if factor < 0 else one for one, factor in signed]
    if isinstance(layer, Affine):
        results = layer.apply(entering[0], *weights[source])
    elif isinstance(layer, Sum | Concatenation):
        results = layer.forward(*entering)
    else:
        assert not isinstance(layer, Lstm)  # no layer behind one is a first one
        results = layer.forward(entering[0])
    unknown = results.isnan().any(0)
    low, high = results.amin(0), results.amax(0)
    return torch.stack([low.masked_fill(unknown, -torch.inf), high.masked_fill(unknown, torch.inf)])
