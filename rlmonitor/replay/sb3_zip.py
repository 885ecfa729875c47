"""Agents that stable-baselines3 saved, rebuilt without unpickling anything.

In the zip, ``data`` is JSON: settings as numbers and lists, and beside every pickled object what it
is in words. Those words, and the shapes of the tensors in ``policy.pth``, tell all of the networks
that stable-baselines3 makes by itself. What they do not tell (the strides of somebody's own
features extractor) is refused rather than guessed.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, BinaryIO, cast

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.torch_layers import (
    BaseFeaturesExtractor,
    FlattenExtractor,
    NatureCNN,
)
from stable_baselines3.dqn.policies import DQNPolicy
from torch import nn

from rlmonitor.errors import CheckpointError, DependencyError
from rlmonitor.networks import NipsCNN
from rlmonitor.replay.archives import Archive
from rlmonitor.replay.sb3_policies import fill, no_rate, weightless
from rlmonitor.replay.sb3_settings import (
    WAY_OUT,
    checked,
    extractor_kwargs,
    first_line,
    n_actions_of,
    named,
    net_arch_of,
    observation_space_of,
    parsed,
    part_of,
    width,
)
from rlmonitor.replay.weights import LARGEST_WEIGHTS, StateFile, look_at_state

LARGEST_DATA = 32 << 20
"""Bytes of ``data``, which grow with the number of environments."""

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
            policy = weightless(
                kind, (self.observation_space, spaces.Discrete(self.n_actions), no_rate), kwargs
            )
        except Exception as error:  # whatever an extractor says to settings that do not fit it
            raise CheckpointError(
                f"{self._where}: its settings make no network ({first_line(error)}); {WAY_OUT}"
            ) from error
        fill(policy, self.state.load(), self._where)
        policy.set_training_mode(False)
        return policy


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
    module = part_of(data, "policy_class").get("__module__")
    if not isinstance(module, str):
        raise CheckpointError(f"{where} does not say what class its policy is; {WAY_OUT}")
    if "policy.pth" not in archive.sizes:
        raise CheckpointError(f"{where} holds no 'policy.pth'; it is no agent of stable-baselines3")
    timesteps = data.get("num_timesteps")
    return SavedAgent(
        algorithm=_algorithm(module, data),
        timesteps=timesteps if isinstance(timesteps, int) else 0,
        version=_version(archive),
        observation_space=observation_space_of(part_of(data, "observation_space"), where),
        n_actions=n_actions_of(part_of(data, "action_space"), where),
        policy_module=module,
        settings=part_of(data, "policy_kwargs") | _quantiles(data),
        _archive=archive,
        _where=where,
    )


def trusted_policy(file: BinaryIO, where: str) -> BasePolicy:
    """The policy of a zip that somebody trusts: it is unpickled, which runs what it says.

    Raises:
        CheckpointError: no algorithm that is known loads it.
        DependencyError: it needs sb3-contrib, which is missing.
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
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] == "sb3_contrib":
                raise DependencyError(_needs_contrib(where)) from error
            said = first_line(error)
        except Exception as error:  # unpickling may raise anything
            said = first_line(error)
    raise CheckpointError(f"{where} cannot be loaded by stable-baselines3 either: {said}")


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
        raise DependencyError(_needs_contrib(where)) from error
    return QRDQNPolicy


def _needs_contrib(where: str) -> str:
    return f"{where} needs sb3-contrib: pip install 'rlmonitor[contrib]'"


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
        "features_extractor_kwargs": extractor_kwargs(settings, where, own=extractor is not None),
    }
    for name in ("normalize_images", "share_features_extractor"):
        if name in settings:
            kwargs[name] = checked(settings, name, bool, where)
    if "n_quantiles" in settings and saved.policy_module == _QRDQN:
        kwargs["n_quantiles"] = width(settings["n_quantiles"], where)
    if settings.get("net_arch") is not None:
        kwargs["net_arch"] = net_arch_of(settings["net_arch"], where)
    if "activation_fn" in settings:
        kwargs["activation_fn"] = named(settings["activation_fn"], _ACTIVATIONS, where)
    if saved.policy_module == _ACTOR_CRITIC:
        kwargs["ortho_init"] = False
    return kwargs


def _extractor(saved: SavedAgent) -> type[BaseFeaturesExtractor]:
    """The class that the file names, or the one that its policy has by default."""
    told = saved.settings.get("features_extractor_class")
    if told is not None:
        return cast(type[BaseFeaturesExtractor], named(told, _EXTRACTORS, saved._where))
    is_cnn = any("features_extractor.cnn." in name for name in saved.state.records)
    return NatureCNN if is_cnn else FlattenExtractor


def _quantiles(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"n_quantiles": data["n_quantiles"]} if "n_quantiles" in data else {}


def _version(archive: Archive) -> str:
    name = "_stable_baselines3_version"
    if name not in archive.sizes:
        return "unknown"
    return archive.read(name, 1024).decode(errors="replace").strip()[:40]
