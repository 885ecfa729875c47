"""Agents that stable-baselines3 saved, rebuilt without unpickling anything.

In the zip, ``data`` is JSON: settings as numbers and lists, and beside every pickled object what it
is in words. Those words, and the shapes of the tensors in ``policy.pth``, tell all of the networks
that stable-baselines3 makes by itself. What they do not tell (the strides of somebody's own
features extractor) is refused rather than guessed.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, BinaryIO, cast

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.torch_layers import (
    BaseFeaturesExtractor,
    FlattenExtractor,
    NatureCNN,
)
from stable_baselines3.dqn.policies import DQNPolicy
from torch import Tensor, nn

from rlmonitor.errors import CheckpointError, DependencyError
from rlmonitor.networks import NipsCNN
from rlmonitor.replay.archives import Archive
from rlmonitor.replay.checkpoints import first_difference
from rlmonitor.replay.weights import LARGEST_WEIGHTS, StateFile, look_at_state

LARGEST_DATA, MOST_ITEMS = 32 << 20, 1_000_000
"""Bytes of ``data``, which grow with the number of environments, and values in its JSON."""

LARGEST_OBSERVATION, LARGEST_LAYER, MOST_LAYERS = 1 << 24, 1 << 16, 32

WAY_OUT = "name the class with --architecture module:Class, or --trust the file"

_DQN, _QRDQN, _ACTOR_CRITIC = (
    "stable_baselines3.dqn.policies",
    "sb3_contrib.qrdqn.policies",
    "stable_baselines3.common.policies",
)
_EXTRACTORS: Mapping[str, type[BaseFeaturesExtractor]] = {
    f"{kind.__module__}.{kind.__name__}": kind for kind in (FlattenExtractor, NatureCNN, NipsCNN)
}
_ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    f"torch.nn.modules.activation.{kind.__name__}": kind
    for kind in (nn.ReLU, nn.Tanh, nn.ELU, nn.LeakyReLU, nn.SiLU, nn.GELU, nn.Sigmoid)
}
_OF_THE_NETWORK = frozenset(
    {
        *("activation_fn", "features_extractor_class", "features_extractor_kwargs", "n_quantiles"),
        *("net_arch", "normalize_images", "share_features_extractor"),
    }
)
_OF_THE_TRAINING = frozenset(
    {
        *("optimizer_class", "optimizer_kwargs", "ortho_init", "log_std_init", "full_std"),
        *("use_expln", "squash_output", "use_sde", ":type:", ":serialized:"),
    }
)
_TYPE = re.compile(r"<class '([\w.]+)'>")
_NUMBER = re.compile(r"-?(?:inf|\d+(?:\.\d*)?(?:e[+-]?\d+)?)")


@dataclass(frozen=True)
class SavedAgent:
    """An agent's zip that has been looked at, not loaded.

    Attributes:
        algorithm: ``DQN``, ``QRDQN``, ``PPO``, ``A2C`` or another actor-critic by its settings.
        timesteps: how long it had been trained.
        version: of stable-baselines3, as the file says.
        observation_space: what the policy takes.
        n_actions: how many it knows.
        policy_module: where its policy class was defined.
        settings: of the policy, as JSON tells them.
    """

    algorithm: str
    timesteps: int
    version: str
    observation_space: spaces.Box
    n_actions: int
    policy_module: str
    settings: Mapping[str, Any]
    _archive: Archive = field(repr=False)
    _where: str = field(repr=False)

    @cached_property
    def state(self) -> StateFile:
        """The tensors of ``policy.pth``.

        Raises:
            CheckpointError: they cannot be read.
        """
        file = self._archive.open("policy.pth", LARGEST_WEIGHTS)
        return look_at_state(file, f"{self._where}: policy.pth")

    def policy(self, extractor: type[BaseFeaturesExtractor] | None = None) -> BasePolicy:
        """The policy with its weights, ready to act.

        Args:
            extractor: the class of the features extractor, where the file's is not known.

        Raises:
            CheckpointError: what the network is cannot be told from the file, or its tensors are
                others than the network's.
        """
        kind = _policy_class(self.policy_module, self._where)
        kwargs = _policy_kwargs(self, extractor)
        try:
            policy = _weightless(
                kind, (self.observation_space, spaces.Discrete(self.n_actions), _no_rate), kwargs
            )
        except Exception as error:  # whatever an extractor says to settings that do not fit it
            raise CheckpointError(
                f"{self._where}: its settings make no network ({_line(error)}); {WAY_OUT}"
            ) from error
        fill(policy, self.state.load(), self._where)
        policy.set_training_mode(False)
        return policy


def _weightless(
    kind: type[BasePolicy], arguments: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> BasePolicy:
    """A policy whose weights are on no device yet: whatever sizes a file declares cost nothing."""
    meta = torch.device("meta")
    # stable-baselines3 moves networks to the policy's device while it builds them
    shell: Any = type(kind.__name__, (kind,), {"device": meta})
    with torch.random.fork_rng(devices=[]), meta:
        policy = shell(*arguments, **kwargs)
    policy.__class__ = kind
    return cast(BasePolicy, policy)


def look_at_agent(file: BinaryIO, where: str) -> SavedAgent:
    """Check an agent's zip and find out what it is; its weights are not unpacked.

    Args:
        file: seekable; open until the policy is made.
        where: its name, for messages.

    Raises:
        CheckpointError: a torn or foreign archive, or an agent that is not covered.
    """
    archive = Archive(file, where)
    data = parsed(archive.read("data", LARGEST_DATA), where)
    module = _part(data, "policy_class").get("__module__")
    if not isinstance(module, str):
        raise CheckpointError(f"{where} does not say what class its policy is; {WAY_OUT}")
    if "policy.pth" not in archive.sizes:
        raise CheckpointError(f"{where} holds no 'policy.pth'; it is no agent of stable-baselines3")
    timesteps = data.get("num_timesteps")
    return SavedAgent(
        algorithm=_algorithm(module, data),
        timesteps=timesteps if isinstance(timesteps, int) else 0,
        version=_version(archive),
        observation_space=_observation_space(_part(data, "observation_space"), where),
        n_actions=_n_actions(_part(data, "action_space"), where),
        policy_module=module,
        settings=_part(data, "policy_kwargs") | _quantiles(data),
        _archive=archive,
        _where=where,
    )


def trusted_policy(file: BinaryIO, where: str) -> BasePolicy:
    """The policy of a zip that somebody trusts: it is unpickled, which runs what it says.

    Raises:
        CheckpointError: no algorithm that is known loads it.
    """
    from stable_baselines3 import A2C, DQN, PPO
    from stable_baselines3.common.base_class import BaseAlgorithm

    kinds: list[type[BaseAlgorithm]] = [DQN, PPO, A2C]
    with contextlib.suppress(ImportError):
        from sb3_contrib import QRDQN, TRPO, MaskablePPO

        kinds += [QRDQN, MaskablePPO, TRPO]
    said = ""
    for kind in kinds:
        file.seek(0)
        try:
            with torch.random.fork_rng(devices=[]):
                return kind.load(io.BytesIO(file.read()), device="cpu").policy
        except Exception as error:  # unpickling may raise anything
            said = _line(error)
    raise CheckpointError(f"{where} cannot be loaded by stable-baselines3 either: {said}")


def parsed(content: bytes, where: str) -> dict[str, Any]:
    """A JSON object from a stranger.

    Raises:
        CheckpointError: no JSON object, or one that would take much memory.
    """
    if sum(map(content.count, (b",", b"[", b"{"))) > MOST_ITEMS:
        raise CheckpointError(f"{where}: its JSON holds more than {MOST_ITEMS:,} values; refused")
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{where}: its settings are no JSON: {_line(error)}") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{where}: its settings are no JSON object")
    return data


def fill(module: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Give a module, on torch's ``meta`` device or not, its tensors.

    Raises:
        CheckpointError: the file's tensors are others than the module's.
    """
    expected = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if found != expected:
        raise CheckpointError(f"{where}: {first_difference(found, expected)}")
    single = {name: one.float() if one.dtype in _HALF else one for name, one in state.items()}
    module.load_state_dict(single, assign=True)


