"""The stable-baselines3 callback: decides when the monitor looks, and shields the training."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv

from rlmonitor.board.writer import BoardWriter, logger_writer
from rlmonitor.element_functions import ElementFunction
from rlmonitor.environment import EnvSource, make_monitor_env
from rlmonitor.errors import ConfigurationError, RunInUseError
from rlmonitor.games import Game
from rlmonitor.isolation import aside
from rlmonitor.lrp import DEFAULT_COMPOSITE, Composite, network_of
from rlmonitor.monitor import Monitor
from rlmonitor.monitor_settings import MonitorSettings, is_number, is_whole
from rlmonitor.monitor_warnings import MonitorWarning, WarnOnce, warn
from rlmonitor.recording import Recording
from rlmonitor.round import Round
from rlmonitor.run_directory import claim, local_folder, release, supersede
from rlmonitor.strategy.events import Event

__all__ = ["MonitorWarning", "StrategyMonitorCallback"]

FAULTS = (Exception, SystemExit)
"""What a monitor must not let through to the training; Ctrl-C passes."""

MESSAGE = 500
"""Characters of a fault's message that its event keeps as evidence."""


class StrategyMonitorCallback(BaseCallback):
    """Show in TensorBoard where the agent's relevance lies while it learns.

    Rounds run at the start, every ``every`` timesteps and at the end. A round plays in an
    environment of its own, explains frames by layer-wise relevance propagation and logs curves and
    clips. It draws no number from the training's generators and changes nothing of the policy:
    weights after training are bit-identical with and without it. A fault inside becomes a warning
    and an event, never an exception; a configuration that can never work raises when
    ``learn`` starts.

    Under an ``EventCallback`` (``EveryNTimesteps``), give ``every=None``; stable-baselines3 does
    not forward the end of training there, so the last round is the last event's.

    Args:
        env: an env id, a function that makes an env or a VecEnv, or a VecEnv of one env; None
            derives it from the training env, with the same preprocessing and life rules.
        every: timesteps (not calls) between rounds; None runs one on every call.
        n_frames: frames for the statistics of a round.
        probe: the fixed frames explained in every round, see :class:`MonitorSettings`.
        targets: what is explained; None takes what the agent values and what it decides by: for
            Q-networks ``"q"`` and ``"advantage"``, for actor-critics the critic's ``"value"`` and
            the policy's ``"advantage"`` (a logit less their mean). Two have a panel in the clips.
        composite: which LRP rule for which layer, by name (``rlmonitor.COMPOSITES``) or your own.
        elements: name to a function from an observation ``[C, H, W]`` to a mask ``[H, W]``, or a
            game's table (``rlmonitor.games.GAMES``) where a wrapper of yours that leaves the screen
            in place keeps the monitor from taking it by itself; None takes the game's own.
        budget: the greatest share of wall time for the monitor, such as 0.02; rounds wait until
            they can be afforded. None keeps the interval exact.
        keep: how many rounds stay on disk; None keeps all, 0 writes none.
        run_dir: folder for rounds; by default that of the TensorBoard log, else a new one
            below ``runs``.
        on_event: called with every :class:`~rlmonitor.Event`; the training stops if it returns
            False, see :class:`~rlmonitor.stop_training.StopTrainingOnEvent`.
        seed: of the monitor's own generators and environment.
        epsilon: chance of a random action in the monitor's play.
        games: trial games in a full round, one kind and the other by turns, for the event
            ``memorised``; 0 plays none.
        clip_frames: consecutive frames in the clip.
        full_every: after 20 rounds, one of so many has pictures and trial games, and the last one;
            curves are of all, and ``rlmonitor export --clip`` draws any from the disk.
        time_limit: seconds that the monitor's environment may take for the play of a round before
            it counts as hanging; None for no limit.
        verbose: 1 prints a line a round.

    Raises:
        ConfigurationError: a setting that can never work, here or when ``learn`` starts.
    """

    def __init__(
        self,
        env: EnvSource = None,
        *,
        every: int | None = 50_000,
        n_frames: int = 128,
        probe: str | Recording | None = "auto",
        targets: str | Sequence[str] | None = None,
        composite: str | Composite = DEFAULT_COMPOSITE,
        elements: Game | Mapping[str, ElementFunction] | None = None,
        budget: float | None = None,
        keep: int | None = None,
        run_dir: str | Path | None = None,
        on_event: Callable[[Event], object] | None = None,
        seed: int = 0,
        epsilon: float = 0.05,
        games: int = 1,
        clip_frames: int = 64,
        full_every: int = 3,
        time_limit: float | None = 300.0,
        verbose: int = 0,
    ) -> None:
        super().__init__(verbose)
        if every is not None and not is_whole(every, 1):
            raise ConfigurationError(
                f"every={every!r}: expected timesteps between rounds (at least 1), "
                "or None for a round on every call"
            )
        if budget is not None and not (is_number(budget) and 0 < budget < 1):
            raise ConfigurationError(
                f"budget={budget!r}: expected a share of wall time between 0 and 1, such as 0.02"
            )
        if on_event is not None and not callable(on_event):
            raise ConfigurationError(
                f"on_event={on_event!r}: expected a function of one rlmonitor.Event, or None"
            )
        self.every: int | None = None if every is None else int(every)
        self.budget: float | None = budget
        self.on_event: Callable[[Event], object] | None = on_event
        self.settings: MonitorSettings = MonitorSettings(
            n_frames=n_frames,
            clip_frames=clip_frames,
            full_every=full_every,
            probe=probe,
            targets=None if targets is None else _names(targets),
            composite=composite,
            elements=elements,
            epsilon=epsilon,
            games=games,
            seed=seed,
            keep=keep,
            time_limit=time_limit,
        )
        self.last_round: Round | None = None
        self.events: list[Event] = []
        self._env = env
        self._run_dir = None if run_dir is None else local_folder(run_dir)
        self._folder: Path | None = None
        self._monitor: Monitor | None = None
        self._warnings = WarnOnce()

    def _init_callback(self) -> None:
        # here rather than when training starts: some parents, such as EvalCallback with
        # callback_on_new_best, tell a callback of its first step but never of the start
        self._started, self._spent, self._last_cost = time.monotonic(), 0.0, 0.0
        self._last_timestep: int | None = None
        self._waited = self._stopped = False
        self._rounds = 0
        self._due = self._next_due()
        self._close()
        with aside():
            try:
                self._monitor = self._make_monitor()
            except RunInUseError as error:
                self._folder = None
                if self._run_dir is not None:
                    raise
                # two trainings that began at once have one log folder, by no choice of the user's
                warn(f"{error}; this training goes on without a monitor")
        self._spent = time.monotonic() - self._started

    @property
    def run_dir(self) -> Path:
        """Where this run's rounds are; known once ``learn`` has started."""
        if self._folder is None:
            raise ConfigurationError("run_dir is known once learn() has started")
        return self._folder

    def _on_training_start(self) -> None:
        monitor = self._monitor
        if monitor is None or self.num_timesteps == 0 or not monitor.has(self.num_timesteps):
            self._round()
            return
        untold: list[Event] = []
        self._shielded(lambda monitor: untold.extend(monitor.untold()))
        for event in untold:
            self._tell(event)

    def _on_step(self) -> bool:
        if self.every is None:
            self._round()
        elif self.num_timesteps >= self._due:
            if self._affordable():
                self._round()
                self._tell_if_late()
                self._due = self._next_due()
            else:
                self._waited = True
        return not self._stopped

    def _on_training_end(self) -> None:
        self.num_timesteps: int = self.model.num_timesteps
        self._round(last=True)
        self._tell_if_late()
        self._close()

    def _next_due(self) -> int:
        every = self.every or 1
        return (self.model.num_timesteps // every + 1) * every

    def _affordable(self) -> bool:
        """Whether one more round like the last keeps the monitor's share of time in budget."""
        elapsed = time.monotonic() - self._started
        spent, elapsed = self._spent + self._last_cost, elapsed + self._last_cost
        return self.budget is None or spent <= self.budget * elapsed

    def _make_monitor(self) -> Monitor:
        model = self.model
        training_env, space, seed = self.training_env, model.observation_space, self.settings.seed
        theirs = logger_writer(model.logger)
        log_dir = _new_run_dir() if theirs is None else Path(theirs.log_dir).absolute()
        folder = self._run_dir or log_dir
        claim(folder)
        writer = None
        try:
            writer = BoardWriter.open(model.logger, folder)
            self._folder = folder
            supersede(folder, model.num_timesteps)
            if model.num_timesteps > 0:
                writer.mark_restart(model.num_timesteps + 1)
            return Monitor(
                network_of(model),
                lambda: make_monitor_env(self._env, training_env, space, seed=seed),
                run_dir=folder,
                writer=writer,
                settings=self.settings,
                owns_env=not isinstance(self._env, VecEnv),
            )
        except BaseException:
            release(folder)
            if writer is not None:
                writer.close()
            raise

    def _follow(self, monitor: Monitor) -> None:
        """Take up what may have been replaced since the last round: policy, logger."""
        monitor.network = network_of(self.model)
        theirs = logger_writer(self.model.logger)
        if theirs is not None and not monitor.writer.writes_to(theirs):
            monitor.writer = BoardWriter.open(self.model.logger, None)

    def _round(self, *, last: bool = False) -> None:
        """Run one round; whatever goes wrong inside stays inside."""
        if self._monitor is None or self._last_timestep == self.num_timesteps:
            return
        self._last_timestep = self.num_timesteps
        self._rounds += 1
        total = self.locals.get("total_timesteps")  # of learn(), if that is who calls
        last = last or (isinstance(total, int | float) and self.num_timesteps >= total)
        began = time.monotonic()
        noticed: tuple[Event, ...] = ()
        try:
            with aside():
                self._follow(self._monitor)
                self.last_round = self._monitor.run(self.num_timesteps, last=last)
                noticed = self._monitor.notice(self.last_round)
        except FAULTS as error:
            self._fault(error)
        for event in noticed:
            self._tell(event)
        self._account(time.monotonic() - began)

    def _account(self, seconds: float) -> None:
        self._last_cost = seconds
        self._spent += seconds
        overhead = self._spent / (time.monotonic() - self._started)
        if self.verbose:
            said = (
                f"rlmonitor: round at {self.num_timesteps:,} timesteps took {seconds:.1f} s "
                f"({overhead:.1%} of the training's time)"
            )
            self._shielded(lambda _: print(said))
        self._shielded(lambda monitor: monitor.tell_cost(seconds, overhead, self.num_timesteps))

    def _tell_if_late(self) -> None:
        if self._waited:
            self._waited = False
            assert self.budget is not None
            self._tell(
                Event(
                    "budget",
                    self.num_timesteps,
                    f"The round due at {self._due:,} timesteps ran at {self.num_timesteps:,}, so "
                    f"that the monitor takes no more than {self.budget:.1%} of the time; raise "
                    "budget or every, or lower n_frames.",
                    {"due": self._due, "seconds_per_round": self._last_cost},
                )
            )

    def _fault(self, error: BaseException) -> None:
        what = f"{type(error).__name__}: {error}"
        text = f"No whole round at {self.num_timesteps:,} timesteps: {what}"
        self._tell(Event("fault", self.num_timesteps, text, self._known_of(error)))
        self._warnings.warn(
            what, f"{text}. The training goes on; the monitor tries again at the next round."
        )

    def _known_of(self, error: BaseException) -> dict[str, float | str]:
        """What failed, in which round of this process, how often so far, and what still held."""
        found: dict[str, float | str] = {
            "exception": type(error).__name__,
            "message": str(error)[:MESSAGE],
            "round": float(self._rounds),
            "faults": 1.0 + sum(event.kind == "fault" for event in self.events),
        }
        if self.last_round is not None:
            found["last_whole_round"] = float(self.last_round.timestep)
        return found

    def _tell(self, event: Event) -> None:
        self.events.append(event)
        self._shielded(lambda monitor: monitor.tell(event))
        if self.on_event is not None:
            try:
                with aside():
                    # a function that returns nothing, as most do, stops nothing
                    self._stopped |= self.on_event(event) is False
            except FAULTS as error:  # the user's own function must not end the training either
                warn(f"on_event failed on {event.kind!r}: {type(error).__name__}: {error}")

    def _shielded(self, action: Callable[[Monitor], object]) -> None:
        if self._monitor is None:
            return
        try:
            with aside():
                action(self._monitor)
        except FAULTS as error:  # such as a full disk: the fault itself could not be told
            what = f"{type(error).__name__}: {error}"
            self._warnings.warn(what, f"the monitor could not tell what it found: {what}")

    def _close(self) -> None:
        self._shielded(lambda monitor: monitor.close())
        self._monitor = None
        if self._folder is not None:
            release(self._folder)


def _names(targets: str | Sequence[str]) -> tuple[str, ...]:
    if isinstance(targets, str) or not isinstance(targets, Iterable):
        return (targets,)
    return tuple(targets)


def _new_run_dir() -> Path:
    return Path.cwd() / "runs" / datetime.now().strftime("monitor-%Y-%m-%d-%H%M%S-%f")
