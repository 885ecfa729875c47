"""Train a DQN on an Atari game, as ``agent.toml`` says, with the monitor looking on."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import configure
from stable_baselines3.common.utils import LinearSchedule, get_device
from stable_baselines3.dqn import DQN

from rlmonitor.board.writer import BoardWriter
from rlmonitor.callbacks import StrategyMonitorCallback
from rlmonitor.configuration import Configuration, TrainingConfiguration
from rlmonitor.double_dqn import DoubleDQN
from rlmonitor.errors import ConfigurationError
from rlmonitor.native_env import NativeAtariVecEnv
from rlmonitor.networks import NETWORKS
from rlmonitor.prioritized_replay import PrioritizedAtariReplayBuffer
from rlmonitor.replay.checkpoints import Checkpoint, load_into
from rlmonitor.replay.training_state import (
    TrainingState,
    restore_training_state,
    save_training_state,
)
from rlmonitor.replay_buffer import NStepAtariReplayBuffer
from rlmonitor.run_directory import STATE, checkpoint_path, locked, require_empty, take_up
from rlmonitor.strategy.events import Event
from rlmonitor.training_callbacks import (
    AfterCheckpoint,
    Keeper,
    ProgressBar,
    Stopped,
    StopSignals,
    save_network,
)

DTYPES = {"single": torch.float32, "bfloat16": torch.bfloat16}
"""What ``training.precision`` stands for."""


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        run_dir: the run's folder.
        timesteps: where it stands.
        signal: number of the signal that stopped it early, None where it came to its end.
        events: what the monitor noticed.
    """

    run_dir: Path
    timesteps: int
    signal: int | None
    events: tuple[Event, ...] = ()


def train(
    configuration: Configuration,
    run_dir: str | Path,
    *,
    resume: bool = False,
    start: Checkpoint | None = None,
    callback: BaseCallback | None = None,
    progress: bool = True,
) -> Outcome:
    """Train until ``training.timesteps``, or until Ctrl-C or SIGTERM.

    The run directory holds the TensorBoard events, ``rounds/`` of the monitor, ``checkpoints/``
    (networks for analysis) and ``training.safetensors`` (the whole state). A signal saves the state
    at that timestep; after anything worse, ``resume=True`` goes on from the last checkpoint.

    Resuming restores weights, optimizer, counters, schedules and generators, starts new games, and
    refills the replay buffer by play with the restored network at the exploration it had: as many
    timesteps as the run has, at most ``training.refill``. They count as no timesteps and leave no
    point in any curve.

    Args:
        configuration: what to train.
        run_dir: the run's folder; new or empty, unless resumed.
        resume: go on with the run in ``run_dir``.
        start: weights to begin with; the replay buffer then begins with ``learning_starts``
            timesteps of its play in place of random play.
        callback: one more callback.
        progress: show a bar.

    Returns:
        How it ended.

    Raises:
        ConfigurationError: settings that cannot work here, or a folder that is not free for them.
        CheckpointError: the checkpoint to resume from or to start from does not fit.
        StoreError: the folder cannot be written.
    """
    run_dir, training = Path(run_dir), configuration.training
    require_device(training.device)
    signals, bar = StopSignals(), ProgressBar(training.timesteps, shown=progress)
    with locked(run_dir), _tuned(training.threads), signals.listening():
        state = take_up(run_dir, configuration.flat()) if resume else None
        if state is None:
            require_empty(run_dir)
        with closing(make_env(configuration)) as env:
            model = make_model(configuration, env)
            games = _prepare(model, configuration, state, start)
            _begin(run_dir, model, configuration.flat(), fresh=state is None)
            with _logging(model, run_dir, state), bar.shown():
                _refill(model, games, training.timesteps, signals, bar)
                monitor = _monitor(configuration, run_dir)
                looking = None if monitor is None else AfterCheckpoint(monitor)
                keeper = Keeper(run_dir, configuration.flat(), signals)
                found = [each for each in (keeper, looking, callback, bar) if each is not None]
                _learn(model, CallbackList(found), training.timesteps)
    events = () if monitor is None else tuple(monitor.events)
    return Outcome(run_dir, model.num_timesteps, signals.received, events)


def make_env(configuration: Configuration) -> NativeAtariVecEnv:
    """The games that the agent learns from."""
    training = configuration.training
    return NativeAtariVecEnv(
        configuration.agent.game,
        training.n_envs,
        threads=training.threads,
        life_cost=training.life_cost,
    )


def make_model(configuration: Configuration, env: NativeAtariVecEnv) -> DQN:
    """The DQN of a configuration; stable-baselines3's, with its tensors laid out for speed."""
    training = configuration.training
    rate, final_rate = training.learning_rate, training.learning_rate_final
    model = _algorithm(training)(
        "CnnPolicy",
        env,
        learning_rate=rate if final_rate is None else LinearSchedule(rate, final_rate, 1.0),
        buffer_size=training.buffer_size,
        learning_starts=training.learning_starts,
        batch_size=training.batch_size,
        gamma=training.gamma,
        train_freq=training.train_freq,
        gradient_steps=training.gradient_steps,
        replay_buffer_class=(
            PrioritizedAtariReplayBuffer if training.prioritized else NStepAtariReplayBuffer
        ),
        replay_buffer_kwargs={"n_steps": training.n_steps, "gamma": training.gamma},
        target_update_interval=training.target_update_interval,
        exploration_fraction=training.exploration_timesteps / training.timesteps,
        exploration_initial_eps=training.exploration_initial,
        exploration_final_eps=training.exploration_final,
        policy_kwargs=NETWORKS[configuration.agent.network].policy_kwargs()
        | {"optimizer_kwargs": {"fused": True}},
        seed=training.seed,
        device=training.device,
    )
    model.policy.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in its stubs
    return model


