"""The rules of layer-wise relevance propagation, as data.

Every rule redistributes the relevance of a layer's outputs in proportion to *contributions*. It
is a tuple of :class:`Part`; each part is a set of :class:`Branch` (a view of the input times a view
of the weight) whose outputs add up, with a bias, to one denominator. For the relevance ``R_k`` of
output ``k``, with inputs ``x_j`` and weights ``w_jk``::

    z_k = sum_branches sum_j input(x)_j weight(w)_jk + bias(b)_k
    s_k = coefficient * R_k / (z_k + stabiliser * sign(z_k))           with sign(0) = +1
    R_j = sum_parts sum_branches input(x)_j sum_k weight(w)_jk s_k

What the inputs do not get is what the bias and the stabiliser took, ``s_k (bias(b)_k + stabiliser *
sign(z_k))``, and the whole ``R_k`` of outputs that no part serves. Biases and stabilisers are those
of zennit 0.5.1 (Anders et al. 2021): z_plus clamps the bias at 0, gamma scales it, z_box cancels
it, w_square squares it, flat drops it.

References: Bach et al. 2015 (doi 10.1371/journal.pone.0130140: epsilon, alpha_beta); Montavon et
al. 2017 (doi 10.1016/j.patcog.2016.11.008: z_plus, z_box, w_square); Lapuschkin et al. 2019 (doi
10.1038/s41467-019-08987-4: flat); Montavon et al. 2019 (doi 10.1007/978-3-030-28954-6_10: gamma);
Andéol et al. 2021 (gamma for inputs of both signs).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import torch
from torch import Tensor

from rlmonitor.errors import ConfigurationError, ObservationError

STABILISER = 1e-6
"""Added to every denominator with its sign; the value of zennit's presets."""


Bound = float | Tensor
"""The smallest or largest value of a layer's input: one for all of it, or ``[1, ...]``."""


@dataclass(frozen=True)
class Signal:
    """What enters a layer.

    Attributes:
        value: ``[N, ...]``, the layer's input.
        low: the smallest value that it may have, in layers that see the observation itself.
        high: the largest one.
        name: the layer's module path, for error messages.
        inside: whether it is known that no input is below ``low`` or above ``high``.
        rectified: whether it is known that no input is negative.
    """

    value: Tensor
    low: Bound = -math.inf
    high: Bound = math.inf
    name: str = ""
    inside: bool = False
    rectified: bool = False

    @cached_property
    def signed(self) -> bool:
        """Whether any input is negative."""
        return not self.rectified and bool(self.value.amin() < 0)

    @cached_property
    def extremes(self) -> tuple[Tensor, Tensor]:
        """The smallest and the largest input; looked for in the order that memory has."""
        axes = sorted(range(self.value.ndim), key=self.value.stride, reverse=True)
        least, most = self.value.permute(axes).aminmax()
        return least, most


InputView = Callable[[Signal], Bound]
"""A view of a layer's input; a float stands for that constant everywhere, 0 for nothing at all."""

ParameterView = Callable[[Tensor], Tensor]
"""A view of a weight or a bias, of the same shape."""

Selection = Callable[[Tensor, Tensor], Tensor]
"""From the relevance and the values of outputs to the relevance that a part serves, 0 elsewhere."""


@dataclass(frozen=True)
class Branch:
    """A view of the input times a view of the weight."""

    input: InputView
    weight: ParameterView


@dataclass(frozen=True)
class Part:
    """Branches that share a denominator.

    Attributes:
        branches: their outputs add up to the denominator.
        bias: the view of the bias that is added to it; None for none.
        coefficient: the fraction of the relevance that this part redistributes.
        where: the outputs that this part serves; all of them where it is None.
        sign: +1 or -1 if the denominator has that sign at all outputs that the part serves (what
            rounding leaves on the other side of 0 counts as 0); 0 if it may have either.
    """

    branches: tuple[Branch, ...]
    bias: ParameterView | None
    coefficient: float = 1.0
    where: Selection | None = None
    sign: int = 0


