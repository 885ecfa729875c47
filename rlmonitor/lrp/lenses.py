"""The layers of a network seen through a composite's rules, with the weights of this moment."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from rlmonitor.lrp.composites import Composite
from rlmonitor.lrp.distribution import Lens, Site
from rlmonitor.lrp.layers import Affine
from rlmonitor.lrp.network import Network, is_first
from rlmonitor.lrp.preparation import bounds_of, passing
from rlmonitor.lrp.rules import Bound, Rule
from rlmonitor.lrp.signs import rectified_inputs, rectified_outputs
from rlmonitor.lrp.targets import Target


class Lenses:
    """What one call shares over chunks and targets: rules, live weights and views of them.

    It lives no longer than the call, because training changes weights without telling anybody.
    """

    def __init__(
        self,
        network: Network,
        composite: Composite,
        targets: Sequence[Target],
        shapes: Sequence[torch.Size],
        *,
        inside: bool,
    ) -> None:
        self.network, self.composite, self.shapes = network, composite, shapes
        # What stands behind the outputs is computed for the value only.
        self.n_nodes = len(network.nodes) if "value" in targets else network.output + 1
        self.weights = network.weights(self.n_nodes)
        nodes = network.nodes[: self.n_nodes]
        rules = {
            index: self._rule(index, layer)
            for index, node in enumerate(nodes)
            if isinstance(layer := node.layer, Affine)
        }
        inputs = rectified_inputs(nodes)
        outputs = rectified_outputs(nodes, rules) - {network.output, network.value}
        self.lenses = {
            index: Lens(
                layer,
                rule,
                *self.weights[index],
                bounds=self._bounds(index),
                inside=inside,
                name=nodes[index].name,
                rectified_input=index in inputs,
                rectified_output=index in outputs,
            )
            for index, rule in rules.items()
            if isinstance(layer := nodes[index].layer, Affine)
        }
        self.passing = passing(network.nodes, rules)

    def _rule(self, index: int, layer: Affine) -> Rule:
        first = is_first(self.network.nodes, index)
        path = self.network.nodes[index].name
        return self.composite.rule_for(layer, is_first=first, path=path)

    def _bounds(self, index: int) -> tuple[Bound, Bound]:
        """Smallest and largest value that a layer may get; known for first layers."""
        if not is_first(self.network.nodes, index):
            return -math.inf, math.inf
        return bounds_of(self.network.nodes, index, self.network.inputs, self.shapes, self.weights)

    def forward(self, values: Sequence[Tensor]) -> list[Tensor]:
        """The output of each node."""
        outputs = self.network.activations(values, self.weights, self.n_nodes)
        self.network.check_finite(outputs, self.weights)
        return outputs

    def sites(self, values: Sequence[Tensor], outputs: list[Tensor]) -> dict[int, Site]:
        """The lenses with a batch: the network's converted input and the output of each node."""
        return {
            index: lens.at(self.network.entering(index, values, outputs)[0], outputs[index])
            for index, lens in self.lenses.items()
        }
