"""The monitor of one run: plays, explains, writes; knows nothing of who trains the network."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from rlmonitor.board import tags
from rlmonitor.board.writer import BoardWriter
from rlmonitor.errors import ConfigurationError
from rlmonitor.logbook import SMALL_RESERVE, Logbook, require_space, writable
from rlmonitor.lrp import Network
from rlmonitor.lrp.acting import outputs_for_moves
from rlmonitor.memory import require_memory
from rlmonitor.monitor_settings import ALL_FULL, MonitorSettings
from rlmonitor.probe import PROBES, load_probe, phases_of, probe_phases, usual_probe
from rlmonitor.ram_check import RamCheck
from rlmonitor.recording import Recording, spread
from rlmonitor.replay import store
from rlmonitor.rollout import Player
from rlmonitor.round import Analysis, Round, analyse, run_round
from rlmonitor.round_summary import summary_of
from rlmonitor.run_directory import local_folder
from rlmonitor.side_by_side import Game as PlayedGame
from rlmonitor.side_by_side import play_side_by_side
from rlmonitor.strategy.counterfactuals import Backdrop, remove_elements
from rlmonitor.strategy.events import Event
from rlmonitor.time_limit import time_limit
from rlmonitor.trials import KINDS, Trials

UNTRAINED_SEED = 20_260
"""Of the untrained network that maps are compared with; no one's usual seed, or that network would
be the very one that a training began with."""

CLOSING = 10.0
"""Seconds that an environment may take to close."""


class Monitor:
    """Looks at one network again and again, and writes what it sees.

    Args:
        network: the network to look at; its weights are read anew in every round.
        make_env: makes the environment that the monitor plays in, of one env; called again after
            a fault.
        run_dir: the run's folder: rounds go to ``run_dir/rounds``.
        writer: where curves, clips and events go; by default an event file of its own in
            ``run_dir``.
        settings: what a round explains, and how.
        owns_env: whether to close what ``make_env`` gives.

    Raises:
        ConfigurationError: a setting that can never work with this network.
        UnsupportedLayerError: the composite has no rule for a layer of the network.
        StoreError: ``run_dir`` cannot be written.
        TimeLimitError: the environment hangs.
    """

    def __init__(
        self,
        network: Network,
        make_env: Callable[[], VecEnv],
        *,
        run_dir: str | os.PathLike[str],
        writer: BoardWriter | None = None,
        settings: MonitorSettings | None = None,
        owns_env: bool = True,
    ) -> None:
        self.network: Network = network
        self.settings: MonitorSettings = settings or MonitorSettings()
        self.run_dir: Path = writable(local_folder(run_dir))
        self._make_env, self._owns_env, self._restarts = make_env, owns_env, 0
        self._trials: Trials | None = None
        self._can_try = True
        with self._limited():
            self._player: Player | None = self._make_player()
        self._phases: Sequence[str] | None = None
        try:
            self._require_memory()
            with self._limited():
                self._try_out()
            self._probe = self._configured_probe()
        except BaseException:
            self.restart()
            raise
        self._random: Analysis | None = None
        self._log = Logbook(self.run_dir, writer, seed=self.settings.seed, keep=self.settings.keep)
        self._number = self._log.n_rounds

    @property
    def writer(self) -> BoardWriter:
        """Where curves, clips and events go."""
        return self._log.writer

    @writer.setter
    def writer(self, writer: BoardWriter) -> None:
        self._log.writer = writer

    def run(self, timestep: int, *, last: bool = False) -> Round:
        """Play, explain and write one round.

        Args:
            timestep: ``num_timesteps`` of the training.
            last: whether it is the training's last round, which is full in any case.

        Raises:
            NonFiniteError: NaN or infinity in weights or outputs.
            TimeLimitError: the environment hangs.
            StoreError: the round could not be written to disk; TensorBoard has it all the same.
        """
        settings = self.settings
        steps = max(settings.n_frames * settings.spacing, settings.clip_frames)
        network = self.network.snapshot()
        full = last or self._is_full
        play, trials = self._play(network, steps, full)
        backdrop = Backdrop(play) if "q" in self.network.targets else None
        found = run_round(
            network,
            play,
            timestep=timestep,
            probe=self._probe_recording(play),
            random=self._random_analysis(),
            targets=settings.targets,
            composite=settings.composite,
            n_frames=settings.n_frames,
            clip_frames=settings.clip_frames,
            timeline=self._log.timeline,
            trials=trials,
            removal=None if backdrop is None else remove_elements(backdrop),
        )
        if self._ram is not None and backdrop is not None:
            assert self._player is not None
            effects = self._ram.effects(network, backdrop, self._player.states)
            found = replace(found, ram_effects=effects)
        self._log.write(found, phases=self._phases, attributes=self._how(), pictures=full)
        self._number += 1
        return found

    @property
    def _is_full(self) -> bool:
        """Whether the round to come is, as far as its number says."""
        return self._number < ALL_FULL or self._number % self.settings.full_every == 0

    def _how(self) -> dict[str, Any]:
        """Those settings that decide what a round finds, as JSON."""
        settings = self.settings
        plain = ("n_frames", "clip_frames", "spacing", "epsilon")
        probe = settings.probe if isinstance(settings.probe, str | None) else "a recording"
        return {name: getattr(settings, name) for name in plain} | {"probe": probe}

    def notice(self, found: Round) -> tuple[Event, ...]:
        """Add a round to the run's history, and say what begins with it.

        Raises:
            StoreError: the history could not be written.
        """
        return self._log.notice(summary_of(found))

    def has(self, timestep: int) -> bool:
        """Whether the round of a timestep came to its end, in this process or one before."""
        return self._log.has(timestep)

    def untold(self) -> tuple[Event, ...]:
        """What a process noticed with the last round, and was ended before it could tell.

        Raises:
            StoreError: the events so far cannot be read.
        """
        return self._log.untold()

    def tell(self, event: Event) -> None:
        """Write an event to TensorBoard and to ``events.jsonl``.

        Raises:
            StoreError: it could not be written.
        """
        self._log.tell(event)

    def tell_cost(self, seconds: float, overhead: float, timestep: int) -> None:
        """Write what the last round took, and the monitor's part of all time so far.

        Raises:
            StoreError: it could not be written.
        """
        require_space(self.writer.directory, SMALL_RESERVE)
        cost = {tags.MONITOR_SECONDS: seconds, tags.MONITOR_OVERHEAD: overhead}
        self.writer.scalars(cost, timestep)

    def restart(self) -> None:
        """Forget the environment after a fault; the next round makes a new one."""
        player, self._player = self._player, None
        trials, self._trials = self._trials, None
        self._restarts += 1
        with time_limit(CLOSING, "closing the monitor's environment"):
            if trials is not None:
                trials.close()
            if player is not None and self._owns_env:
                player.close()

    def close(self) -> None:
        """Close the environment, and the event file if it is the monitor's own."""
        try:
            self.restart()
        finally:
            self.writer.close()

    def _make_player(self) -> Player:
        env, seed = self._make_env(), self.settings.seed + self._restarts
        self._space = env.observation_space
        env.seed(seed)  # after a restart not the same games again
        player = Player(
            env, elements=self.settings.elements, epsilon=self.settings.epsilon, seed=seed
        )
        self._ram = RamCheck.of(player)
        return player

    def _play(
        self, network: Network, steps: int, full: bool
    ) -> tuple[Recording, dict[str, tuple[float, ...]]]:
        """The player's play, and the scores of the trial games beside it."""
        try:
            with self._limited():
                if self._player is None:
                    self._player = self._make_player()
                trials = self._trial_games() if full else {}
                cloned = () if self._ram is None else self._ram.steps(steps)
                own = self._player.playing(steps, cloned)
                games: list[PlayedGame[Any]] = [own, *trials.values()]
                play, *scores = play_side_by_side(games, outputs_for_moves(network))
            return play, dict(zip(trials, scores, strict=True))
        except BaseException:
            with contextlib.suppress(Exception):  # a broken environment may not even close
                self.restart()
            raise

    def _trial_games(self) -> dict[str, PlayedGame[tuple[float, ...]]]:
        """None where they would have to be played in the player's env."""
        if not self.settings.games or not self._owns_env or not self._can_try:
            return {}
        try:
            if self._trials is None:
                self._trials = Trials(self._make_env, seed=self.settings.seed + self._restarts)
            every = 1 if self._number < ALL_FULL else self.settings.full_every
            kind = KINDS[self._number // every % len(KINDS)]  # both would cost twice as much
            return self._trials.playing(self.settings.games, [kind])
        except ConfigurationError:  # one environment for all, or out of reach
            self._can_try = False
            return {}

    def _limited(self) -> AbstractContextManager[None]:
        return time_limit(self.settings.time_limit, "the monitor's environment")

    def _require_memory(self) -> None:
        """Refuse observations of which a round would fill the memory."""
        settings, space = self.settings, self._space
        values = int(np.prod(space.shape or ()))
        steps = max(settings.n_frames * settings.spacing, settings.clip_frames)
        maps = 4 * 2 * (2 * settings.n_frames + settings.clip_frames)  # of play, probe and clip
        itemsize = np.dtype(space.dtype).itemsize
        require_memory(
            values * (steps * itemsize + maps),
            f"a round of n_frames={settings.n_frames}, clip_frames={settings.clip_frames} with "
            f"observations of {values * itemsize / 1e6:,.1f} MB",
            "lower n_frames and clip_frames, or let the agent see smaller images",
        )

    def _try_out(self) -> None:
        """Take one step, explain one frame, untrained: what fails now would fail every time."""
        space = self._space
        if space.shape is None or len(space.shape) != 3:
            raise ConfigurationError(
                f"observations are {space}; the monitor needs images, three axes of them; for "
                "vectors call rlmonitor.attribute"
            )
        assert self._player is not None
        untrained = self.network.randomised(UNTRAINED_SEED)
        step = self._player.play(outputs_for_moves(untrained), 1)
        analyse(untrained, step, targets=self.settings.targets, composite=self.settings.composite)

    def _configured_probe(self) -> Recording | None:
        probe = self.settings.probe
        if probe is None:
            return None
        if probe == "auto":
            return self._automatic_probe()
        recording = probe if isinstance(probe, Recording) else self._load_probe(probe)
        if not self._fits(recording):
            raise ConfigurationError(
                f"probe frames are {recording.observation.dtype}"
                f"{list(recording.policy_observation.shape[1:])}, the network takes "
                f'{self._space.dtype}{list(self._space.shape or ())}; probe="auto" keeps frames of '
                "the first round instead"
            )
        return recording

    def _automatic_probe(self) -> Recording | None:
        """The game's shipped probe, or the one that this run began with."""
        assert self._player is not None
        game = self._player.game
        if (
            game is not None
            and game.name in PROBES
            and self._fits(shipped := usual_probe(game.name, self.settings.n_frames))
        ):
            self._phases = phases_of(shipped)
            return shipped
        earlier = store.read_probe(self.run_dir)
        return earlier if earlier is not None and self._fits(earlier) else None

    def _load_probe(self, name: str) -> Recording:
        self._phases = probe_phases(name)
        return load_probe(name)

    def _fits(self, recording: Recording) -> bool:
        observation = recording.policy_observation
        return observation.shape[1:] == self._space.shape and observation.dtype == self._space.dtype

    def _probe_recording(self, play: Recording) -> Recording | None:
        if self._probe is None and self.settings.probe == "auto":
            self._probe = spread(play, self.settings.n_frames)
            require_space(self.run_dir)
            store.write_probe(self.run_dir, self._probe)
        return self._probe

    def _random_analysis(self) -> Analysis | None:
        if self._random is None and self._probe is not None:
            self._random = analyse(
                self.network.randomised(UNTRAINED_SEED),
                self._probe,
                targets=self.settings.targets,
                composite=self.settings.composite,
            )
        return self._random
