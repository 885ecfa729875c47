"""What a round of the monitor explains, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rlmonitor.element_functions import ElementFunction
from rlmonitor.errors import ConfigurationError, UnknownNameError
from rlmonitor.games import Game
from rlmonitor.lrp import ACTOR_CRITIC_TARGETS, COMPOSITES, DEFAULT_COMPOSITE, TARGETS, Composite
from rlmonitor.recording import Recording

_TARGETS = tuple(TARGETS | ACTOR_CRITIC_TARGETS)


@dataclass(frozen=True)
class MonitorSettings:
    """What a round explains, and how.

    Attributes:
        n_frames: frames for the statistics of a round, spread over the monitor's play.
        clip_frames: consecutive frames in the clip.
        spacing: agent steps played for each frame of the statistics.
        probe: ``"auto"``: the game's shipped probe if it fits the network, else the first round's
            frames, kept; the name of a shipped probe; a recording; or None.
        targets: what is explained; None takes what the agent values and what it decides by:
            ``"q"`` and ``"advantage"``, or ``"value"`` and ``"advantage"`` for an actor-critic.
        composite: which LRP rule for which layer.
        elements: name to a function from an observation ``[C, H, W]`` to a mask ``[H, W]``, or a
            game's table; None takes the game's own elements.
        epsilon: chance of a random action in the monitor's play.
        games: trial games of each kind in a round, which tell an agent that plays from one that has
            learnt games by heart (see `rlmonitor.trials`); 0 plays none.
        seed: of the monitor's own generator and environment.
        keep: how many rounds stay on disk, the latest ones; None keeps all, 0 writes none.
        time_limit: seconds that the environment may take for the play of a round, see
            `rlmonitor.time_limit`; None for no limit.
    """

    n_frames: int = 128
    clip_frames: int = 64
    spacing: int = 4
    probe: str | Recording | None = "auto"
    targets: tuple[str, ...] | None = None
    composite: str | Composite = DEFAULT_COMPOSITE
    elements: Game | Mapping[str, ElementFunction] | None = None
    epsilon: float = 0.05
    games: int = 1
    seed: int = 0
    keep: int | None = None
    time_limit: float | None = 300.0

    def __post_init__(self) -> None:
        """Refuse what can never work.

        Raises:
            ConfigurationError: naming the setting, its value and what would work.
        """
        for name in ("n_frames", "clip_frames", "spacing"):
            value = getattr(self, name)
            _require(isinstance(value, int) and value >= 1, name, value, "1, 2, 3, ...")
        _require(0 <= self.epsilon <= 1, "epsilon", self.epsilon, "a chance between 0 and 1")
        _require(self.games >= 0, "games", self.games, "0, 1, 2, ...")
        _require(self.keep is None or self.keep >= 0, "keep", self.keep, "None, 0 or more rounds")
        limit = self.time_limit
        _require(limit is None or limit > 0, "time_limit", limit, "None or seconds above 0")
        if isinstance(self.composite, str) and self.composite not in COMPOSITES:
            raise UnknownNameError("composite", self.composite, COMPOSITES)
        if self.targets is not None and not self.targets:
            raise ConfigurationError(f"targets is empty: give one or more of {', '.join(_TARGETS)}")
        for target in self.targets or ():
            if target not in _TARGETS:
                raise UnknownNameError("target", target, _TARGETS)


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise ConfigurationError(f"{name}={value!r}: expected {expected}")
