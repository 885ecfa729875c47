"""What a network takes: shapes, types and bounds of observations, and their checks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from rlmonitor.errors import ObservationError

Array = Tensor | NDArray[Any]
"""A batch of observations, ``[N, C, H, W]`` or ``[N, D]``, uint8 or floating point."""

Observation = Array | Mapping[str, Array]
"""Observations, or a mapping of them where the observation space is a Dict."""

State = tuple[Array, Array]
"""Hidden and cell states of an LSTM, ``[L, N, H]`` each, as ``RecurrentPPO.predict`` gives them."""


@dataclass(frozen=True)
class Windows:
    """Windows of time steps, for recurrent networks, with what a window alone does not tell.

    Attributes:
        observation: ``[N, T, C, H, W]`` or ``[N, T, D]``, or a dict of them.
        episode_starts: ``[N, T]``, whether an episode starts with that step; none does if None.
        actor_state: the actor's LSTM states before the windows; zeros if None. The critic's too
            where both share one LSTM.
        critic_state: the same of the critic's own LSTM.
    """

    observation: Observation
    episode_starts: Array | None = None
    actor_state: State | None = None
    critic_state: State | None = None


SINGLE = "observation"
"""Key of an observation that is no dict."""


@dataclass(frozen=True)
class Input:
    """One tensor that a network takes.

    Attributes:
        key: of a dict of observations; ``SINGLE`` where the observation is the tensor itself.
        shape: ``(C, H, W)`` or ``(D,)``; None where it is not known.
        dtype: what the observation must be, ``"uint8"``, ``"float"`` or ``"integer"``; ``""`` where
            bytes and floats will do.
        low: its smallest value, divided by ``divisor``; -inf if unbounded.
        high: the largest one.
        divisor: what stable-baselines3 divides by before the network's modules see it.
        categories: numbers of values that are one-hot encoded side by side, where it is integers;
            the map has one number for each value then.
    """

    key: str = SINGLE
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    low: float = 0.0
    high: float = 1.0
    divisor: float = 1.0
    categories: tuple[int, ...] = ()

    def checked(self, observation: object) -> Tensor:
        """The observation as a tensor of its own type.

        Raises:
            ObservationError: it does not fit; the message tells what would.
        """
        try:
            tensor = _tensor(observation, integers=self.dtype == "integer")
            if self.categories:
                return self._encoded(tensor)
            self._check_shape(tensor)
            self._check_values(tensor)
        except ObservationError as error:
            if self.key == SINGLE:
                raise
            raise ObservationError(f"observation {self.key!r}: {error}") from error
        return tensor

    def inside(self, tensor: Tensor) -> bool:
        """Whether all numbers of a checked observation lie within the bounds."""
        low, high = self.low * self.divisor, self.high * self.divisor
        if tensor.dtype == torch.uint8 and low <= 0 and high >= 255:  # nobody has to look
            return True
        least, most = tensor.aminmax()
        return low <= float(least) and float(most) <= high

    def _encoded(self, tensor: Tensor) -> Tensor:
        """One-hot vectors side by side, as stable-baselines3 makes them of Discrete spaces."""
        if len(self.categories) == 1 and tensor.ndim == 1:
            tensor = tensor[:, None]
        if tensor.ndim != 2 or tensor.shape[1] != len(self.categories):
            wanted = f"[N, {len(self.categories)}]" if len(self.categories) > 1 else "[N]"
            raise ObservationError(f"the network takes integers {wanted}, got {list(tensor.shape)}")
        if len(tensor) == 0:
            raise ObservationError(f"the batch is empty: {list(tensor.shape)}")
        if tensor.dtype.is_floating_point and not bool((tensor == tensor.round()).all()):
            raise ObservationError("observations of categories must be integers")
        for column, (values, size) in enumerate(zip(tensor.T, self.categories, strict=True)):
            least, most = int(values.min()), int(values.max())
            if least < 0 or most >= size:
                raise ObservationError(
                    f"category {column} must be 0 to {size - 1}, got {least} to {most}"
                )
        columns = zip(tensor.to(torch.int64).T, self.categories, strict=True)
        return torch.cat([functional.one_hot(column, size) for column, size in columns], 1)

    def _check_shape(self, tensor: Tensor) -> None:
        shape, expected = tuple(tensor.shape), self.shape
        if expected is not None and shape[1:] != expected:
            wanted = ", ".join(["N", *map(str, expected)])
            hint = _shape_hint(shape, expected)
            raise ObservationError(f"the network takes [{wanted}], got {list(shape)}{hint}")
        if tensor.ndim < 2:
            raise ObservationError(f"the network takes [N, ...], got {list(shape)}")
        if shape[0] == 0:
            raise ObservationError(f"the batch is empty: {list(shape)}")

    def _check_values(self, tensor: Tensor) -> None:
        if tensor.dtype == torch.uint8:
            if self.dtype == "float":
                raise ObservationError(
                    "the policy was built for float observations, got uint8; give what its "
                    "environment gives"
                )
            return
        if not tensor.dtype.is_floating_point and self.dtype != "integer":
            raise ObservationError(f"observations must be uint8 or float, got {tensor.dtype}")
        least, most = (float(bound) for bound in tensor.aminmax())
        if not (math.isfinite(least) and math.isfinite(most)):
            raise ObservationError("the observation holds NaN or infinity")
        if self.dtype == "integer" and (least < self.low or most > self.high):
            raise ObservationError(
                f"observations must be {self.low:g} to {self.high:g}, got {least:g} to {most:g}"
            )
        if self.dtype == "uint8" and (least < 0 or most > 255 or 0 < most <= 1):
            raise ObservationError(
                f"the policy takes images from 0 to 255, got floats from {least:g} to {most:g}; "
                "give them unscaled, best as uint8"
            )


def checked(inputs: Sequence[Input], observation: Observation | Windows) -> tuple[Tensor, ...]:
    """The tensors that the inputs take, in their order.

    Raises:
        ObservationError: keys are missing or unknown, or an observation does not fit.
    """
    if inputs[0].key == SINGLE:
        return (inputs[0].checked(observation),)
    keys = [one.key for one in inputs]
    if isinstance(observation, Windows) or not isinstance(observation, Mapping):
        raise ObservationError(
            f"the network takes a dict of {', '.join(keys)}, got {type(observation).__name__}"
        )
    if set(observation) != set(keys):
        given = ", ".join(map(str, observation)) or "nothing"
        raise ObservationError(f"the network takes a dict of {', '.join(keys)}, got {given}")
    tensors = tuple(one.checked(observation[one.key]) for one in inputs)
    if len({len(tensor) for tensor in tensors}) > 1:
        sizes = ", ".join(
            f"{key}: {len(tensor)}" for key, tensor in zip(keys, tensors, strict=True)
        )
        raise ObservationError(f"the observations differ in their number of frames: {sizes}")
    return tensors


def _tensor(observation: object, *, integers: bool = False) -> Tensor:
    """The observation as a tensor; of integers or booleans only where they are due."""
    if isinstance(observation, Tensor):
        observation = observation.detach()
        booleans = integers and observation.dtype == torch.bool
        return observation.to(torch.uint8) if booleans else observation
    if not isinstance(observation, np.ndarray):
        raise ObservationError(
            f"observations must be a numpy array or a tensor, got {type(observation).__name__}"
        )
    if integers and observation.dtype.kind in "bui":
        observation = observation.astype(np.int64)
    elif not (observation.dtype == np.uint8 or observation.dtype.kind == "f"):
        raise ObservationError(f"observations must be uint8 or float, got {observation.dtype}")
    # torch warns about read-only arrays and refuses negative strides: both get a copy.
    return torch.from_numpy(np.require(observation, requirements=["C", "W"]))


def _shape_hint(shape: tuple[int, ...], expected: tuple[int, ...]) -> str:
    if shape == expected:
        return "; a single observation needs a batch axis: observation[None]"
    if len(shape) == 4 and (shape[3], shape[1], shape[2]) == expected:
        return "; channels come first: move the last axis behind the batch"
    return ""
