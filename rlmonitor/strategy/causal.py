"""Causal check: take an element away and see what the network makes of it.

Relevance says what the network *looked at*; only an intervention says what it *needed*. For every
element the observation is made anew as it would be without it, and the change of the greedy
action's Q-value, of its advantage and of the greedy action itself is measured (occlusion, Zeiler
and Fergus 2014, by whole objects, as in Iyer et al. 2018, 'Transparency and Explanation in Deep
Reinforcement Learning Neural Networks').

How an element is taken away stands in `rlmonitor.strategy.counterfactuals`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlmonitor.lrp import DEFAULT_COMPOSITE, Composite, Network, attribute_targets
from rlmonitor.recording import Recording
from rlmonitor.strategy.agreement import agreement
from rlmonitor.strategy.counterfactuals import (
    CHANGED,
    LEAST_CHANGED,
    Backdrop,
    Counterfactuals,
    Observations,
    Removal,
    remove_elements,
)
from rlmonitor.strategy.places import REST, Masks
from rlmonitor.strategy.pooling import pool_frames
from rlmonitor.strategy.regions import largest, pool_regions, region_masks, region_shares

Array = NDArray[np.float64]

TARGETS = {"q": "value", "advantage": "choice"}
"""For a target the field of `Changes` that says what the intervention does to it."""


@dataclass(frozen=True)
class Changes:
    """What taking each element away does to each of M frames; a is the action that was greedy.

    Attributes:
        value: element to ``[M]``, |Q(s, a) − Q(s without it, a)|.
        choice: element to ``[M]``, the same of the advantage Q(s, a) − mean Q(s, ·).
        action_changed: element to ``[M]`` bool, another action is greedy without it.
        exists: element to ``[M]`` bool; where False, nothing was taken away.
        value_scale: mean of |Q(s, a)| over the frames, what ``value`` is to be compared with.
        choice_scale: mean of the advantage of a.
    """

    value: Mapping[str, Array]
    choice: Mapping[str, Array]
    action_changed: Mapping[str, NDArray[np.bool_]]
    exists: Mapping[str, NDArray[np.bool_]]
    value_scale: float
    choice_scale: float


@dataclass(frozen=True)
class Effects:
    """The causal check of one round. What no frame can tell has no entry; nothing is ever NaN.

    Attributes:
        frames: how many frames were changed and looked at; 0 where no frame's past is known.
        value: element to the mean change of the greedy action's Q-value, as a part of the mean
            |Q|: 1 is as much as the Q-values are worth.
        choice: the same of its advantage, as a part of the mean advantage.
        action_changed: element to the share of frames in which another action becomes greedy.
        present: element to the number of frames that had it, over which the means are.
        agreement: target to the rank agreement of effect and relative relevance, see `agreement`.
        region_share: target to region to its share outside all elements; only the regions with the
            largest ones are taken away.
        region_value: region to its effect on the value, as above.
        region_choice: region to its effect on the choice.
        region_action_changed: region to the share of frames with another action.
    """

    frames: int
    value: Mapping[str, float] = field(default_factory=dict)
    choice: Mapping[str, float] = field(default_factory=dict)
    action_changed: Mapping[str, float] = field(default_factory=dict)
    present: Mapping[str, int] = field(default_factory=dict)
    agreement: Mapping[str, float] = field(default_factory=dict)
    region_share: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    region_value: Mapping[str, float] = field(default_factory=dict)
    region_choice: Mapping[str, float] = field(default_factory=dict)
    region_action_changed: Mapping[str, float] = field(default_factory=dict)


def effects(
    network: Network,
    play: Recording,
    *,
    n_frames: int = CHANGED,
    n_regions: int = 3,
    composite: str | Composite = DEFAULT_COMPOSITE,
    removal: Removal | None = None,
) -> Effects:
    """Take every element away, and the regions outside them that weigh most, and measure.

    Args:
        network: the agent's network.
        play: consecutive frames; the more, the better the background.
        n_frames: frames that are changed, spread over those whose past is in the recording.
        n_regions: regions that are taken away; none where no element is known, because all of the
            screen would lie outside.
        composite: for the relevance that the effects are compared with.
        removal: what `remove_elements` makes of the play, if it is there already: it is the same
            for every network.

    Raises:
        ObservationError: the recording does not fit the network, or ``n_frames`` below 1.
        NonFiniteError: weights, outputs or relevance with NaN or infinity.
    """
    removed = remove_elements(Backdrop(play), n_frames) if removal is None else removal
    if removed is None:
        return Effects(frames=0)
    frames = play.select(removed.index)
    found = attribute_targets(network, frames.policy_observation, tuple(TARGETS), composite)
    maps = {t: frames.frame_maps(found[t].map.float().cpu().numpy()) for t in TARGETS}
    shares = {t: region_shares(pool_regions(m, frames.masks[REST])) for t, m in maps.items()}
    regions = _candidates(play, shares, n_regions)
    changed = measure(network, removed.changed)
    backdrop = Backdrop(play, removed.sources)
    moved = measure(network, backdrop.without_regions(regions, removed.index))
    least = min(LEAST_CHANGED, len(removed.index))
    changes = {name: on for name, on in moved.exists.items() if on.sum() >= least}
    return Effects(
        frames=len(removed.index),
        value=mean_effect(changed.value, changed.exists, changed.value_scale),
        choice=mean_effect(changed.choice, changed.exists, changed.choice_scale),
        action_changed=mean_effect(changed.action_changed, changed.exists),
        present={name: int(there.sum()) for name, there in changed.exists.items()},
        agreement=_agreements(maps, frames.masks, changed),
        region_share=shares,
        region_value=mean_effect(moved.value, changes, moved.value_scale),
        region_choice=mean_effect(moved.choice, changes, moved.choice_scale),
        region_action_changed=mean_effect(moved.action_changed, changes),
    )


def _agreements(
    maps: Mapping[str, NDArray[np.float32]], masks: Masks, changed: Changes
) -> dict[str, float]:
    """Target to `agreement`, where there is one."""
    relative = {target: pool_frames(own, masks).relative for target, own in maps.items()}
    found = {
        target: agreement(relative[target], getattr(changed, name), changed.exists)
        for target, name in TARGETS.items()
    }
    return {target: value for target, value in found.items() if value is not None}


def measure(network: Network, frames: Counterfactuals) -> Changes:
    """What each intervention does to the network's outputs.

    Raises:
        ObservationError: the frames do not fit the network.
        NonFiniteError: outputs with NaN or infinity.
    """
    before = _outputs(network, frames.observation, frames)
    action = before.argmax(axis=1)
    value, choice = _explained(before, action)
    after = {name: _outputs(network, seen, frames) for name, seen in frames.without.items()}
    moved = {name: _explained(outputs, action) for name, outputs in after.items()}
    return Changes(
        value={name: np.abs(value - new) for name, (new, _) in moved.items()},
        choice={name: np.abs(choice - new) for name, (_, new) in moved.items()},
        action_changed={n: outputs.argmax(axis=1) != action for n, outputs in after.items()},
        exists=frames.exists,
        value_scale=float(np.abs(value).mean()),
        choice_scale=float(choice.mean()),
    )


def mean_effect(
    change: Mapping[str, NDArray[Any]],
    exists: Mapping[str, NDArray[np.bool_]],
    scale: float = 1.0,
) -> dict[str, float]:
    """Mean over the frames with the element, as a part of ``scale``; nothing where that is 0.

    Elements without an entry in ``exists`` have none in what is returned either.
    """
    if scale == 0:
        return {}
    return {
        name: float(change[name][there].mean()) / scale
        for name, there in exists.items()
        if there.any()
    }


def _candidates(
    play: Recording, shares: Mapping[str, Mapping[str, float]], n: int
) -> dict[str, NDArray[np.bool_]]:
    """Masks of the regions with the largest share for either target."""
    most = {
        name: max(share.get(name, 0.0) for share in shares.values())
        for one in shares.values()
        for name in one
    }
    return region_masks(play.masks[REST], largest(most, n))


def _explained(outputs: Array, action: NDArray[np.int64]) -> tuple[Array, Array]:
    """Q-value and advantage ``[M]`` of an action each."""
    value = np.take_along_axis(outputs, action[:, None], axis=1)[:, 0]
    return value, value - outputs.mean(axis=1)


def _outputs(network: Network, observation: Observations, frames: Counterfactuals) -> Array:
    seen = np.moveaxis(observation, 1, -1) if frames.channels_last else observation
    return network.forward(seen).double().cpu().numpy()
