"""A network put together from the modules of a policy, behind stable-baselines3's preprocessing."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.policies import BaseModel
from stable_baselines3.common.preprocessing import is_image_space
from torch import nn

from rlmonitor.errors import UnsupportedLayerError
from rlmonitor.lrp.catalogue import Layer
from rlmonitor.lrp.constants import Rescale
from rlmonitor.lrp.network import POLICY_TARGETS, Network, width
from rlmonitor.lrp.observations import SINGLE, Input
from rlmonitor.lrp.tracing import Node, Source, trace


def check_own(module: nn.Module, kind: type[Any], methods: Sequence[str]) -> None:
    """Refuse a policy that computes otherwise than the class that its modules are read for."""
    for method in methods:
        if getattr(type(module), method) is not getattr(kind, method):
            raise UnsupportedLayerError(
                f"{type(module).__name__} overrides {kind.__name__}.{method}; only the library's "
                "own is supported: give the torch module that it calls instead"
            )


class Assembly:
    """Nodes of a model's modules, behind stable-baselines3's preprocessing."""

    def __init__(self, model: BaseModel, prefix: str) -> None:
        self.nodes: list[Node] = []
        self.inputs: list[Input] = []
        self._model, self._prefix = model, prefix
        self.source = self._take_all(model.observation_space)

    def add(self, name: str, source: Source, method: str = "forward") -> int:
        """Append what a module of the model computes; where its output is to be found."""
        module = getattr(self._model, name)
        first = len(self.nodes)
        path = self._prefix + name
        self.nodes += trace(module, path, first, source, method, shared=True)
        if len(self.nodes) > first:
            return len(self.nodes) - 1
        assert isinstance(source, int)  # trace refuses what returns a dict
        return source

    def place(self, name: str, layer: Layer, *sources: int) -> int:
        """Append a layer of our own; its index."""
        self.nodes.append(Node(self._prefix + name, layer, sources))
        return len(self.nodes) - 1

    def network(self, output: int, value: int | None = None) -> Network:
        """The network with the given heads."""
        nodes, inputs = tuple(self.nodes), tuple(self.inputs)
        n_outputs = width(nodes, output)
        if value is None:
            return Network(nodes, n_outputs, inputs, output)
        targets = (*POLICY_TARGETS, "value")
        return Network(nodes, n_outputs, inputs, output, value, targets)

    def entering(self, index: int) -> int:
        """What is preprocessed of an input: its frames."""
        return index

    def _take_all(self, space: spaces.Space[Any]) -> Source:
        if isinstance(space, spaces.Dict):
            return {key: self._take(one, key) for key, one in space.spaces.items()}
        return self._take(space, SINGLE)

    def _take(self, space: spaces.Space[Any], key: str) -> int:
        """Add an input, with the division by 255 where there is one; the index of its node."""
        self.inputs.append(_input(space, key, normalize_images=self._model.normalize_images))
        index = self.entering(-len(self.inputs))
        divisor = self.inputs[-1].divisor
        if divisor == 1:
            return index
        name = "preprocess_obs" + ("" if key == SINGLE else f".{key}")
        return self.place(name, Rescale(operator.truediv, divisor), index)


def _input(space: spaces.Space[Any], key: str, *, normalize_images: bool) -> Input:
    """What stable-baselines3's ``preprocess_obs`` makes of an observation in a space."""
    if isinstance(space, spaces.Box):
        divisor = 255.0 if normalize_images and is_image_space(space) else 1.0
        low, high = float(space.low.min()) / divisor, float(space.high.max()) / divisor
        kind = "uint8" if space.dtype == np.uint8 else "float"
        return Input(key, space.shape, kind, low, high, divisor)
    if isinstance(space, spaces.MultiBinary):
        return Input(key, space.shape, "integer")
    if isinstance(space, spaces.Discrete) and space.start == 0:
        sizes: tuple[int, ...] = (int(space.n),)
        return Input(key, sizes, "integer", categories=sizes)
    if isinstance(space, spaces.MultiDiscrete) and space.nvec.ndim == 1 and not space.start.any():
        sizes = tuple(map(int, space.nvec))
        return Input(key, (sum(sizes),), "integer", categories=sizes)
    where = "" if key == SINGLE else f" (key {key!r})"
    raise UnsupportedLayerError(
        f"observations in {space}{where} are not supported; Box, Discrete and MultiDiscrete from 0 "
        "on, MultiBinary and a Dict of them are"
    )