@dataclass(frozen=True)
class Rule:
    """One way of redistributing relevance in a layer that has weights.

    Attributes:
        name: as in the literature, with its parameters.
        parts: see the module's docstring.
        stabiliser: not negative; with 0, outputs whose denominator is 0 are absorbed.
    """

    name: str
    parts: tuple[Part, ...]
    stabiliser: float = STABILISER

    def __post_init__(self) -> None:
        """Refuse a stabiliser that is negative or not finite, and parts that lose relevance."""
        if not 0 <= self.stabiliser < math.inf:
            raise ConfigurationError(
                f"the stabiliser of {self.name} must be finite and >= 0, got {self.stabiliser}"
            )
        fractions = [part.coefficient for part in self.parts if part.where is None]
        if fractions and not math.isclose(sum(fractions), 1, abs_tol=1e-9):
            raise ConfigurationError(
                f"the coefficients of {self.name} must add up to 1, got {fractions}"
            )

    @property
    def spares_zeros(self) -> bool:
        """Whether inputs that are 0 get nothing, as where products of input and weight count."""
        views = {branch.input for part in self.parts for branch in part.branches}
        return views <= {whole, positive, negative}


def whole(signal: Signal) -> Tensor:
    """The input as it is."""
    return signal.value


def positive(signal: Signal) -> Tensor:
    """The positive part of the input."""
    return signal.value.clamp(min=0) if signal.signed else signal.value


def negative(signal: Signal) -> Tensor | float:
    """The negative part of the input; nothing behind a ReLU."""
    return signal.value.clamp(max=0) if signal.signed else 0.0


def one(_: Signal) -> float:
    """Every input is 1."""
    return 1.0


def unchanged(parameter: Tensor) -> Tensor:
    """The parameter as it is."""
    return parameter


def clamp_low(parameter: Tensor) -> Tensor:
    """The positive part of the parameter."""
    return parameter.clamp(min=0)


def clamp_high(parameter: Tensor) -> Tensor:
    """The negative part of the parameter."""
    return parameter.clamp(max=0)


def minus_clamp_low(parameter: Tensor) -> Tensor:
    """The positive part of the parameter, subtracted."""
    return -parameter.clamp(min=0)


def minus_clamp_high(parameter: Tensor) -> Tensor:
    """The negative part of the parameter, subtracted."""
    return -parameter.clamp(max=0)


def same_everywhere(parameter: Tensor) -> Tensor:
    """Ones; expanded, so that layers see that all channels are alike."""
    return parameter.new_ones(()).expand_as(parameter)


def above_zero(relevance: Tensor, output: Tensor) -> Tensor:
    """The relevance of outputs that are positive."""
    return relevance * output.sign().clamp_(min=0)


def below_zero(relevance: Tensor, output: Tensor) -> Tensor:
    """The relevance of outputs that are negative."""
    return relevance * output.sign().neg_().clamp_(min=0)


def _favour(clamp: ParameterView, gamma: float, parameter: Tensor) -> Tensor:
    return torch.add(parameter, clamp(parameter), alpha=gamma)


def _box_edge(edge: str, value: float | None, signal: Signal) -> Bound:
    bound: Bound = getattr(signal, edge) if value is None else value
    finite = bound.isfinite().all() if isinstance(bound, Tensor) else math.isfinite(bound)
    if not finite:
        raise ConfigurationError(
            f"z_box at {signal.name} needs a finite {edge} bound of the input, but the observation "
            f"space has {_extreme(bound, edge):g}; pass z_box(low=..., high=...) or take flat, "
            "w_square or epsilon"
        )
    return bound


def _extreme(bound: Bound, edge: str) -> float:
    """The outermost of the bounds."""
    if not isinstance(bound, Tensor):
        return float(bound)
    return float(bound.min() if edge == "low" else bound.max())


def _boxed(low: float | None, high: float | None, signal: Signal) -> Tensor:
    """The input, after a look whether it lies in the box: outside it z_box has no meaning."""
    bottom, top = _box_edge("low", low, signal), _box_edge("high", high, signal)
    if signal.inside and low is None and high is None:
        return signal.value
    floor, ceiling = _extreme(bottom, "low"), _extreme(top, "high")
    least, most = (float(bound) for bound in signal.extremes)
    slack = 1e-3 * (ceiling - floor)
    outside = least < floor - slack or most > ceiling + slack
    if isinstance(bottom, Tensor) or isinstance(top, Tensor):
        below, above = signal.value < bottom - slack, signal.value > top + slack
        outside = bool((below | above).any())
    if outside:
        raise ObservationError(
            f"z_box at {signal.name} explains inputs from {floor:g} to {ceiling:g}, but they go "
            f"from {least:g} to {most:g}; scale the observation (uint8 images: divide by 255), "
            "give network_of a module's bounds, or pass a composite with z_box(low=..., high=...) "
            "or with flat"
        )
    return signal.value


