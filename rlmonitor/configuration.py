"""``agent.toml``: what is trained, how, and how it is monitored; checked before anything starts."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlmonitor.errors import MALFORMED, ConfigurationError, UnknownNameError

Check = Callable[[Any], str | None]
"""What was expected, where a value is wrong; None where it is right."""


def _whole(default: int | None, low: int) -> Any:
    """A whole number from ``low`` on; None may stand for 'not set' where it is the default."""

    def check(value: Any) -> str | None:
        right = isinstance(value, int) and not isinstance(value, bool) and value >= low
        return None if right else f"a whole number, at least {low}"

    return field(default=default, metadata={"check": check})


def _real(default: float | None, low: float, high: float, *, open_low: bool = False) -> Any:
    """A number in [low, high], or in (low, high]."""

    def check(value: Any) -> str | None:
        right = isinstance(value, int | float) and not isinstance(value, bool)
        if right and (low < value <= high or (value == low and not open_low)):
            return None
        return f"a number {'above' if open_low else 'from'} {low:g}, up to {high:g}"

    return field(default=default, metadata={"check": check})


def _yes_or_no(default: bool) -> Any:
    """``true`` or ``false``."""

    def check(value: Any) -> str | None:
        return None if isinstance(value, bool) else "true or false"

    return field(default=default, metadata={"check": check})


def _one_of(default: str, known: Callable[[], Iterable[str]]) -> Any:
    """A name from a table that is imported when it is needed."""
    return field(default=default, metadata={"known": known})


def _device(value: Any) -> str | None:
    right = isinstance(value, str) and re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", value)
    return None if right else 'one of "auto", "cpu", "cuda", "cuda:0", "mps"'


def _games() -> Iterable[str]:
    from ale_py import roms

    return roms.get_all_rom_ids()


def _networks() -> Iterable[str]:
    from rlmonitor.networks import NETWORKS

    return NETWORKS


def _composites() -> Iterable[str]:
    from rlmonitor.lrp import COMPOSITES

    return COMPOSITES


def _probes() -> Iterable[str]:
    from rlmonitor.probe import PROBES

    return ("auto", "none", *PROBES)


@dataclass(frozen=True)
class AgentConfiguration:
    """Section ``[agent]``.

    Attributes:
        game: a ROM of ale-py.
        network: ``nips`` or ``nature``.
    """

    game: str = _one_of("breakout", _games)
    network: str = _one_of("nips", _networks)


@dataclass(frozen=True)
class TrainingConfiguration:
    """Section ``[training]``; timesteps count single environment steps, whatever ``n_envs``.

    Attributes:
        timesteps: where the training ends.
        seed: of everything that is random.
        n_envs: games played side by side.
        learning_rate: Adam's, at the start.
        learning_rate_final: and at ``timesteps``; falls linearly. Absent: it stays.
        batch_size: transitions in a gradient step.
        buffer_size: transitions in the replay buffer; each takes 28 kB.
        learning_starts: timesteps of random play before the first gradient step.
        train_freq: steps of all environments between trainings: ``train_freq`` * ``n_envs``
            timesteps.
        gradient_steps: gradient steps in a training.
        target_update_interval: timesteps between updates of the target network.
        exploration_initial: chance of a random action at the start.
        exploration_final: and after ``exploration_timesteps``.
        exploration_timesteps: over which it falls, linearly.
        life_cost: what a lost life takes off the reward.
        gamma: discount.
        double: the online network chooses the next action, the target network values it.
        n_steps: rewards that a return counts before it relies on the target network.
        prioritized: transitions are replayed by how wrong they were valued; with double DQN.
        precision: of the features in gradient steps, ``single`` or ``bfloat16``; with double DQN.
        threads: of torch, and of the environments.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:0``, ``mps``.
        checkpoint_every: timesteps between checkpoints; what a power cut can cost at most.
        log_every: timesteps between points of the training's own curves.
        refill: timesteps played to refill the replay buffer on ``--resume``, at most.
    """

    timesteps: int = _whole(800_000, 1)
    seed: int = _whole(0, 0)
    n_envs: int = _whole(16, 1)
    learning_rate: float = _real(2.5e-4, 0, 1, open_low=True)
    learning_rate_final: float | None = _real(None, 0, 1, open_low=True)
    batch_size: int = _whole(128, 1)
    buffer_size: int = _whole(250_000, 1)
    learning_starts: int = _whole(10_000, 0)
    train_freq: int = _whole(4, 1)
    gradient_steps: int = _whole(2, 1)
    target_update_interval: int = _whole(8_000, 1)
    exploration_initial: float = _real(1.0, 0, 1)
    exploration_final: float = _real(0.01, 0, 1)
    exploration_timesteps: int = _whole(250_000, 1)
    life_cost: float = _real(0.0, 0, 1_000)
    gamma: float = _real(0.99, 0, 1)
    double: bool = _yes_or_no(False)
    n_steps: int = _whole(1, 1)
    prioritized: bool = _yes_or_no(False)
    precision: str = _one_of("single", lambda: ("single", "bfloat16"))
    threads: int = _whole(1, 1)
    device: str = field(default="auto", metadata={"check": _device})
    checkpoint_every: int = _whole(25_000, 1)
    log_every: int = _whole(2_500, 1)
    refill: int = _whole(50_000, 1)


@dataclass(frozen=True)
class MonitorConfiguration:
    """Section ``[monitor]``.

    Attributes:
        every: timesteps between rounds; 0 for none at all.
        n_frames: frames explained in a round.
        composite: which LRP rule for which layer, by name.
        probe: the fixed frames: ``auto``, ``none`` or a shipped probe's name.
        budget: the greatest share of wall time that the monitor may take; absent: no limit.
        keep: rounds that stay on disk; absent: all.
        games: trial games in a full round, for the event ``memorised``; 0 for none.
        full_every: after 20 rounds, one of so many has pictures and trial games.
    """

    every: int = _whole(50_000, 0)
    n_frames: int = _whole(128, 1)
    composite: str = _one_of("epsilon-gamma-box", _composites)
    probe: str = _one_of("auto", _probes)
    budget: float | None = _real(None, 0, 0.99, open_low=True)
    keep: int | None = _whole(None, 1)
    games: int = _whole(1, 0)
    full_every: int = _whole(3, 1)


@dataclass(frozen=True)
class Configuration:
    """A whole ``agent.toml``."""

    agent: AgentConfiguration = AgentConfiguration()
    training: TrainingConfiguration = TrainingConfiguration()
    monitor: MonitorConfiguration = MonitorConfiguration()

    def with_options(self, options: Mapping[str, Any]) -> Configuration:
        """A copy in which ``{"training.seed": 1}`` and the like are changed; None changes nothing.

        Raises:
            ConfigurationError: as in :func:`parse_configuration`.
        """
        sections = dataclasses.asdict(self)
        for name, value in options.items():
            section, key = name.split(".")
            if value is not None:
                sections[section][key] = value
        return parse_configuration(_without_none(sections), "the options")

    def flat(self) -> dict[str, Any]:
        """Every setting by its full name, such as ``training.seed``."""
        sections = dataclasses.asdict(self).items()
        return {f"{name}.{key}": value for name, keys in sections for key, value in keys.items()}


def load_configuration(path: str | Path) -> Configuration:
    """Read and check an ``agent.toml``.

    Raises:
        ConfigurationError: no such file, no TOML, or a wrong key or value, named with its section.
    """
    path = Path(path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}; expected a TOML file") from error
    except (tomllib.TOMLDecodeError, *MALFORMED) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    try:
        return parse_configuration(data, str(path))
    except ConfigurationError:
        raise
    except ValueError as error:  # a whole number of thousands of digits cannot even be shown
        raise ConfigurationError(f"{path} has a value that cannot be: {error}") from error


def parse_configuration(data: Mapping[str, Any], source: str) -> Configuration:
    """Check settings as TOML gives them: sections of keys.

    Args:
        data: section to key to value.
        source: where they come from, for the messages.

    Raises:
        UnknownNameError: an unknown section, key or name, with the nearest known one.
        ConfigurationError: a value of a wrong type or out of range, or two that do not go together.
    """
    kinds = {
        "agent": AgentConfiguration,
        "training": TrainingConfiguration,
        "monitor": MonitorConfiguration,
    }
    for name in data:
        if name not in kinds:
            raise UnknownNameError(f"section in {source}:", name, kinds)
    sections = {n: _section(kind, n, data.get(n, {}), source) for n, kind in kinds.items()}
    configuration = Configuration(**sections)
    _check_together(configuration.training, source)
    return configuration


def _section(kind: type[Any], name: str, keys: Any, source: str) -> Any:
    if not isinstance(keys, Mapping):
        raise ConfigurationError(f"{source}: {name} = {keys!r}: expected a section [{name}]")
    known = {each.name: each for each in dataclasses.fields(kind)}
    for key, value in keys.items():
        if key not in known:
            raise UnknownNameError(f"key in [{name}] of {source}:", key, known)
        _check(known[key], name, value, source)
    return kind(**keys)


def _check(setting: dataclasses.Field[Any], section: str, value: Any, source: str) -> None:
    if known := setting.metadata.get("known"):
        if value not in tuple(known()):
            raise UnknownNameError(f"{setting.name} in [{section}] of {source}:", value, known())
    elif expected := setting.metadata["check"](value):
        raise ConfigurationError(
            f"{source}: [{section}] {setting.name} = {value!r}: expected {expected}"
            f"{_nearest(value, setting)}"
        )


def _nearest(value: Any, setting: dataclasses.Field[Any]) -> str:
    """The value that was probably meant: 250000 for 2.5e5, 16 for "16", else the default."""
    near: Any = setting.default
    with suppress(TypeError, ValueError, OverflowError):
        near = int(float(value))
    if isinstance(value, bool) or setting.metadata["check"](near) is not None:
        near = setting.default
    return "" if near is None else f", such as {near!r}"


def _check_together(training: TrainingConfiguration, source: str) -> None:
    """Settings that are right one by one, but not together."""
    t = training
    between = t.n_envs * t.train_freq
    if t.buffer_size < max(t.batch_size, between):
        raise ConfigurationError(
            f"{source}: [training] buffer_size = {t.buffer_size}: expected room for "
            f"batch_size = {t.batch_size} and for the {between} timesteps "
            "(n_envs * train_freq) between two trainings"
        )
    if t.n_steps > t.train_freq:
        raise ConfigurationError(
            f"{source}: [training] n_steps = {t.n_steps}: expected at most "
            f"train_freq = {t.train_freq}, or the first training would find no whole return"
        )
    if t.buffer_size // t.n_envs <= t.n_steps:
        raise ConfigurationError(
            f"{source}: [training] buffer_size = {t.buffer_size}: expected more than "
            f"n_envs * n_steps = {t.n_envs * t.n_steps}"
        )
    for key in ("prioritized", "precision"):
        usual = getattr(TrainingConfiguration, key)
        if getattr(t, key) != usual and not t.double:
            raise ConfigurationError(
                f"{source}: [training] {key} = {_toml(getattr(t, key))}: expected "
                f"{_toml(usual)}, or double = true"
            )
    if t.target_update_interval < t.n_envs:
        raise ConfigurationError(
            f"{source}: [training] target_update_interval = {t.target_update_interval}: expected "
            f"at least n_envs = {t.n_envs}, which one step of the environments takes"
        )


def _toml(value: Any) -> str:
    """A value as TOML writes it: true, "single"."""
    return json.dumps(value)


def _without_none(sections: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        section: {key: value for key, value in keys.items() if value is not None}
        for section, keys in sections.items()
    }