def _algorithm(training: TrainingConfiguration) -> Callable[..., DQN]:
    if not training.double:
        return DQN
    return partial(DoubleDQN, dtype=DTYPES[training.precision])


def play_in(model: DQN, timesteps: int, signals: StopSignals, bar: ProgressBar) -> None:
    """Fill the replay buffer by play at the current exploration.

    No timestep counts and nothing is logged. Ends early where a signal came.
    """
    env, buffer = model.get_env(), model.replay_buffer
    assert env is not None
    assert buffer is not None
    model.policy.set_training_mode(False)
    model._last_obs = env.reset()  # type: ignore[assignment]  # SB3 has the same line
    model._last_episode_starts = np.ones(env.num_envs, bool)
    for done in range(0, timesteps, env.num_envs):
        if signals.received is not None:
            return
        action, stored = model._sample_action(model.learning_starts, n_envs=env.num_envs)
        observation, reward, dones, infos = env.step(action)
        model._store_transition(buffer, stored, observation, reward, dones, infos)  # type: ignore[arg-type]
        bar.move(done + env.num_envs)


def require_device(name: str) -> None:
    """Check that torch has the device: SB3 would train on the CPU without a word.

    Raises:
        ConfigurationError: it has not.
    """
    kind, _, index = name.partition(":")
    found = torch.cuda.device_count() if kind == "cuda" else 1
    if kind == "mps":
        found = int(torch.backends.mps.is_available())
    if int(index or 0) >= found:
        raise ConfigurationError(
            f"[training] device = {name!r}: torch finds {found} of that kind here; "
            f'expected "auto" (which is {get_device("auto").type!r}) or "cpu"'
        )


def _prepare(
    model: DQN,
    configuration: Configuration,
    state: TrainingState | None,
    start: Checkpoint | None,
) -> int:
    """Weights and counters to begin with; timesteps of play that the replay buffer still needs."""
    training = configuration.training
    if state is not None:
        restore_training_state(model, state)
        # other games than those that the run began with
        model.env.seed(training.seed + state.timesteps)  # type: ignore[union-attr]
        return min(training.refill, state.timesteps)
    if start is not None:
        load_into(model, start)
        model.learning_starts = 0
        return training.learning_starts
    return 0


def _begin(run_dir: Path, model: DQN, settings: Mapping[str, Any], *, fresh: bool) -> None:
    """Save the state before anything else is in the folder: from then on it can be resumed."""
    if fresh:
        save_training_state(run_dir / STATE, model, settings)
    if not checkpoint_path(run_dir, model.num_timesteps).exists():
        save_network(run_dir, model, settings)


def _refill(model: DQN, games: int, timesteps: int, signals: StopSignals, bar: ProgressBar) -> None:
    """Fill the replay buffer at the exploration that the model's timestep has."""
    if games and model.num_timesteps < timesteps:
        progress = 1 - model.num_timesteps / timesteps
        model.exploration_rate = model.exploration_schedule(progress)
        bar.begin("filling the replay buffer", games)
        play_in(model, games, signals, bar)


def _learn(model: DQN, callbacks: CallbackList, timesteps: int) -> None:
    """SB3's loop, from where the model stands; Keeper stops it at once if a signal has come."""
    if model.num_timesteps >= timesteps:
        return
    try:
        model.learn(
            timesteps - model.num_timesteps,
            callbacks,
            log_interval=sys.maxsize,  # Keeper logs by timesteps; SB3 would by lost lives
            reset_num_timesteps=False,
        )
    except Stopped:
        callbacks.on_training_end()


def _monitor(configuration: Configuration, run_dir: Path) -> StrategyMonitorCallback | None:
    monitor = configuration.monitor
    if monitor.every == 0:
        return None
    return StrategyMonitorCallback(
        every=monitor.every,
        n_frames=monitor.n_frames,
        composite=monitor.composite,
        probe=None if monitor.probe == "none" else monitor.probe,
        budget=monitor.budget,
        keep=monitor.keep,
        games=monitor.games,
        full_every=monitor.full_every,
        run_dir=run_dir,
        seed=configuration.training.seed,
    )


@contextmanager
def _logging(model: DQN, run_dir: Path, state: TrainingState | None) -> Iterator[None]:
    """Curves go straight into the run's folder, as the monitor's do."""
    logger = configure(str(run_dir), ["tensorboard"])
    model.set_logger(logger)
    if state is not None:
        BoardWriter.open(logger, None).mark_restart(state.timesteps + 1)
    try:
        yield
    finally:
        logger.close()


@contextmanager
def _tuned(threads: int) -> Iterator[None]:
    """Torch's threads, and a C library that keeps the memory it is given back."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    _keep_freed_memory()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _keep_freed_memory() -> None:
    """Spare the page faults: glibc would return every batch's 15 MB to the system and ask again.

    That is a quarter of the time of a NIPS network's training. Other C libraries have no
    ``mallopt`` and need none.
    """
    trim_threshold, mmap_threshold = -1, -3  # names in glibc's malloc.h
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(mmap_threshold, 256 << 20)
        mallopt(trim_threshold, 1 << 30)