def epsilon(epsilon: float = STABILISER) -> Rule:
    """LRP-epsilon; LRP-0 where it is 0. Bach et al. 2015, eq. 58."""
    parts = (Part((Branch(whole, unchanged),), bias=unchanged),)
    return Rule(f"epsilon({epsilon:g})", parts, epsilon)


def gamma(gamma: float = 0.25, stabiliser: float = STABILISER) -> Rule:
    """LRP-gamma: contributions that agree with the output's sign count 1 + gamma times.

    Montavon et al. 2019, table 10.1; for inputs and outputs of both signs Andéol et al. 2021.
    Outputs that are exactly 0 have no sign: what reaches them is absorbed.
    """
    if not 0 <= gamma < math.inf:
        raise ConfigurationError(f"gamma must be finite and >= 0, got {gamma}")
    upward, downward = partial(_favour, clamp_low, gamma), partial(_favour, clamp_high, gamma)
    with_positive = Branch(positive, upward), Branch(negative, downward)
    with_negative = Branch(positive, downward), Branch(negative, upward)
    parts = (
        Part(with_positive, upward, where=above_zero, sign=1),
        Part(with_negative, downward, where=below_zero, sign=-1),
    )
    return Rule(f"gamma({gamma:g})", parts, stabiliser)


_EXCITING = Part((Branch(positive, clamp_low), Branch(negative, clamp_high)), clamp_low, sign=1)
_INHIBITING = Part((Branch(positive, clamp_high), Branch(negative, clamp_low)), clamp_high, sign=-1)


def z_plus(stabiliser: float = STABILISER) -> Rule:
    """LRP-z+: positive contributions only. Montavon et al. 2017; alpha 1, beta 0."""
    return Rule("z_plus", (_EXCITING,), stabiliser)


def alpha_beta(alpha: float = 2.0, beta: float = 1.0, stabiliser: float = STABILISER) -> Rule:
    """LRP-alpha-beta: alpha times the positive contributions less beta times the negative ones.

    Bach et al. 2015, eq. 60.

    Raises:
        ConfigurationError: unless alpha - beta = 1 and beta >= 0.
    """
    if beta < 0 or not math.isclose(alpha - beta, 1.0, abs_tol=1e-12):
        raise ConfigurationError(
            f"alpha_beta needs alpha - beta = 1 and beta >= 0, got alpha={alpha}, beta={beta}; "
            "(2, 1) and (1, 0) are usual"
        )
    weighted = ((_EXCITING, alpha), (_INHIBITING, -beta))
    parts = tuple(replace(part, coefficient=factor) for part, factor in weighted if factor)
    return Rule(f"alpha_beta({alpha:g}, {beta:g})", parts, stabiliser)


def z_box(
    low: float | None = None, high: float | None = None, stabiliser: float = STABILISER
) -> Rule:
    """LRP-z^B, for first layers whose inputs lie in a box. Montavon et al. 2017.

    Args:
        low: smallest value of the layer's input; None takes the bounds of the network's input.
        high: largest value.
        stabiliser: see :class:`Rule`.
    """
    branches = (
        Branch(partial(_boxed, low, high), unchanged),
        Branch(partial(_box_edge, "low", low), minus_clamp_low),
        Branch(partial(_box_edge, "high", high), minus_clamp_high),
    )
    # b - max(b, 0) - min(b, 0) = 0: the box cancels the bias.
    return Rule("z_box", (Part(branches, bias=None),), stabiliser)


def w_square(stabiliser: float = STABILISER) -> Rule:
    """LRP-w^2, for first layers with unbounded inputs. Montavon et al. 2017."""
    parts = (Part((Branch(one, torch.square),), bias=torch.square, sign=1),)
    return Rule("w_square", parts, stabiliser)


def flat(stabiliser: float = STABILISER) -> Rule:
    """LRP-flat: the same to every input of a receptive field. Lapuschkin et al. 2019, methods."""
    parts = (Part((Branch(one, same_everywhere),), bias=None, sign=1),)
    return Rule("flat", parts, stabiliser)


RULES: dict[str, Callable[[], Rule]] = {
    "epsilon": epsilon,
    "gamma": gamma,
    "z_plus": z_plus,
    "alpha_beta": alpha_beta,
    "z_box": z_box,
    "w_square": w_square,
    "flat": flat,
}
"""Constructors of all rules by name, each with its usual parameters as defaults."""
