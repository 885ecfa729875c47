"""Constants in a network's ``forward``: numbers, buffers and parameters that values meet.

``x / 255 - 0.5`` or ``(x - mean) / deviation`` prepare observations, a gain or an offset may stand
anywhere. Multiplying passes relevance on as it is, because every output has one input. What is
added takes its part of the relevance as a bias does (LRP-epsilon, Bach et al. 2015, eq. 58)::

    z_j = x_j + c_j               R_j = x_j R'_j / (z_j + stabiliser * sign(z_j))

Buffers and parameters are read live, whenever the network is used.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from rlmonitor.lrp.layers import Elementwise
from rlmonitor.lrp.rules import STABILISER


@dataclass(frozen=True)
class Constant:
    """A tensor that does not depend on the observation.

    Attributes:
        read: gives it as it is now.
    """

    read: Callable[[], Tensor]

    def like(self, value: Tensor) -> Tensor:
        """The constant in the type and on the device of a value, detached."""
        return self.read().detach().to(value)


Operand = float | Constant
"""What a value is multiplied by, or what is added to it."""


def _operand(operand: Operand, value: Tensor) -> Tensor | float:
    return operand.like(value) if isinstance(operand, Constant) else operand


def _unbroadcast(result: Tensor, value: Tensor) -> Tensor:
    if result.shape != value.shape:
        raise RuntimeError(f"a constant must not change the shape: it gives {list(result.shape)}")
    return result


def _fixed(operand: Operand) -> Operand:
    """The operand as it is now."""
    if not isinstance(operand, Constant):
        return operand
    kept = operand.read().detach().clone()
    return Constant(lambda: kept)


@dataclass(frozen=True)
class Rescale(Elementwise):
    """Every value times a constant other than 0, or divided by it; relevance passes as is.

    Attributes:
        function: ``operator.mul`` or ``operator.truediv``.
        by: a number or a tensor that broadcasts to the value's shape.
    """

    function: Callable[..., Any]
    by: Operand = 1.0

    def forward(self, value: Tensor) -> Tensor:
        """The product or quotient, in the value's shape."""
        return _unbroadcast(self.function(value, _operand(self.by, value)), value)

    @property
    def factor(self) -> float | None:
        """What values are multiplied by; None where it is a tensor."""
        return None if isinstance(self.by, Constant) else float(self.function(1.0, self.by))

    def fixed(self) -> Rescale:
        """The layer with its constant as it is now."""
        return replace(self, by=_fixed(self.by))


@dataclass(frozen=True)
class Shift:
    """Every value plus a constant.

    Attributes:
        constant: a number or a tensor that broadcasts to the value's shape.
        factor: what it is multiplied by; -1 subtracts it.
    """

    constant: Operand
    factor: float = 1.0

    def forward(self, value: Tensor) -> Tensor:
        """The sum, in the value's shape."""
        return _unbroadcast(value + self._offset(value), value)

    def share_out(self, relevance: Tensor, value: Tensor, output: Tensor) -> tuple[Tensor, Tensor]:
        """The input's relevance, and what constant and stabiliser took, ``[N]``."""
        stabiliser = torch.copysign(torch.full_like(output, STABILISER), output)
        quotient = relevance / (output + stabiliser)
        taken = quotient * (stabiliser + self._offset(value))
        return value * quotient, taken.flatten(1).sum(1)

    def fixed(self) -> Shift:
        """The layer with its constant as it is now."""
        return replace(self, constant=_fixed(self.constant))

    def _offset(self, value: Tensor) -> Tensor | float:
        return self.factor * _operand(self.constant, value)


READING_FUNCTIONS = frozenset(
    {
        *(operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, operator.pow),
        *(operator.getitem, torch.add, torch.sub, torch.mul, torch.div, torch.sqrt, torch.rsqrt),
        *(torch.exp, torch.abs, torch.square, torch.reshape, torch.unsqueeze, torch.squeeze),
        *(torch.flatten, torch.permute, torch.tanh, torch.sigmoid),
    }
)
"""Functions that may compute a constant from others."""

READING_METHODS = frozenset(
    {
        *("add", "sub", "mul", "div", "neg", "pow", "sqrt", "rsqrt", "exp", "abs", "square"),
        *("view", "reshape", "unsqueeze", "squeeze", "flatten", "permute", "transpose"),
        *("expand", "clamp", "to", "float", "detach", "contiguous", "type_as", "tanh", "sigmoid"),
    }
)
"""Methods that may."""
