"""The causal check by memory edit, as a part of a round: on a few frames of the play.

The check by painting (`rlmonitor.strategy.causal`) guesses what stands behind an element; here the
game itself draws it (`rlmonitor.interventions`). Beside the effects stands how far both agree on
the same frames and elements. The play goes on as if nothing had been looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from ale_py import ALEState
from numpy.typing import NDArray

from rlmonitor.games.edits import GONE, REMOVALS, Edit
from rlmonitor.interventions import SpareEmulator, counterfactuals
from rlmonitor.lrp import Network
from rlmonitor.preprocessing import Preprocessing
from rlmonitor.rollout import Player
from rlmonitor.strategy.agreement import rank_correlation
from rlmonitor.strategy.causal import Changes, mean_effect, measure
from rlmonitor.strategy.counterfactuals import Backdrop

N_FRAMES = 8
"""Frames of a round's play that are drawn anew: 0.15 CPU seconds for Breakout's two elements."""


@dataclass(frozen=True)
class RamEffects:
    """What taking elements out of memory changes; what no frame can tell has no entry.

    Attributes:
        frames: how many were looked at.
        value: element to the mean change of the greedy action's Q-value, as a part of the mean |Q|.
        choice: the same of its advantage, as a part of the mean advantage.
        action_changed: element to the share of frames in which another action becomes greedy.
        agreement: rank correlation with what painting the same elements over does to Q in the same
            frames, over all pairs of frame and element; None where fewer than three are known.
    """

    frames: int
    value: Mapping[str, float] = field(default_factory=dict)
    choice: Mapping[str, float] = field(default_factory=dict)
    action_changed: Mapping[str, float] = field(default_factory=dict)
    agreement: float | None = None


@dataclass(frozen=True)
class RamCheck:
    """Takes the elements of one game out of memory.

    Attributes:
        game: its name.
        emulator: apart from the player's.
        edits: element to what takes it off the screen.
        preprocessing: of the player's environment.
    """

    game: str
    emulator: SpareEmulator
    edits: Mapping[str, Edit]
    preprocessing: Preprocessing

    @classmethod
    def of(cls, player: Player) -> RamCheck | None:
        """The check of a player's game; None without an emulator, a game or edits that serve."""
        how, game = player.preprocessing, player.game
        edits = {} if game is None else REMOVALS.get(game.name, {})
        if how is None or game is None or not edits or how.emulator_frame_skip != 1:
            return None
        return cls(game.name, SpareEmulator(game.name), edits, how)

    def steps(self, n_steps: int, n_frames: int = N_FRAMES) -> tuple[int, ...]:
        """The steps of a play before which the emulator's state is to be kept."""
        depth = self.preprocessing.n_stack
        last = np.unique(np.linspace(depth - 1, n_steps - 1, n_frames).round().astype(np.int64))
        wanted = {int(i) - back for i in last for back in range(depth)}
        return tuple(sorted(wanted & set(range(n_steps))))

    def effects(
        self, network: Network, backdrop: Backdrop, states: Mapping[int, ALEState]
    ) -> RamEffects:
        """Take each element away and measure.

        Args:
            network: the agent's, with Q-values.
            backdrop: consecutive frames, and what is behind their elements.
            states: step of the play to the emulator's state before it.

        Raises:
            NonFiniteError: outputs with NaN or infinity.
        """
        index = self._whole_stacks(backdrop, states)
        if not index:
            return RamEffects(frames=0)
        depth = self.preprocessing.n_stack
        stacks = [[states[i - back] for back in reversed(range(depth))] for i in index]
        drawn = counterfactuals(
            self.emulator,
            stacks,
            self.edits,
            self.preprocessing,
            gone=GONE.get(self.game, {}),
            channels_last=backdrop.play.channels_last,
        )
        found = measure(network, drawn)
        return RamEffects(
            frames=len(index),
            value=mean_effect(found.value, found.exists, found.value_scale),
            choice=mean_effect(found.choice, found.exists, found.choice_scale),
            action_changed=mean_effect(found.action_changed, found.exists),
            agreement=_agreement(found, self._painted(network, backdrop, np.array(index))),
        )

    def _whole_stacks(self, backdrop: Backdrop, states: Mapping[int, ALEState]) -> list[int]:
        """Frames whose stack is of one game, and is known to picture and emulator alike."""
        depth = self.preprocessing.n_stack
        known, done = np.all(backdrop.sources >= 0, axis=1), backdrop.play.done
        return [
            i
            for i in sorted(states)
            if known[i]
            and all(i - back in states for back in range(depth))
            and not done[max(i - depth + 1, 0) : i].any()
        ]

    def _painted(
        self, network: Network, backdrop: Backdrop, index: NDArray[np.int64]
    ) -> Changes | None:
        names = [name for name in self.edits if name in backdrop.play.masks]
        return measure(network, backdrop.without(names, index)) if names else None


def _agreement(drawn: Changes, painted: Changes | None) -> float | None:
    if painted is None:
        return None
    names = [name for name in drawn.value if name in painted.value]
    drawn_there, painted_there = (
        np.stack([found.exists[name] for name in names]) for found in (drawn, painted)
    )
    both = np.asarray(drawn_there & painted_there)
    sides = [np.stack([found.value[name] for name in names])[both] for found in (drawn, painted)]
    return rank_correlation(sides[0], sides[1]) if both.sum() >= 3 else None
