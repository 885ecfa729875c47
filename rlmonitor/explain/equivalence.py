"""Other networks that compute the same function, to test whether maps depend on more than that.

A hidden layer's units are split, rescaled or put in another order, and the next layer's weights are
changed so that the outputs stay the same. Montavon 2019 (doi 10.1007/978-3-030-28954-6_13) shows
with such pairs that gradients are invariant to the implementation and LRP need not be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from rlmonitor.errors import UnknownNameError, UnsupportedLayerError
from rlmonitor.lrp.layers import Convolution, Dense, Elementwise, MaxPooling, Reshape
from rlmonitor.lrp.network import Network
from rlmonitor.lrp.parameters import FixedParameters


@dataclass(frozen=True)
class Pair:
    """Weights of a hidden layer and of the one that reads it.

    Attributes:
        weight: ``[units, ...]``.
        bias: ``[units]``, or None.
        reading: ``[out, units, places]``, how each output reads each unit wherever it stands.
    """

    weight: Tensor
    bias: Tensor | None
    reading: Tensor

    def units(self, order: Tensor, share: Tensor) -> Pair:
        """Unit ``order[u]`` as the new unit ``u``, read with ``share[u]`` of the old weights."""
        reading = self.reading[:, order] * share[:, None]
        return Pair(self.weight[order], None if self.bias is None else self.bias[order], reading)


Change = Callable[[Pair, np.random.Generator], Pair]


def _permuted(pair: Pair, rng: np.random.Generator) -> Pair:
    order = torch.from_numpy(rng.permutation(len(pair.weight))).to(pair.weight.device)
    return pair.units(order, pair.weight.new_ones(len(order)))


def _rescaled(pair: Pair, rng: np.random.Generator) -> Pair:
    """Each unit times a number between 1/2 and 2, which a ReLU lets through."""
    scale = torch.from_numpy(2 ** rng.uniform(-1, 1, len(pair.weight))).to(pair.weight)
    bias = None if pair.bias is None else pair.bias * scale
    weight = pair.weight * scale.reshape(-1, *[1] * (pair.weight.ndim - 1))
    return Pair(weight, bias, pair.reading / scale[:, None])


def _split(low: float, high: float, pair: Pair, rng: np.random.Generator) -> Pair:
    """Each unit twice, the first copy read with a share of the weight, the other with the rest."""
    share = torch.from_numpy(rng.uniform(low, high, len(pair.weight))).to(pair.weight)
    order = torch.arange(len(share), device=share.device).repeat(2)
    return pair.units(order, torch.cat([share, 1 - share]))


CHANGES: Mapping[str, Change] = MappingProxyType(
    {
        "permuted": _permuted,
        "rescaled": _rescaled,
        "split": lambda pair, rng: _split(0.2, 0.8, pair, rng),
        "cancelling": lambda pair, rng: _split(1.2, 1.8, pair, rng),
    }
)
"""Ways to change hidden layers.

In ``"split"`` two copies of a unit are read with positive shares of its weight, in ``"cancelling"``
with one above 1 and one below 0, which work against each other.
"""


def equivalent(network: Network, change: str, seed: int = 0) -> Network:
    """Another network with the same outputs.

    All hidden layers are changed that only one Linear or Conv2d layer reads, through activations,
    reshaping and max pooling at most. Activations must be ReLUs or LeakyReLUs for ``"rescaled"``.
    The new network holds copies: it does not follow a training.

    Args:
        network: from :func:`rlmonitor.lrp.network_of`.
        change: a name of ``CHANGES``.
        seed: of what is drawn.

    Raises:
        UnknownNameError: no such change.
        UnsupportedLayerError: no hidden layer can be changed.
    """
    if change not in CHANGES:
        raise UnknownNameError("change", change, CHANGES)
    rng, nodes = np.random.default_rng(seed), list(network.nodes)
    found = False
    for hidden, reader in _pairs(network):
        found = True
        above, below = nodes[hidden].layer, nodes[reader].layer
        assert isinstance(above, Dense | Convolution)
        assert isinstance(below, Dense | Convolution)
        weight = below.parameters.weight.detach()
        units = above.parameters.weight.shape[0]
        bias = above.parameters.bias
        pair = CHANGES[change](
            Pair(
                above.parameters.weight.detach(),
                None if bias is None else bias.detach(),
                weight.reshape(len(weight), units, -1),
            ),
            rng,
        )
        shape = (len(weight), -1, *weight.shape[2:]) if weight.ndim == 4 else (len(weight), -1)
        nodes[hidden] = replace(
            nodes[hidden], layer=replace(above, parameters=FixedParameters(pair.weight, pair.bias))
        )
        nodes[reader] = replace(
            nodes[reader],
            layer=replace(below, parameters=_with_weight(below, pair.reading.reshape(shape))),
        )
    if not found:
        raise UnsupportedLayerError(
            "no hidden layer of this network can be changed: a Linear or Conv2d layer must be read "
            "by one other, with activations, reshaping or max pooling in between"
        )
    return replace(network, nodes=tuple(nodes))


def _with_weight(layer: Dense | Convolution, weight: Tensor) -> FixedParameters:
    bias = layer.parameters.bias
    return FixedParameters(weight, None if bias is None else bias.detach())


def _pairs(network: Network) -> Iterator[tuple[int, int]]:
    """Each layer that one other layer reads, with that layer, from the input on."""
    for index, node in enumerate(network.nodes):
        if not _has_units(node.layer) or index in (network.output, network.value):
            continue
        reader = _reader(network, index)
        if reader is not None:
            yield index, reader


def _has_units(layer: object) -> bool:
    return isinstance(layer, Dense) or (isinstance(layer, Convolution) and layer.groups == 1)


def _reader(network: Network, index: int) -> int | None:
    """The only layer with units that reads a node, if all between keeps units apart."""
    while True:
        readers = [at for at, node in enumerate(network.nodes) if index in node.inputs]
        if len(readers) != 1 or index in (network.output, network.value):
            return None
        (index,) = readers
        layer = network.nodes[index].layer
        if _has_units(layer):
            return index
        if not isinstance(layer, Elementwise | Reshape | MaxPooling):
            return None