_HALF = (torch.float16, torch.bfloat16)


def _algorithm(module: str, data: Mapping[str, Any]) -> str:
    """Its name; an actor-critic by a setting that only that algorithm has."""
    if module != _ACTOR_CRITIC:
        return {_DQN: "DQN", _QRDQN: "QRDQN"}.get(module, f"unknown ({module[:60]})")
    marks = {"clip_range": "PPO", "cg_max_steps": "TRPO"}
    return next((name for mark, name in marks.items() if mark in data), "A2C")


def _policy_class(module: str, where: str) -> Any:
    if module == _DQN:
        return DQNPolicy
    if module == _ACTOR_CRITIC:
        return ActorCriticPolicy
    if module != _QRDQN:
        raise CheckpointError(
            f"{where}: its policy is of {module[:80]!r}, expected one of DQN, QRDQN, PPO or A2C; "
            "--trust the file to load it with stable-baselines3, which unpickles it"
        )
    try:
        from sb3_contrib.qrdqn.policies import QRDQNPolicy
    except ImportError as error:
        raise DependencyError(
            f"{where} is a QRDQN, which needs sb3-contrib: pip install 'rlmonitor[contrib]'"
        ) from error
    return QRDQNPolicy


def _policy_kwargs(
    saved: SavedAgent, extractor: type[BaseFeaturesExtractor] | None
) -> dict[str, Any]:
    settings, where = saved.settings, saved._where
    unknown = settings.keys() - _OF_THE_NETWORK - _OF_THE_TRAINING
    if unknown:
        raise CheckpointError(
            f"{where}: its policy has settings of its own ({', '.join(sorted(unknown))[:100]}); "
            "--trust the file to load it with stable-baselines3, which unpickles it"
        )
    kwargs: dict[str, Any] = {
        "features_extractor_class": extractor or _extractor(saved),
        "features_extractor_kwargs": _extractor_kwargs(settings, where, own=extractor is not None),
    }
    for name in ("normalize_images", "share_features_extractor"):
        if name in settings:
            kwargs[name] = _checked(settings, name, bool, where)
    if "n_quantiles" in settings and saved.policy_module == _QRDQN:
        kwargs["n_quantiles"] = _width(settings["n_quantiles"], where)
    if settings.get("net_arch") is not None:
        kwargs["net_arch"] = _net_arch(settings["net_arch"], where)
    if "activation_fn" in settings:
        kwargs["activation_fn"] = _named(settings["activation_fn"], _ACTIVATIONS, where)
    if saved.policy_module == _ACTOR_CRITIC:
        kwargs["ortho_init"] = False
    return kwargs


