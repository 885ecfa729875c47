"""Stop a training when a kind of event comes, as stable-baselines3's ``StopTrainingOn…`` do."""

from __future__ import annotations

from rlmonitor.errors import ConfigurationError
from rlmonitor.strategy.events import Event, EventKind, checked_kind


class StopTrainingOnEvent:
    """Stops the training at an event of one of some kinds; hand it to the monitor as ``on_event``.

    ::

        stop = StopTrainingOnEvent("shortcut", "collapse")
        model.learn(1_000_000, callback=StrategyMonitorCallback(on_event=stop))
        if stop.event is not None:
            print(stop.event.text)

    The training ends with its next step, as with every callback that returns False, so checkpoints
    are written and the last round runs.

    Args:
        kinds: one or more kinds of event, as ``"exploit"``.
        verbose: 1 prints why the training stops.

    Raises:
        UnknownNameError: there is no such kind of event.
        ConfigurationError: no kind given.

    Attributes:
        event: the event that stopped the training; None as long as none has.
    """

    def __init__(self, *kinds: str, verbose: int = 0) -> None:
        if not kinds:
            raise ConfigurationError('no kind of event: name one or more, such as "shortcut"')
        self.kinds: tuple[EventKind, ...] = tuple(checked_kind(kind) for kind in kinds)
        self.verbose: int = verbose
        self.event: Event | None = None

    def __call__(self, event: Event) -> bool:
        """Whether the training goes on."""
        if event.kind not in self.kinds:
            return True
        if self.event is None:
            self.event = event
            if self.verbose:
                print(f"Stopping training at {event.timestep:,} timesteps: {event.text}")
        return False
