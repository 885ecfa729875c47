"""Other ways to explain a network, under the interface of LRP.

They are what LRP is compared with: gradients, perturbations, the argmax rule, and methods that know
nothing of the network. All explain the function that :func:`rlmonitor.lrp.attribute` explains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rlmonitor.errors import NonFiniteError, UnknownNameError
from rlmonitor.explain.argmax import argmax
from rlmonitor.explain.controls import edges, noise
from rlmonitor.explain.gradients import (
    gradient,
    gradient_x_input,
    integrated_gradients,
    simple_taylor,
    smoothgrad,
)
from rlmonitor.explain.perturbation import blur, occlusion
from rlmonitor.explain.question import Maps, Question
from rlmonitor.explain.target_function import TargetFunction
from rlmonitor.lrp.composites import COMPOSITES, Composite
from rlmonitor.lrp.network import Network
from rlmonitor.lrp.observations import Observation
from rlmonitor.lrp.propagation import CHUNK, Relevance, attribute
from rlmonitor.lrp.targets import Target, checked_action


@dataclass(frozen=True)
class Method:
    """One way to explain a network.

    Attributes:
        name: goes into every result.
        summary: one line.
        function: from a question to the maps.
    """

    name: str
    summary: str
    function: Callable[[Question], Maps]


_METHODS = (
    Method("gradient", "gradient by the input", gradient),
    Method("gradient-x-input", "gradient times input", gradient_x_input),
    Method("simple-taylor", "first-order terms at the nearest root", simple_taylor),
    Method("integrated-gradients", "mean gradient from black, times input", integrated_gradients),
    Method("smoothgrad", "mean gradient under noise", smoothgrad),
    Method("occlusion", "what is lost with each patch", occlusion),
    Method("blur", "squared change when a spot is blurred", blur),
    Method("lrp-argmax", "LRP, the largest contribution takes all", argmax),
    Method("edges", "edges of the image, whatever the network", edges),
    Method("random", "random numbers", noise),
)

METHODS: Mapping[str, Method] = MappingProxyType({method.name: method for method in _METHODS})
"""All baselines by name. :func:`explain` takes the names of ``rlmonitor.lrp.COMPOSITES`` too."""


def explain(
    network: Network,
    observation: Observation,
    target: Target = "q",
    method: str | Method | Composite = "integrated-gradients",
    *,
    action: int | NDArray[np.integer] | Tensor | None = None,
    seed: int = 0,
) -> Relevance:
    """Explain one target by any method.

    Args:
        network: from :func:`rlmonitor.lrp.network_of`.
        observation: ``[N, C, H, W]`` or ``[N, D]``, as the policy gets it; a dict of them where
            the observation space is one.
        target: as for :func:`rlmonitor.lrp.attribute`.
        method: a name of ``METHODS`` or of ``rlmonitor.lrp.COMPOSITES``, or one of them.
        action: for ``"q"``, ``"logit"`` and ``"advantage"``, one action or ``[N]`` of them; the
            greedy ones where it is None.
        seed: of methods that draw numbers; the same seed gives the same maps.

    Returns:
        The relevance; ``composite`` is the method's name and ``absorbed`` is what the map's sum
        lacks of the explained number, whatever the method's map should add up to.

    Raises:
        ObservationError: observations or actions that do not fit the network.
        UnknownNameError: no such target or method.
        ConfigurationError: a target that the network does not have; a method that cannot explain
            such observations.
        NonFiniteError: NaN or infinity in weights, outputs or maps.
    """
    chosen = method_of(method)
    with torch.inference_mode(False), torch.no_grad():
        if isinstance(chosen, Composite):
            return attribute(network, observation, target, chosen, action=action)
        function = TargetFunction(network, target)
        tensors = network.checked(observation)
        actions = checked_action(action, len(tensors[0]), network.n_outputs)
        return _joined(list(_explained(function, tensors, actions, chosen, seed)), function, chosen)


def method_of(method: str | Method | Composite) -> Method | Composite:
    """The method or composite of that name, or the given one.

    Raises:
        UnknownNameError: there is none.
    """
    if isinstance(method, Method | Composite):
        return method
    known: dict[str, Method | Composite] = {**METHODS, **COMPOSITES}
    if method not in known:
        raise UnknownNameError("method", method, known)
    return known[method]


@dataclass(frozen=True)
class _Chunk:
    maps: Maps
    explained: Tensor
    outputs: Tensor
    action: Tensor


def _explained(
    function: TargetFunction,
    tensors: Sequence[Tensor],
    actions: Tensor | None,
    method: Method,
    seed: int,
) -> Iterator[_Chunk]:
    network = function.network
    for start in range(0, len(tensors[0]), CHUNK):
        part = [tensor[start : start + CHUNK] for tensor in tensors]
        values = network.converted(part)
        activations = function.activations(values)
        outputs = activations[network.output]
        given = None if actions is None else actions[start : start + CHUNK].to(outputs.device)
        action = function.action(outputs, given)
        maps = method.function(Question(function, part, values, action, seed, start))
        if not math.isfinite(sum(float(one.sum()) for one in maps)):
            raise NonFiniteError(f"the map of {method.name!r} overflows, though the outputs do not")
        yield _Chunk(maps, function.read(activations, action), outputs, action)


def _joined(chunks: list[_Chunk], function: TargetFunction, method: Method) -> Relevance:
    explained = torch.cat([chunk.explained for chunk in chunks])
    inputs = function.network.inputs
    maps = {
        one.key: torch.cat([chunk.maps[number] for chunk in chunks]).contiguous()
        for number, one in enumerate(inputs)
    }
    sums = [one.flatten(1).sum(1) for one in maps.values()]
    return Relevance(
        maps,
        explained,
        explained - torch.stack(sums).sum(0),
        torch.cat([chunk.outputs for chunk in chunks]),
        torch.cat([chunk.action for chunk in chunks]),
        function.target,
        method.name,
    )
