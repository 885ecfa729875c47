"""A policy's network as a graph of layers, with its weights read live."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor

from rlmonitor.errors import NonFiniteError, ObservationError, UnsupportedLayerError
from rlmonitor.lrp.constants import Rescale, Shift
from rlmonitor.lrp.layers import Affine, Convolution, Dense, Elementwise, arranged
from rlmonitor.lrp.mixing import Average, Concatenation, Sum
from rlmonitor.lrp.observations import SINGLE, Input, Observation, Windows, checked
from rlmonitor.lrp.parameters import FixedParameters, fresh
from rlmonitor.lrp.recurrent import Lstm
from rlmonitor.lrp.tracing import Node

Weights = dict[int, tuple[Tensor, Tensor | None]]
"""Weight and bias of each node that has some, by the node's index."""


@dataclass(frozen=True)
class Activations:
    """What a network computed for a batch: it can be explained without another forward pass.

    Attributes:
        network: a snapshot, so that training in the meantime changes nothing.
        values: the network's inputs, ``[N, ...]`` each.
        layers: the output of each node, ``[N, ...]``.
        inside: whether the observation lies within the bounds of its space.
    """

    network: Network
    values: tuple[Tensor, ...]
    layers: tuple[Tensor, ...]
    inside: bool = False

    @property
    def outputs(self) -> Tensor:
        """``[N, A]``, the Q-values or logits."""
        return self.layers[self.network.output]


FORWARD_CHUNK = 256
"""Frames that go through the network at once, which bounds memory."""

Q_TARGETS = ("q", "advantage")
"""What can be explained of Q-values, by name."""

POLICY_TARGETS = ("logit", "advantage")
"""What can be explained of a policy's logits."""


