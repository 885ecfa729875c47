"""Causal check: take an element away and see what the network makes of it.

Relevance says what the network *looked at*; only an intervention says what it *needed*. For every
element the observation is made anew as it would be without it, and the change of the greedy
action's Q-value, of its advantage and of the greedy action itself is measured (occlusion, Zeiler
and Fergus 2014, by whole objects, as in Iyer et al. 2018, 'Transparency and Explanation in Deep
Reinforcement Learning Neural Networks').

Where and with what a pixel is filled decides what such a number means:

* *All frames of the stack.* A ball that stays in the three older frames is still there. Masks are
  known for the newest frame of each observation, so a frame of the stack takes the mask of the
  moment at which it was the newest; observations whose past is not in the recording are left out.
* *Background.* A pixel gets the median of what the recording shows there while neither the element
  nor anything before it in order is there: behind the ball the wall, behind a brick the black that
  it leaves, behind an open tunnel its bricks. The plain median over time would keep what seldom
  moves (bricks, lives, a paddle at rest), and what lies around is wrong for what has a ground of
  its own (the display, black above a grey wall). A pixel that the element never frees gets the
  median of ``rest``, which in these games is the screen's ground.
* *Edges.* A mask holds every pixel to which the area resize gave anything of the element, in either
  of the two raw frames that the observation is the maximum of. Where an element never moves, only
  its part of a pixel on the edge is replaced: of a wall that meets the display in the middle of a
  pixel nothing is taken, and of a brick nothing is left in a pixel that counts as the space above.
  This matters: a faint line left of the bricks moves the advantage more than all bricks do.
* *Regions* outside all elements get their own plain median over time: there is no telling what
  stands there, but what a shortcut reads must change, or it would say nothing. Frames that show the
  median there already do not count: nothing was taken away. Fewer than `LEAST_CHANGED` others say
  nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import ObservationError
from rlmonitor.lrp import DEFAULT_COMPOSITE, Composite, Network, attribute_targets
from rlmonitor.recording import Recording
from rlmonitor.strategy.agreement import agreement
from rlmonitor.strategy.background import UNKNOWN, fill, grown, stack_sources, still_part
from rlmonitor.strategy.places import REST
from rlmonitor.strategy.pooling import pool_frames
from rlmonitor.strategy.regions import largest, pool_regions, region_masks, region_shares

Observations = NDArray[np.uint8] | NDArray[np.float32]
Array = NDArray[np.float64]

LEAST_CHANGED = 4
"""Frames in which taking a region away must change a pixel, for the region to have an effect."""

TARGETS = {"q": "value", "advantage": "choice"}
"""For a target the field of `Changes` that says what the intervention does to it."""


@dataclass(frozen=True)
class Counterfactuals:
    """M frames as they were, and as they would be without each element.

    Attributes:
        observation: ``[M, C, H, W]``.
        without: element to ``[M, C, H, W]``.
        exists: element to ``[M]`` bool: it is somewhere in the stack, so there is something to
            take away.
        channels_last: whether the policy takes ``[M, H, W, C]``.
    """

    observation: Observations
    without: Mapping[str, Observations]
    exists: Mapping[str, NDArray[np.bool_]]
    channels_last: bool = False


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
    n_frames: int = 32,
    n_regions: int = 3,
    composite: str | Composite = DEFAULT_COMPOSITE,
) -> Effects:
    """Take every element away, and the regions outside them that weigh most, and measure.

    Args:
        network: the agent's network.
        play: consecutive frames; the more, the better the background.
        n_frames: frames that are changed, spread over those whose past is in the recording.
        n_regions: regions that are taken away; none where no element is known, because all of the
            screen would lie outside.
        composite: for the relevance that the effects are compared with.

    Raises:
        ObservationError: the recording does not fit the network, or ``n_frames`` below 1.
        NonFiniteError: weights, outputs or relevance with NaN or infinity.
    """
    if n_frames < 1:
        raise ObservationError(f"n_frames={n_frames}: expected at least 1")
    sources = stack_sources(play.observation, play.step)
    known = np.flatnonzero((sources != UNKNOWN).all(axis=1))
    elements = {name: mask for name, mask in play.masks.items() if name != REST}
    if not len(known) or not elements:
        return Effects(frames=0)
    index = known[np.unique(np.linspace(0, len(known) - 1, n_frames).round().astype(np.int64))]
    frames = play.select(index)
    found = attribute_targets(network, frames.policy_observation, tuple(TARGETS), composite)
    maps = {t: frames.frame_maps(found[t].map.float().cpu().numpy()) for t in TARGETS}
    shares = {t: region_shares(pool_regions(m, frames.masks[REST])) for t, m in maps.items()}
    regions = _candidates(play, shares, n_regions)
    changed = measure(network, take_away(play, elements, index, sources))
    moved = measure(network, take_away(play, regions, index, sources, plain=True))
    changes = {
        n: on for n, on in moved.exists.items() if on.sum() >= min(LEAST_CHANGED, len(index))
    }
    relative = {t: pool_frames(m, frames.masks).relative for t, m in maps.items()}
    agreements = {
        target: agreement(relative[target], getattr(changed, name), changed.exists)
        for target, name in TARGETS.items()
    }
    return Effects(
        frames=len(index),
        value=mean_effect(changed.value, changed.exists, changed.value_scale),
        choice=mean_effect(changed.choice, changed.exists, changed.choice_scale),
        action_changed=mean_effect(changed.action_changed, changed.exists),
        present={name: int(there.sum()) for name, there in changed.exists.items()},
        agreement={target: value for target, value in agreements.items() if value is not None},
        region_share=shares,
        region_value=mean_effect(moved.value, changes, moved.value_scale),
        region_choice=mean_effect(moved.choice, changes, moved.choice_scale),
        region_action_changed=mean_effect(moved.action_changed, changes),
    )


def take_away(
    play: Recording,
    masks: Mapping[str, NDArray[np.bool_]],
    index: NDArray[np.integer[Any]],
    sources: NDArray[np.int64] | None = None,
    *,
    plain: bool = False,
) -> Counterfactuals:
    """Some frames of a recording without each element, filled from the background.

    Args:
        play: N consecutive frames.
        masks: element to ``[N, H, W]``, where it is in the newest frame of each observation.
        index: ``[M]`` frames whose past is known.
        sources: what `rlmonitor.strategy.background.stack_sources` says of the recording.
        plain: fill with the median over all frames rather than over those without the element; a
            frame that shows it already has nothing to take away.

    Raises:
        ObservationError: a recording without elements, a mask that does not fit, or a frame whose
            past is not in the recording.
    """
    if REST not in play.masks:
        raise ObservationError(
            f"the recording has no mask {REST!r} of what belongs to no element: give one with "
            "elements"
        )
    at = (stack_sources(play.observation, play.step) if sources is None else sources)[index]
    if (at == UNKNOWN).any():
        raise ObservationError(
            "the frames before some observations are not in the recording, so it is not known "
            "where the elements were: give consecutive frames"
        )
    ground = play.masks[REST]
    known = {name: mask for name, mask in play.masks.items() if name != REST}
    still = {name: still_part(mask) for name, mask in known.items()}
    without, exists = {}, {}
    for name, mask in masks.items():
        if plain:
            whole, free = mask, np.ones_like(mask)
        else:
            whole = grown(mask, [other for of, other in still.items() if of != name])
            free = ~whole & ~in_front(name, known)
        without[name], exists[name] = fill(
            play.observation, whole, index, at, free=free, ground=ground
        )
        if plain:
            exists[name] = (without[name] != play.observation[index]).any(axis=(1, 2, 3))
    return Counterfactuals(play.observation[index], without, exists, play.channels_last)


def in_front(name: str, masks: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Where elements are that come before one in order: they hide it, and what is behind it."""
    order = list(masks)
    hidden = np.zeros_like(next(iter(masks.values())))
    for other in order[: order.index(name)] if name in masks else ():
        hidden |= masks[other]
    return hidden


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