def _extractor(saved: SavedAgent) -> type[BaseFeaturesExtractor]:
    """The class that the file names, or the one that its policy has by default."""
    named = saved.settings.get("features_extractor_class")
    if named is not None:
        return cast(type[BaseFeaturesExtractor], _named(named, _EXTRACTORS, saved._where))
    is_cnn = any("features_extractor.cnn." in name for name in saved.state.records)
    return NatureCNN if is_cnn else FlattenExtractor


def _named(text: object, known: Mapping[str, Any], where: str) -> Any:
    match = _TYPE.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[1] not in known:
        raise CheckpointError(
            f"{where}: its network has a {str(text)[:80]}, and tensor shapes do not tell what that "
            f"computes; {WAY_OUT}"
        )
    return known[match[1]]


def _extractor_kwargs(settings: Mapping[str, Any], where: str, *, own: bool) -> dict[str, Any]:
    given = settings.get("features_extractor_kwargs") or {}
    if not isinstance(given, dict):
        raise CheckpointError(f"{where}: the settings of its features extractor are unknown")
    if own:
        return dict(given)
    unknown = given.keys() - {"features_dim", "normalized_image"}
    if unknown:
        raise CheckpointError(f"{where}: its features extractor has unknown settings; {WAY_OUT}")
    kwargs: dict[str, Any] = {}
    if "features_dim" in given:
        kwargs["features_dim"] = _width(given["features_dim"], where)
    if "normalized_image" in given:
        kwargs["normalized_image"] = _checked(given, "normalized_image", bool, where)
    return kwargs