@dataclass(frozen=True)
class Network:
    """An immutable graph of layers; made by :func:`rlmonitor.lrp.network_of`.

    Attributes:
        nodes: in order of computation; those behind ``output`` serve the value only.
        n_outputs: A, the number of outputs (Q-values or logits).
        inputs: the tensors that it takes.
        output: index of the node that gives the outputs.
        value: index of the node that gives the state's value, ``[N, 1]``; None without one.
        targets: names of what can be explained.
        is_snapshot: whether the weights are copies, which no training changes.
    """

    nodes: tuple[Node, ...]
    n_outputs: int
    inputs: tuple[Input, ...]
    output: int
    value: int | None = None
    targets: tuple[str, ...] = Q_TARGETS
    is_snapshot: bool = False

    @property
    def observation_shape(self) -> tuple[int, ...] | None:
        """``(C, H, W)`` or ``(D,)``; None where it is not known or observations are dicts."""
        return self.inputs[0].shape if self.inputs[0].key == SINGLE else None

    @torch.no_grad()
    def forward(self, observation: Observation | Windows) -> Tensor:
        """The outputs (Q-values or logits), without touching the modules' modes or gradients.

        Args:
            observation: ``[N, C, H, W]`` or ``[N, D]`` as the policy gets it, or a dict of them:
                uint8 images are divided by 255 where stable-baselines3 would do so.

        Returns:
            ``[N, A]`` on the weights' device.

        Raises:
            ObservationError: the observation does not fit.
            NonFiniteError: the outputs are not finite; names the first layer to blame.
        """
        n_nodes = self.output + 1
        weights, results = self.weights(n_nodes), []
        tensors = self.checked(observation)
        chunk = max(1, FORWARD_CHUNK // self.n_steps(tensors))
        for start in range(0, len(tensors[0]), chunk):
            frames = [tensor[start : start + chunk] for tensor in tensors]
            outputs = self.activations(self.converted(frames), weights, n_nodes)
            self.check_finite(outputs, weights)
            results.append(outputs[self.output])
        return torch.cat(results)

    @torch.no_grad()
    def activate(self, observation: Observation | Windows) -> Activations:
        """One forward pass, with all that is needed to explain it later; NatureCNN: 0.2 MB a frame.

        ``attribute(seen.network, seen)`` explains ``seen = network.activate(observation)``. Many
        calls with the same weights should start from one :meth:`snapshot`.

        Raises:
            ObservationError: the observation does not fit.
            NonFiniteError: the outputs are not finite; names the first layer to blame.
        """
        frozen = self.snapshot()
        tensors = frozen.checked(observation)
        weights, values = frozen.weights(), frozen.converted(tensors)
        layers = frozen.activations(values, weights)
        frozen.check_finite(layers, weights)
        return Activations(frozen, values, tuple(layers), frozen.inside(tensors))

    def snapshot(self) -> Network:
        """The network with the weights that it has now, whatever happens to the modules.

        Many calls in a row are faster on it: weights are converted once, not in each call.
        """
        if self.is_snapshot:
            return self
        return replace(self, nodes=tuple(map(_fixed, self.nodes)), is_snapshot=True)

    def weights(self, n_nodes: int | None = None) -> Weights:
        """The weights of the first nodes as they are now, at least in single precision."""
        ready = self.is_snapshot  # converted when it was taken
        return {
            index: (own.weight, own.bias)
            if ready
            else (_computable(own.weight), _computable(own.bias))
            for index, node in enumerate(self.nodes[:n_nodes])
            if isinstance(layer := node.layer, Affine)
            for own in (layer.parameters,)
        }

    def activations(
        self, values: Sequence[Tensor], weights: Weights, n_nodes: int | None = None
    ) -> list[Tensor]:
        """The outputs of the first nodes, from a converted observation.

        Raises:
            ObservationError: the observation's shape does not fit a layer.
        """
        outputs: list[Tensor] = []
        for index, node in enumerate(self.nodes[:n_nodes]):
            entering = self.entering(index, values, outputs)
            with _fitting(node, entering):
                if isinstance(node.layer, Affine):
                    outputs.append(node.layer.apply(entering[0], *weights[index]))
                else:
                    outputs.append(node.layer.forward(*entering))
        return outputs

    def entering(self, index: int, values: Sequence[Tensor], outputs: list[Tensor]) -> list[Tensor]:
        """What a node takes, given the converted observation and the nodes' outputs."""
        return [
            values[-1 - source] if source < 0 else outputs[source]
            for source in self.nodes[index].inputs
        ]

    def check_finite(self, outputs: list[Tensor], weights: Weights) -> None:
        """Look at the network's outputs, and at all layers if something is wrong there.

        Raises:
            NonFiniteError: names the first layer whose weights or outputs are not finite.
        """
        heads = {self.output, len(outputs) - 1}
        if not all(math.isfinite(float(outputs[head].sum())) for head in heads):
            raise NonFiniteError(self.diagnosis(outputs, weights))

    def diagnosis(self, outputs: list[Tensor], weights: Weights) -> str:
        """Which layer first has weights or outputs that are not finite, in words.

        Outputs that are known no more count as finite.
        """
        for index, (node, output) in enumerate(zip_longest(self.nodes, outputs)):
            for kind, tensor in zip(("weight", "bias"), weights.get(index, ()), strict=False):
                if tensor is not None and not bool(torch.isfinite(tensor).all()):
                    return f"the {kind} of {node.name} holds NaN or infinity"
            if isinstance(node.layer, Lstm) and not node.layer.is_finite():
                return f"a weight or bias of {node.name} holds NaN or infinity"
            if output is not None and not bool(torch.isfinite(output).all()):
                return f"the output of {node.name} overflows, though its weights are finite"
        return "relevance overflows, though weights and outputs are finite"

    def checked(self, observation: Observation | Windows) -> tuple[Tensor, ...]:
        """The observation as tensors of their own types, one for each input.

        Raises:
            ObservationError: it does not fit the network; the message tells what would.
        """
        return checked(self.inputs, observation)

    def inside(self, tensors: Sequence[Tensor]) -> bool:
        """Whether checked observations lie within the bounds of their spaces."""
        return all(one.inside(tensor) for one, tensor in zip(self.inputs, tensors, strict=False))

    def n_steps(self, tensors: Sequence[Tensor]) -> int:
        """How many frames one item of a checked batch holds."""
        return 1

    def converted(self, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Checked observations in the device, precision and layout that the first nodes take."""
        weight = next(
            node.layer.parameters.weight for node in self.nodes if isinstance(node.layer, Affine)
        )
        precision = _precision(weight)
        return tuple(arranged(tensor.to(weight.device)).to(precision) for tensor in tensors)

    def randomised(self, seed: int) -> Network:
        """The same architecture with fresh weights, as torch starts them.

        So does stable-baselines3 for DQN and QR-DQN; its policy gradients start orthogonally.
        Weights and biases are uniform within 1 / sqrt(fan-in), drawn from a generator of its own;
        normalisations start as they do in torch.

        Args:
            seed: of that generator.
        """
        generator = torch.Generator().manual_seed(seed)
        nodes = tuple(_randomised(node, generator) for node in self.nodes)
        return replace(self, nodes=nodes, is_snapshot=False)


def _computable(tensor: Tensor | None) -> Any:
    """Detached; half precision as single precision, because CPUs are slow and coarse in it."""
    if tensor is None:
        return None
    return arranged(tensor.detach().to(_precision(tensor)))


def _precision(tensor: Tensor) -> torch.dtype:
    return torch.float64 if tensor.dtype == torch.float64 else torch.float32


@contextmanager
def _fitting(node: Node, values: list[Tensor]) -> Iterator[None]:
    """Turn torch's complaint about a shape into ours, which names the layer."""
    try:
        yield
    except RuntimeError as error:
        shapes = " and ".join(str(list(value.shape)) for value in values)
        raise ObservationError(
            f"{shapes} does not fit {node.name}: {str(error).splitlines()[0]}"
        ) from error


def _fixed(node: Node) -> Node:
    if isinstance(node.layer, Lstm | Rescale | Shift):
        return replace(node, layer=node.layer.fixed())
    if not isinstance(node.layer, Affine):
        return node
    weight, bias = node.layer.parameters.weight, node.layer.parameters.bias
    parameters = FixedParameters(
        _computable(weight.detach().clone()),
        None if bias is None else _computable(bias.detach().clone()),
    )
    return replace(node, layer=replace(node.layer, parameters=parameters))


def _randomised(node: Node, generator: torch.Generator) -> Node:
    def draw(like: Tensor, bound: float) -> Tensor:
        values = torch.empty(like.shape).uniform_(-bound, bound, generator=generator)
        return values.to(device=like.device, dtype=like.dtype)

    if isinstance(node.layer, Lstm):
        return replace(node, layer=node.layer.fresh(draw))
    if not isinstance(node.layer, Affine):
        return node
    parameters = fresh(node.layer.parameters, draw)
    return replace(node, layer=replace(node.layer, parameters=parameters))


def width(nodes: Sequence[Node], index: int) -> int:
    """How many numbers a network that ends with this node gives for each frame.

    Raises:
        UnsupportedLayerError: it does not stand for Linear layers alone.
    """
    found = _width(nodes, index)
    if found is None:
        layers = [node for node in nodes[: index + 1] if not isinstance(node.layer, Elementwise)]
        last = layers[-1].name if layers else "nothing"
        raise UnsupportedLayerError(
            "a network must end in a Linear layer (activations, sums and means of Linear layers "
            f"may follow), not in {last}"
        )
    return found


def _width(nodes: Sequence[Node], index: int) -> int | None:
    if index < 0:
        return None
    layer = nodes[index].layer
    if isinstance(layer, Dense):
        return layer.parameters.weight.shape[0]
    widths = [_width(nodes, source) for source in nodes[index].inputs]
    known = [width for width in widths if width is not None]
    if len(known) < len(widths):
        return None
    if isinstance(layer, Average):
        return 1
    if isinstance(layer, Concatenation):
        return sum(known)
    return max(known) if isinstance(layer, Elementwise | Sum | Shift) else None


def is_first(nodes: Sequence[Node], index: int) -> bool:
    """Whether no layer that mixes inputs by weights stands between the observation and this node.

    Normalisations and constants may: they prepare the observation, number by number.
    """
    return not any(
        isinstance(nodes[source].layer, Dense | Convolution | Lstm) or not is_first(nodes, source)
        for source in nodes[index].inputs
        if source >= 0
    )
