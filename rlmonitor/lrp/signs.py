"""What is known about signs before any number is seen: behind ReLUs nothing is negative.

It saves looking at the numbers, and it changes none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rlmonitor.lrp.layers import Elementwise, MaxPooling, Permute, Reshape, SpaceToDepth
from rlmonitor.lrp.rules import Rule
from rlmonitor.lrp.tracing import Node

_KEEPING = Reshape | Permute | SpaceToDepth | MaxPooling
"""Layers whose outputs are some of their inputs."""


def rectified_inputs(nodes: Sequence[Node]) -> frozenset[int]:
    """The nodes that take what a ReLU gave, perhaps in another shape: it is never negative."""
    known: set[int] = set()
    for index, node in enumerate(nodes):  # sources come before
        if isinstance(node.layer, Elementwise):
            if node.layer.rectifies:
                known.add(index)
        elif isinstance(node.layer, _KEEPING) and node.inputs[0] in known:
            known.add(index)
    return frozenset(
        index
        for index, node in enumerate(nodes)
        if node.inputs and all(source in known for source in node.inputs)
    )


def rectified_outputs(nodes: Sequence[Node], rules: Mapping[int, Rule]) -> frozenset[int]:
    """The nodes that get relevance at positive outputs alone.

    All that reads such a node is a ReLU, and all that reads the ReLU are layers whose rules share
    by products with their inputs: where an output is not positive, that factor is 0.

    Args:
        nodes: of the network, up to where relevance starts.
        rules: of the nodes with weights.
    """
    readers: list[list[int]] = [[] for _ in nodes]
    for index, node in enumerate(nodes):
        for source in node.inputs:
            if source >= 0:
                readers[source].append(index)

    def multiplies(index: int) -> bool:
        """Whether relevance comes to a node only as a product with what it puts out."""
        return bool(readers[index]) and all(
            rules[reader].spares_zeros
            if reader in rules
            else isinstance(nodes[reader].layer, _KEEPING) and multiplies(reader)
            for reader in readers[index]
        )

    def is_rectified(index: int) -> bool:
        return bool(readers[index]) and all(
            isinstance(layer := nodes[reader].layer, Elementwise)
            and layer.rectifies
            and multiplies(reader)
            for reader in readers[index]
        )

    return frozenset(index for index in rules if is_rectified(index))
