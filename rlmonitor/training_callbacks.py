"""What ``rlmonitor train`` hangs into stable-baselines3's loop: checkpoints, curves, a bar."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, cast

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.dqn import DQN

from rlmonitor.errors import StoreError
from rlmonitor.replay.checkpoints import save_checkpoint
from rlmonitor.replay.training_state import save_training_state
from rlmonitor.run_directory import STATE, checkpoint_path


class Stopped(Exception):
    """The training was asked to stop by a signal, and has saved its state."""


class StopSignals:
    """Remembers that Ctrl-C or SIGTERM came; a second one ends the process at once.

    Attributes:
        received: the signal's number, None as long as none came.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen; on the way out the old handlers are back. Only the main thread can."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._remember)
        try:
            yield
        finally:
            self._give_back()

    def _remember(self, number: int, _: FrameType | None) -> None:
        self.received = number
        self._give_back()

    def _give_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()


class Keeper(BaseCallback):
    """Saves checkpoints, writes SB3's own curves, stops on a signal.

    Everything happens between rollouts: within one, SB3's counters do not agree with each other.

    Args:
        run_dir: the run's folder.
        settings: by their full names, as they go into the checkpoint.
        signals: whom to ask whether to stop.
    """

    def __init__(self, run_dir: Path, settings: Mapping[str, Any], signals: StopSignals) -> None:
        super().__init__()
        self._run_dir, self._settings, self._signals = run_dir, settings, signals

    def _on_training_start(self) -> None:
        self._began = self.model.num_timesteps
        self._due = {
            name: _next_multiple(self._began, self._settings[name])
            for name in ("training.checkpoint_every", "training.log_every")
        }

    def _on_rollout_start(self) -> None:
        if self._signals.received is not None:
            raise Stopped  # before anything is logged, which the training's end does
        if self._is_due("training.log_every"):
            self._dqn.dump_logs()
        if self._is_due("training.checkpoint_every"):
            self._try_to_save()

    def _on_step(self) -> bool:
        return True

    def _on_training_end(self) -> None:
        if self.model.num_timesteps > self._began:
            self._dqn.dump_logs()
        self.save()

    def save(self) -> None:
        """Write the network, for analysis, and then the whole state, for ``--resume``.

        Raises:
            StoreError: they cannot be written; what was there stays.
        """
        save_network(self._run_dir, self._dqn, self._settings)
        save_training_state(self._run_dir / STATE, self._dqn, self._settings)

    @property
    def _dqn(self) -> DQN:
        return cast(DQN, self.model)

    def _is_due(self, name: str) -> bool:
        if self.model.num_timesteps < self._due[name]:
            return False
        self._due[name] = _next_multiple(self.model.num_timesteps, self._settings[name])
        return True

    def _try_to_save(self) -> None:
        try:
            self.save()
        except StoreError as error:  # the disk may have room again by the next time
            warnings.warn(f"{error}; the training goes on without this checkpoint", stacklevel=2)


class AfterCheckpoint(BaseCallback):
    """Lets the monitor look between rollouts, where the checkpoint of that timestep is written.

    Stands behind `Keeper` in a list: what a round shows can then be gone back to, whatever ends the
    process next.

    Args:
        monitor: asked at the start of every rollout rather than at every step.
    """

    def __init__(self, monitor: BaseCallback) -> None:
        super().__init__()
        self._monitor = monitor
        self._goes_on = True

    def _init_callback(self) -> None:
        self._monitor.init_callback(self.model)
        self._begun = False

    def _on_rollout_start(self) -> None:
        if self._begun:
            self._goes_on = self._monitor.on_step()
        else:
            self._begun = True
            self._monitor.on_training_start(self.locals, self.globals)

    def _on_step(self) -> bool:
        return self._goes_on

    def _on_training_end(self) -> None:
        self._monitor.on_training_end()


class ProgressBar(BaseCallback):
    """Shows timesteps, speed, score and exploration in the terminal.

    Args:
        total: timesteps at the end.
        shown: False for no bar at all.
    """

    def __init__(self, total: int, *, shown: bool) -> None:
        super().__init__()
        self._total = total
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            TextColumn("{task.fields[speed]}{task.fields[note]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not shown,
        )
        self._task: TaskID | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Keep the bar on the screen meanwhile."""
        with self._progress:
            yield

    def begin(self, what: str, total: int, done: int = 0) -> None:
        """Start another bar."""
        self._task = self._progress.add_task(what, total=total, completed=done, speed="", note="")

    def move(self, done: int, note: str = "") -> None:
        """Move the last bar."""
        if self._task is None:
            return
        speed = self._progress.tasks[-1].speed
        shown = f"{speed:,.0f}/s" if speed else ""
        self._progress.update(self._task, completed=done, speed=shown, note=note)

    def _on_training_start(self) -> None:
        self.begin("training", self._total, self.model.num_timesteps)

    def _on_step(self) -> bool:
        model = cast(DQN, self.model)
        scores = [episode["r"] for episode in model.ep_info_buffer or ()]
        score = f" · score {np.mean(scores):.1f}" if scores else ""
        self.move(self.num_timesteps, f"{score} · ε {model.exploration_rate:.2f}")
        return True

    def _on_training_end(self) -> None:
        self.move(self.model.num_timesteps)


def save_network(run_dir: Path, model: DQN, settings: Mapping[str, Any]) -> None:
    """Write the Q-network of this timestep in half precision.

    Raises:
        StoreError: it cannot be written.
    """
    save_checkpoint(
        checkpoint_path(run_dir, model.num_timesteps),
        model.q_net,
        network=settings["agent.network"],
        game=settings["agent.game"],
        timesteps=model.num_timesteps,
        half=True,
    )


def _next_multiple(timesteps: int, every: int) -> int:
    return (timesteps // every + 1) * every
