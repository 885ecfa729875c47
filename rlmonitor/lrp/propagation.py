"""Layer-wise relevance propagation through a network.

What is explained is one number for each frame: Q(s, a), or by how much it differs from the other
actions. It is written as a linear function of the outputs, a *readout*, and folded into the last
dense layer: with ``Q = W x + b`` the advantage ``Q_a - mean Q`` is output ``a`` of the layer with
weight ``W - mean W`` and bias ``b - mean b`` (means over the actions), so that one pass explains
it exactly. Where something else ends the network (an activation, the sum of a dueling head), the
readout weighs the relevance of the outputs instead: output ``k`` starts with ``readout_k * Q_k``.

Where the network branches, each branch hands down its own relevance and the node that feeds them
gets the sum.

For every rule and frame, ``sum(map) + absorbed = explained`` but for rounding; ``absorbed`` is
added up from what bias, stabiliser and empty denominators take in each layer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from rlmonitor.errors import ConfigurationError, NonFiniteError, ObservationError
from rlmonitor.lrp.catalogue import Layer
from rlmonitor.lrp.composites import DEFAULT_COMPOSITE, Composite, composite_of
from rlmonitor.lrp.constants import Shift
from rlmonitor.lrp.distribution import Site, total
from rlmonitor.lrp.layers import Passing
from rlmonitor.lrp.lenses import Lenses
from rlmonitor.lrp.mixing import Concatenation, Mixing, share_out
from rlmonitor.lrp.network import Activations, Network
from rlmonitor.lrp.observations import Observation, Windows
from rlmonitor.lrp.recurrent import EachStep, Recurrent
from rlmonitor.lrp.targets import (
    Target,
    action_of,
    checked_action,
    checked_target,
    readout_of,
)

CHUNK = 64
"""Frames that are explained at once: it bounds memory; with half of it dense layers are slower."""


@dataclass(frozen=True)
class Relevance:
    """What each input contributed to what is explained.

    Attributes:
        maps: ``[N, C, H, W]`` or ``[N, D]`` for each key of the observation, in its layout; signed.
            One for each time step for recurrent networks, ``[N, T, ...]``. One number for each
            value where observations are categories.
            Observations that are no dict have the key ``"observation"``. Single precision, or
            double where the network computes in it; on the network's device.
        explained: ``[N]``, the value that is explained.
        absorbed: ``[N]``, what biases, stabilisers and empty denominators took, summed layer by
            layer, and what a recurrent network's memory from before the window took; the sum of all
            maps and ``absorbed`` is ``explained`` for each frame.
        outputs: ``[N, A]``, the network's outputs: Q-values or logits.
        action: ``[N]`` int64, the action that is explained.
        target: a name, an action's index or a pair of them.
        composite: name of the composite; maps of different ones must not be compared.
    """

    maps: Mapping[str, Tensor]
    explained: Tensor
    absorbed: Tensor
    outputs: Tensor
    action: Tensor
    target: Target
    composite: str

    @property
    def map(self) -> Tensor:
        """The map of an observation that is one tensor.

        Raises:
            ConfigurationError: the observation is a dict, see ``maps``.
        """
        if len(self.maps) > 1:
            keys = ", ".join(self.maps)
            raise ConfigurationError(f"there is a map for each of {keys}; take relevance.maps[key]")
        (only,) = self.maps.values()
        return only


def attribute(
    network: Network,
    observation: Observation | Windows | Activations,
    target: Target = "q",
    composite: str | Composite = DEFAULT_COMPOSITE,
    *,
    action: int | NDArray[np.integer] | Tensor | None = None,
) -> Relevance:
    """Explain one target by LRP.

    Args:
        network: from :func:`rlmonitor.lrp.network_of`.
        observation: ``[N, C, H, W]`` or ``[N, D]``, as the policy gets it; a dict of them where
            the observation space is one. Recurrent networks take windows of T time steps,
            ``[N, T, C, H, W]`` or ``[N, T, D]``, or :class:`Windows`; their last steps are
            explained. Or what the network already computed for any of these, see
            :meth:`Network.activate`: that saves the forward pass.
        target: ``"q"``: Q(s, a), for QR-DQN the mean over quantiles; ``"logit"``: that of a policy;
            ``"advantage"``: either one less its mean over the actions; ``"value"``: the critic's
            V(s); an int: the output of that action; a pair ``(a, b)``: output a less output b.
        composite: a preset's name or a composite.
        action: for ``"q"``, ``"logit"`` and ``"advantage"``, one action or ``[N]`` of them; the
            greedy ones where it is None.

    Returns:
        The relevance, see :class:`Relevance`.

    Raises:
        ObservationError: observations or actions that do not fit the network.
        UnknownNameError: no such target or composite.
        ConfigurationError: a target that the network does not have; a composite without a rule for
            some layer.
        NonFiniteError: NaN or infinity in weights, outputs or relevance.
    """
    (relevance,) = attribute_targets(
        network, observation, (target,), composite, action=action
    ).values()
    return relevance


@torch.no_grad()
def attribute_targets(
    network: Network,
    observation: Observation | Windows | Activations,
    targets: Sequence[Target] = ("q", "advantage"),
    composite: str | Composite = DEFAULT_COMPOSITE,
    *,
    action: int | NDArray[np.integer] | Tensor | None = None,
) -> dict[Target, Relevance]:
    """Explain several targets with one forward pass.

    Arguments, results and errors are those of :func:`attribute`, with a :class:`Relevance` for each
    target.
    """
    checked = [checked_target(target, network) for target in targets]
    seen = observation if isinstance(observation, Activations) else None
    frames = _inputs(network, observation)
    n_frames = len(frames[0])
    actions = checked_action(action, n_frames, network.n_outputs)
    shapes = [tensor.shape[1:] for tensor in frames]
    raw = all(tensor.dtype == torch.uint8 for tensor in frames)
    inside = network.inside(frames) if raw and seen is None else seen is not None and seen.inside
    call = Lenses(network, composite_of(composite), checked, shapes, inside=inside)
    found: dict[Target, Relevance] = {}
    chunk = max(1, CHUNK // network.n_steps(frames))
    for start in range(0, n_frames, chunk):
        span = slice(start, start + chunk)
        values = [tensor[span] for tensor in frames]
        if seen is None:
            values = list(network.converted(values))
        outputs = call.forward(values) if seen is None else [layer[span] for layer in seen.layers]
        chosen = None if actions is None else actions[span].to(values[0].device)
        for relevance in _explain(call, values, outputs, checked, chosen):
            target = relevance.target
            found[target] = _placed(found.get(target), relevance, start, n_frames)
    return found


def _inputs(
    network: Network, observation: Observation | Windows | Activations
) -> tuple[Tensor, ...]:
    """The checked observation, or the inputs of a forward pass that was made before."""
    if not isinstance(observation, Activations):
        return network.checked(observation)
    if observation.network is not network:
        raise ObservationError(
            "these activations come from another network, or from a snapshot of this one: explain "
            "them with the network that they carry, attribute(activations.network, activations)"
        )
    return observation.values


def _placed(whole: Relevance | None, part: Relevance, start: int, n_frames: int) -> Relevance:
    """The relevance of all frames with that of some, which begin at ``start``, filled in."""
    if len(part.explained) == n_frames:
        return part
    if whole is None:
        whole = _unfilled(part, n_frames)
    for room, tensor in zip(_tensors(whole), _tensors(part), strict=True):
        room[start : start + len(tensor)] = tensor
    return whole


def _unfilled(part: Relevance, n_frames: int) -> Relevance:
    """Room for so many frames, in the shapes and types of the given relevance."""

    def room(tensor: Tensor) -> Tensor:
        return tensor.new_empty(n_frames, *tensor.shape[1:])

    return replace(
        part,
        maps={key: room(one) for key, one in part.maps.items()},
        explained=room(part.explained),
        absorbed=room(part.absorbed),
        outputs=room(part.outputs),
        action=room(part.action),
    )


def _tensors(relevance: Relevance) -> list[Tensor]:
    """All that has a row for each frame."""
    rest = relevance.explained, relevance.absorbed, relevance.outputs, relevance.action
    return [*relevance.maps.values(), *rest]


def _explain(
    call: Lenses,
    values: Sequence[Tensor],
    outputs: list[Tensor],
    targets: Sequence[Target],
    actions: Tensor | None,
) -> Iterator[Relevance]:
    """One chunk after its forward pass: a backward pass for each target."""
    network = call.network
    sites, answers = call.sites(values, outputs), outputs[network.output]
    for number, target in enumerate(targets, 1):
        action = action_of(target, answers, actions)
        seed = _seed(call, sites, outputs, target, action)
        own = sites | seed.changed, list(outputs)
        if number == len(targets):  # so that each layer's numbers go when they have served
            sites.clear()
            outputs.clear()
        found, absorbed = _propagate(call, *own, values, seed)
        # Inputs that are no observations are what a recurrent network remembers from before.
        found, before = found[: len(network.inputs)], found[len(network.inputs) :]
        absorbed = sum((total(one) for one in before), absorbed)
        sums = [float(one.sum()) for one in (*found, absorbed)]
        if not math.isfinite(sum(sums)):
            raise NonFiniteError(network.diagnosis([], call.weights))
        keys = [one.key for one in network.inputs]
        yield Relevance(
            {key: one.contiguous() for key, one in zip(keys, found, strict=True)},
            seed.relevance.sum(1),
            absorbed,
            answers,
            action,
            target,
            call.composite.name,
        )


@dataclass(frozen=True)
class _Seed:
    """Where relevance starts.

    Attributes:
        node: its index.
        relevance: of the node's outputs; its sum is what is explained.
        changed: the site of a head that the readout is folded into.
    """

    node: int
    relevance: Tensor
    changed: dict[int, Site] = field(default_factory=dict)


def _seed(
    call: Lenses, sites: dict[int, Site], outputs: list[Tensor], target: Target, action: Tensor
) -> _Seed:
    last, value = call.network.output, call.network.value
    if target == "value" and value is not None:
        return _Seed(value, outputs[value])
    answers = outputs[last]
    readout = readout_of(target, answers.shape[1])
    chosen = functional.one_hot(action, answers.shape[1]).to(answers.dtype)
    if readout is None:
        return _Seed(last, chosen * answers)
    readout = readout.to(answers)
    if last in sites:
        head = sites[last].read_out(readout)
        return _Seed(last, chosen * head.output, {last: head})
    return _Seed(last, readout[action] * answers)


def _propagate(
    call: Lenses,
    sites: dict[int, Site],
    outputs: list[Tensor],
    values: Sequence[Tensor],
    seed: _Seed,
) -> tuple[list[Tensor], Tensor]:
    """From where relevance starts to the network's inputs', and what was absorbed, ``[N]``.

    Takes ``sites`` and ``outputs`` apart on its way.
    """
    network, arriving = call.network, {seed.node: seed.relevance}
    absorbed = torch.zeros_like(seed.relevance[:, 0])
    for index in reversed(range(seed.node + 1)):
        relevance, site = arriving.pop(index, None), sites.pop(index, None)
        if relevance is None:  # nothing that is explained depends on this node
            continue
        entering, node = network.entering(index, values, outputs), network.nodes[index]
        shares: tuple[Tensor, ...] = (relevance,)
        taken: Tensor | None = None
        if index not in call.passing:
            shares, taken = _handed_down(node.layer, site, relevance, entering, outputs[index])
        if taken is not None:  # of the frames of a window, one by one
            absorbed = absorbed + taken.reshape(len(absorbed), -1).sum(1)
        del outputs[index:]
        for source, share in zip(node.inputs, shares, strict=True):
            arriving[source] = arriving[source] + share if source in arriving else share
    received = [arriving.get(-1 - number) for number in range(len(values))]
    return [
        torch.zeros_like(value) if one is None else one
        for one, value in zip(received, values, strict=True)
    ], absorbed


def _handed_down(
    layer: Layer, site: Site | None, relevance: Tensor, entering: list[Tensor], output: Tensor
) -> tuple[tuple[Tensor, ...], Tensor | None]:
    """The relevance of each of a layer's inputs, and what was absorbed, if anything can be."""
    if isinstance(layer, Mixing):
        return share_out(layer, relevance, entering, output)
    if isinstance(layer, Concatenation):
        return layer.backward(relevance, entering), None
    if isinstance(layer, Recurrent):
        return layer.backward(relevance, *entering)
    if isinstance(layer, Passing | EachStep):
        return (layer.backward(relevance, entering[0]),), None
    if isinstance(layer, Shift):
        share, taken = layer.share_out(relevance, entering[0], output)
        return (share,), taken
    assert site is not None  # every layer with weights has one
    below, taken = site.distribute(relevance)
    return (below,), taken