def _net_arch(given: object, where: str) -> Any:
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], dict):
        (given,) = given  # as stable-baselines3 had it before 1.8
    if isinstance(given, dict):
        return {str(key): _widths(value, where) for key, value in given.items()}
    return _widths(given, where)


def _widths(given: object, where: str) -> list[int]:
    if not isinstance(given, list) or len(given) > MOST_LAYERS:
        raise CheckpointError(f"{where}: net_arch {str(given)[:80]} is no list of layer sizes")
    return [_width(each, where) for each in given]


def _width(given: object, where: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 < given <= LARGEST_LAYER:
        raise CheckpointError(
            f"{where}: a layer of {str(given)[:40]}, expected 1 to {LARGEST_LAYER:,} units"
        )
    return given


def _checked(settings: Mapping[str, Any], name: str, kind: type, where: str) -> Any:
    if not isinstance(settings[name], kind):
        raise CheckpointError(f"{where}: {name} is {str(settings[name])[:40]!r}")
    return settings[name]


def _observation_space(told: Mapping[str, Any], where: str) -> spaces.Box:
    shape = told.get("_shape", told.get("shape"))
    if not str(told.get(":type:")).endswith("spaces.box.Box'>") or not isinstance(shape, list):
        raise CheckpointError(
            f"{where}: it observes a {str(told.get(':type:'))[:60]}, expected a Box of images"
        )
    if not shape or not all(isinstance(n, int) and n > 0 for n in shape):
        raise CheckpointError(f"{where}: observations of shape {str(shape)[:60]}")
    if math.prod(shape) > LARGEST_OBSERVATION:
        raise CheckpointError(
            f"{where}: observations of shape {str(shape)[:60]}, expected at most "
            f"{LARGEST_OBSERVATION:,} numbers"
        )
    dtype = str(told.get("dtype"))
    if dtype not in ("uint8", "float32", "float64"):
        raise CheckpointError(f"{where}: observations of {dtype[:40]!r}, expected uint8 or float32")
    low, high = (_bound(told.get(end), end, dtype, where) for end in ("low", "high"))
    return spaces.Box(low, high, tuple(shape), np.dtype(dtype).type)


def _bound(text: object, end: str, dtype: str, where: str) -> float:
    """The least or the greatest number that is written out; the file leaves out the middle."""
    found = [float(number) for number in _NUMBER.findall(str(text)[:100_000])]
    if not found and dtype == "uint8":
        return 0.0 if end == "low" else 255.0
    if not found:
        raise CheckpointError(f"{where}: its observations have no {end}est value")
    return min(found) if end == "low" else max(found)


def _n_actions(told: Mapping[str, Any], where: str) -> int:
    kind = str(told.get(":type:"))
    if not kind.endswith("spaces.discrete.Discrete'>"):
        raise CheckpointError(f"{where}: it acts in a {kind[:60]}, expected Discrete actions")
    try:
        n = int(told["n"])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{where} does not say how many actions it has") from error
    return _width(n, where)


def _quantiles(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"n_quantiles": data["n_quantiles"]} if "n_quantiles" in data else {}


def _version(archive: Archive) -> str:
    name = "_stable_baselines3_version"
    if name not in archive.sizes:
        return "unknown"
    return archive.read(name, 1024).decode(errors="replace").strip()[:40]


def _part(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = data.get(name)
    return part if isinstance(part, dict) else {}


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _no_rate(_: float) -> float:
    """A learning rate for an optimizer that never steps."""
    return 0.0
