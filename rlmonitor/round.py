"""One round of the monitor: explain frames, pool the relevance, say how far to believe it.

A pure function of a network and recordings. The callback, the command line and the offline replay
all call it, so a curve means the same wherever it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rlmonitor.explain.faithfulness import SpotCheck, spot_checks
from rlmonitor.lrp import Composite, Network, Relevance, attribute_targets
from rlmonitor.ram_check import RamEffects
from rlmonitor.recording import Recording, busiest, final_scores, spread
from rlmonitor.strategy.behaviour import play_values, trial_values
from rlmonitor.strategy.causal import Effects, effects
from rlmonitor.strategy.counterfactuals import Removal
from rlmonitor.strategy.explanation import Explanation, explain_clusters
from rlmonitor.strategy.novelty import Novelty, novelty_of
from rlmonitor.strategy.places import places_of
from rlmonitor.strategy.pooling import PooledFrames, Statistics, pool, pool_frames, similarity
from rlmonitor.strategy.spray import Spray, spray
from rlmonitor.strategy.timeline import Moment, Timeline, advance

TARGETS = ("q", "advantage")
"""What an agent with Q-values values, and what it decides by."""

CHECKED_FRAMES = 8
"""Frames of a round whose maps are put to the test."""

ACTOR_CRITIC_TARGETS = ("value", "advantage")
"""The same of an actor-critic: what its critic values, and what its policy decides by."""


def usual_targets(network: Network) -> tuple[str, str]:
    """The two targets that answer what the agent values and what it decides by."""
    return TARGETS if "q" in network.targets else ACTOR_CRITIC_TARGETS


@dataclass(frozen=True)
class Analysis:
    """A recording of N frames with what each target's map says about it.

    Attributes:
        recording: the frames.
        relevance: target to ``[N, frames, H, W]`` float32, signed; the colours of a frame summed.
        explained: target to ``[N]`` float32: the value that the map explains.
        outputs: ``[N, A]`` float32: the network's outputs (Q-values or logits).
        pooled: target to the statistics of each frame.
        statistics: target to their means.
        conservation_error: max over frames and targets of |Σ map + absorbed − explained| over
            max(|explained|, Σ |map|).
    """

    recording: Recording
    relevance: Mapping[str, NDArray[np.float32]]
    explained: Mapping[str, NDArray[np.float32]]
    outputs: NDArray[np.float32]
    pooled: Mapping[str, PooledFrames]
    statistics: Mapping[str, Statistics]
    conservation_error: float


@dataclass(frozen=True)
class Strategies:
    """The clusters of a round's play.

    Attributes:
        target: whose maps were clustered.
        found: the clusters of the frames of `Round.play`.
        moment: which known strategies they are, and what changed.
        timeline: all strategies so far, for the next round.
        explanations: what puts each cluster's most typical frame into it, in the order of the
            clusters; none where there are no two clusters to tell apart.
        novelty: how new the maps are to the strategies of the rounds before; None in the first
            round and where there was not enough.
    """

    target: str
    found: Spray
    moment: Moment
    timeline: Timeline
    explanations: tuple[Explanation, ...] = ()
    novelty: Novelty | None = None


@dataclass(frozen=True)
class Round:
    """What the monitor found at one timestep.

    Attributes:
        timestep: ``num_timesteps`` of the training.
        composite: name of the composite; curves of different composites do not compare.
        play: frames of the agent's own play, spread over it.
        clip: consecutive frames of the same play, for the eye.
        probe: the fixed frames, or None.
        random: the same fixed frames explained in an untrained network, or None without a probe.
        random_similarity: target to the mean |cosine| between the probe's maps and those of the
            untrained network.
        spot_checks: target to how far a few maps of the play may be believed.
        effects: what taking the elements away changes; None for networks without Q-values.
        ram_effects: what taking elements out of the emulator's memory changes, where that can be.
        strategies: clusters of the play's maps, followed through the rounds.
        behaviour: what the agent did in the play and in trial games, by the names of curves.
        scores: of the games that ended in the play.
        trials: kind of start to the scores of trial games, see `rlmonitor.trials`.
    """

    timestep: int
    composite: str
    play: Analysis
    clip: Analysis
    probe: Analysis | None
    random: Analysis | None
    random_similarity: Mapping[str, float]
    spot_checks: Mapping[str, SpotCheck] = field(default_factory=dict)
    effects: Effects | None = None
    ram_effects: RamEffects | None = None
    strategies: Strategies | None = None
    behaviour: Mapping[str, float] = field(default_factory=dict)
    scores: tuple[float, ...] = ()
    trials: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def analyse(
    network: Network,
    recording: Recording,
    *,
    targets: Sequence[str] | None = None,
    composite: str | Composite,
    taken: bool = False,
) -> Analysis:
    """Explain every frame of a recording and pool the maps.

    Args:
        network: what is explained.
        recording: the frames.
        targets: None for the usual two of the network.
        composite: name of a composite, or one.
        taken: explain the recording's actions instead of the greedy ones.

    Raises:
        ObservationError: the recording does not fit the network.
        NonFiniteError: weights, outputs or relevance with NaN or infinity.
    """
    targets = usual_targets(network) if targets is None else targets
    found = attribute_targets(
        network,
        recording.policy_observation,
        tuple(targets),
        composite,
        action=recording.action if taken else None,
    )
    relevance = {t: recording.frame_maps(found[t].map.float().cpu().numpy()) for t in targets}
    places = places_of(recording.masks, recording.outside)
    pooled = {t: pool_frames(relevance[t], places) for t in targets}
    return Analysis(
        recording=recording,
        relevance=relevance,
        explained={t: found[t].explained.cpu().numpy() for t in targets},
        outputs=found[targets[0]].outputs.float().cpu().numpy(),
        pooled=pooled,
        statistics={t: pool(p) for t, p in pooled.items()},
        conservation_error=max(conservation_error(found[t]) for t in targets),
    )


def conservation_error(relevance: Relevance) -> float:
    """Largest |Σ map + absorbed − explained| / max(|explained|, Σ |map|) over the frames."""
    maps = relevance.map.flatten(1)
    explained, absorbed = relevance.explained.double(), relevance.absorbed.double()
    # torch sums in pairs, which is exact to 1e-7 of Σ |map|; doubles of all pixels cost much more
    scale = explained.abs().maximum(maps.abs().sum(1).double())
    error = (maps.sum(1).double() + absorbed - explained).abs()
    return float((error / scale.clamp_min(1e-30)).max())


def run_round(
    network: Network,
    play: Recording,
    *,
    timestep: int,
    probe: Recording | None = None,
    random: Analysis | None = None,
    targets: Sequence[str] | None = None,
    composite: str | Composite = "epsilon-gamma-box",
    n_frames: int = 128,
    clip_frames: int = 64,
    timeline: Timeline | None = None,
    taken: bool = False,
    trials: Mapping[str, tuple[float, ...]] | None = None,
    removal: Removal | None = None,
) -> Round:
    """Explain what the agent did since the last round, and the probe.

    Args:
        network: the agent's network as it is now.
        play: everything that the agent played in this round, consecutive.
        timestep: ``num_timesteps`` of the training.
        probe: frames that are the same in every round.
        random: ``analyse(network.randomised(seed), probe, …)``; the same in every round, so it is
            made once by the caller.
        targets: what is explained; None for the usual two of the network.
        composite: name of a composite, or one.
        n_frames: frames for the statistics, spread over the play.
        clip_frames: consecutive frames for the clip, taken where most happens.
        timeline: the strategies of the rounds before; none by default.
        taken: explain the actions that were taken in the play instead of the greedy ones.
        trials: kind of start to the scores of trial games; none by default.
        removal: the play without its elements, if it is there already, see `complete`.
    """
    played = analyse(
        network, spread(play, n_frames), targets=targets, composite=composite, taken=taken
    )
    found = complete(
        network,
        played,
        play,
        timestep=timestep,
        probe=probe,
        random=random,
        composite=composite,
        clip_frames=clip_frames,
        timeline=timeline,
        taken=taken,
        removal=removal,
    )
    tried = trials or {}
    behaviour = play_values(play) | trial_values(tried)
    return replace(found, behaviour=behaviour, scores=final_scores(play), trials=tried)


def complete(
    network: Network,
    played: Analysis,
    around: Recording,
    *,
    timestep: int,
    probe: Recording | None = None,
    random: Analysis | None = None,
    composite: str | Composite = "epsilon-gamma-box",
    clip_frames: int = 64,
    timeline: Timeline | None = None,
    taken: bool = False,
    removal: Removal | None = None,
) -> Round:
    """The round of frames that have been explained: clip, probe, checks, clusters.

    Args:
        network: the network that they were explained in.
        played: the frames, by the targets that all of the round is about.
        around: consecutive frames of the same play, for the clip and the causal check.
        timestep: as in `run_round`, as are the rest.
        probe: frames that are the same in every round.
        random: what an untrained network finds on them.
        composite: what they were explained by.
        clip_frames: consecutive frames for the clip.
        timeline: the strategies of the rounds before.
        taken: whether the actions taken were explained.
        removal: what `rlmonitor.strategy.counterfactuals.remove_elements` makes of ``around``, if
            it is there already.
    """
    targets = tuple(played.relevance)
    probed = None
    if probe is not None:
        probed = analyse(network, probe, targets=targets, composite=composite)
    clip = busiest(around, clip_frames)
    found = Round(
        timestep=timestep,
        composite=composite if isinstance(composite, str) else composite.name,
        play=played,
        clip=analyse(network, clip, targets=targets, composite=composite, taken=taken),
        probe=probed,
        random=random,
        random_similarity=_random_similarity(probed, random),
        spot_checks=_spot_checks(network, played.recording, targets, composite),
        effects=effects(network, around, composite=composite, removal=removal)
        if "q" in network.targets
        else None,
    )
    target = "advantage" if "advantage" in targets else targets[0]
    clusters = spray(played.relevance[target], played.recording.observation)
    strategies = Strategies(
        target, clusters, Moment(timestep), Timeline(), explain_clusters(clusters)
    )
    return follow(replace(found, strategies=strategies), timeline or Timeline())


def follow(found: Round, timeline: Timeline) -> Round:
    """The round with its clusters found again among the strategies of the rounds before."""
    own = found.strategies
    if own is None:
        return found
    return replace(
        found, strategies=followed(own, clustered_shares(found), found.timestep, timeline)
    )


def clustered_shares(found: Round) -> dict[str, NDArray[np.float64]]:
    """Element to its share of each frame ``[N]``, for the target whose maps were clustered."""
    if found.strategies is None:
        return {}
    pooled = found.play.pooled[found.strategies.target]
    return {name: pooled.share[name] for name in found.play.recording.masks}


def followed(
    own: Strategies,
    shares: Mapping[str, NDArray[np.float64]],
    timestep: int,
    timeline: Timeline,
) -> Strategies:
    """A round's clusters found again among the strategies of the rounds before.

    Args:
        own: the clusters, as `complete` makes them.
        shares: from `clustered_shares`.
        timestep: of the round.
        timeline: the strategies so far.
    """
    known, moment = advance(timeline, own.found, timestep, shares)
    novelty = novelty_of(timeline.strategies, own.found)
    return replace(own, moment=moment, timeline=known, novelty=novelty)


def _spot_checks(
    network: Network,
    recording: Recording,
    targets: tuple[str, ...],
    composite: str | Composite,
) -> dict[str, SpotCheck]:
    """How far the maps of a few frames may be believed, by target."""
    if len(recording) < CHECKED_FRAMES:  # the background is a median over them
        return {}
    few = spread(recording, CHECKED_FRAMES).policy_observation
    found = attribute_targets(network, few, targets, composite)
    checks = spot_checks(network, few, found, composite=composite)
    return {target: checks[target] for target in targets}


def _random_similarity(probe: Analysis | None, random: Analysis | None) -> dict[str, float]:
    if probe is None or random is None:
        return {}
    cosines = {t: similarity(maps, random.relevance[t]) for t, maps in probe.relevance.items()}
    return {t: cosine for t, cosine in cosines.items() if cosine is not None}
