"""Layers without weights that mix values: sums, averages, what a normalisation centres.

All are linear maps of their inputs, once what a normalisation divides by is held constant.
Relevance is shared out in proportion to what each value adds to the result, which is LRP-epsilon of
that map (Bach et al. 2015, eq. 58; for residual additions and pooling also the rule ``Norm`` of
zennit, Anders et al. 2021)::

    z = sum_j a_jk x_j            R_j = x_j sum_k a_jk R_k / (z_k + stabiliser * sign(z_k))

What the stabiliser takes counts as absorbed. z_plus on averages would make no difference behind a
ReLU, where nothing is negative; elsewhere it would break the rule of sums, which averages are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rlmonitor.lrp.rules import STABILISER


@dataclass(frozen=True)
class Sum:
    """Values added up, broadcast to one shape: residual additions, dueling heads.

    Attributes:
        factors: what each value is multiplied by; -1 subtracts it.
    """

    factors: tuple[float, ...]

    def forward(self, *values: Tensor) -> Tensor:
        """The sum."""
        first, *others = zip(values, self.factors, strict=True)
        result = first[0] if first[1] == 1 else first[0] * first[1]
        for value, factor in others:
            result = torch.add(result, value, alpha=factor)
        return result

    def transpose(self, upper: Tensor, values: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The gradient of each value, from that of the sum."""
        return tuple(
            (upper if factor == 1 else upper * factor).sum_to_size(value.shape)
            for value, factor in zip(values, self.factors, strict=True)
        )


@dataclass(frozen=True)
class Average:
    """Means over windows or axes.

    Attributes:
        function: linear.
        adjoint: from a gradient and the input to the input's gradient.
    """

    function: Callable[[Tensor], Tensor]
    adjoint: Callable[[Tensor, Tensor], Tensor]

    def forward(self, value: Tensor) -> Tensor:
        """The means."""
        return self.function(value)

    def transpose(self, upper: Tensor, values: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The gradient of the input, from that of the means."""
        return (self.adjoint(upper, values[0]),)


@dataclass(frozen=True)
class Centring:
    """What a LayerNorm or GroupNorm does before it scales: ``(x - mean) / deviation``.

    The deviation is a constant of the forward pass and the mean is part of the linear map: Ali et
    al. 2022, 'XAI for Transformers: Better Explanations through Conservative Propagation', eq. 9.

    Attributes:
        groups: of neighbouring numbers that have a mean and a deviation of their own.
        eps: added to the variance.
        size: of a group, where that is what is known: as many groups as there are.
    """

    groups: int
    eps: float
    size: int | None = None

    def forward(self, value: Tensor) -> Tensor:
        """``[N, C, ...]`` to the same shape."""
        centred, deviation = self._centred(value)
        return (centred / deviation).reshape(value.shape)

    def transpose(self, upper: Tensor, values: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The gradient of the input with the deviation held constant."""
        (value,) = values
        _, deviation = self._centred(value)
        grouped = self._grouped(upper) / deviation
        return ((grouped - grouped.mean(2, keepdim=True)).reshape(value.shape),)

    def _centred(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """``[N, groups, D]`` less its mean, and ``[N, groups, 1]``."""
        grouped = self._grouped(value)
        centred = grouped - grouped.mean(2, keepdim=True)
        return centred, (centred.square().mean(2, keepdim=True) + self.eps).sqrt()

    def _grouped(self, value: Tensor) -> Tensor:
        if self.size is None:
            return value.reshape(len(value), self.groups, -1)
        return value.reshape(len(value), -1, self.size)


@dataclass(frozen=True)
class Concatenation:
    """Values side by side; each gets back what came from it.

    Attributes:
        axis: not the first one.
    """

    axis: int

    def forward(self, *values: Tensor) -> Tensor:
        """The values along the axis."""
        if self.axis % values[0].ndim == 0:
            raise RuntimeError("concatenating along the batch")
        return torch.cat(values, self.axis)

    def backward(self, relevance: Tensor, values: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The relevance of each value."""
        return torch.split(relevance, [value.shape[self.axis] for value in values], self.axis)


Mixing = Sum | Average | Centring
"""Layers that share relevance out in proportion to contributions."""


def share_out(
    layer: Mixing, relevance: Tensor, values: Sequence[Tensor], output: Tensor
) -> tuple[tuple[Tensor, ...], Tensor]:
    """Hand relevance down through a layer that mixes values.

    Args:
        layer: what is computed.
        relevance: of its output.
        values: its inputs.
        output: what it gave for them.

    Returns:
        The relevance of each input, and what the stabiliser took, ``[N]``.
    """
    sign = torch.copysign(torch.ones_like(output), output)
    quotient = relevance / (output + STABILISER * sign)
    gradients = layer.transpose(quotient, values)
    shares = tuple(value * gradient for value, gradient in zip(values, gradients, strict=True))
    return shares, STABILISER * (quotient * sign).flatten(1).sum(1)
