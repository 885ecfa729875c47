"""How one layer with weights distributes relevance under one rule.

A :class:`Lens` is a layer seen through its rule, with the modified weights that the rule asks for;
it serves a whole call. A :class:`Site` is a lens with one batch of inputs.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field, replace

import torch
from torch import Tensor

from rlmonitor.lrp.layers import Affine, along_channels
from rlmonitor.lrp.rules import (
    Bound,
    ParameterView,
    Part,
    Rule,
    Signal,
    above_zero,
    unchanged,
)

Term = tuple[Tensor | float, Tensor]
"""Input and weight of a branch."""


@dataclass
class Lens:
    """A layer seen through its rule.

    Attributes:
        layer: what is computed.
        rule: how relevance is distributed.
        weight: as it is now.
        bias: ``[out]``, or None.
        bounds: smallest and largest value that the layer's input may have.
        inside: whether it is known that the input lies within them.
        name: the layer's module path.
        rectified_input: whether it is known that no input is negative.
        rectified_output: whether it is known that relevance comes to positive outputs alone.
    """

    layer: Affine
    rule: Rule
    weight: Tensor
    bias: Tensor | None
    bounds: tuple[Bound, Bound] = (-math.inf, math.inf)
    _: KW_ONLY
    inside: bool = False
    name: str = ""
    rectified_input: bool = False
    rectified_output: bool = False
    _views: dict[ParameterView, Tensor] = field(default_factory=dict)
    _biases: dict[int, Tensor | None] = field(default_factory=dict)

    def at(self, value: Tensor, output: Tensor) -> Site:
        """The lens with a batch of inputs and the outputs that the layer gave for them."""
        signal = Signal(
            value, *self.bounds, self.name, inside=self.inside, rectified=self.rectified_input
        )
        return Site(self, signal, output)

    @functools.cached_property
    def stabiliser(self) -> Tensor:
        """The rule's stabiliser, in the weight's precision."""
        return torch.tensor(
            self.rule.stabiliser, dtype=self.weight.dtype, device=self.weight.device
        )

    def weight_view(self, view: ParameterView) -> Tensor:
        """A view of the weight, computed once."""
        if view not in self._views:
            self._views[view] = view(self.weight)
        return self._views[view]

    def bias_of(self, part: Part) -> Tensor | None:
        """A part's bias, ``[out]``; the stabiliser is in it if its sign is known beforehand."""
        if id(part) not in self._biases:
            bias = None
            if part.bias is not None and self.bias is not None:
                bias = part.bias(self.bias)
            if part.sign:
                bias = self.weight.new_zeros(len(self.weight)) if bias is None else bias
                bias = bias + part.sign * self.rule.stabiliser
            self._biases[id(part)] = bias
        return self._biases[id(part)]


@dataclass
class Site:
    """A layer with what went through it.

    Attributes:
        lens: the layer and its rule.
        signal: its input, ``[N, in, ...]``.
        output: ``[N, out, ...]``.
    """

    lens: Lens
    signal: Signal
    output: Tensor
    _terms: dict[int, list[Term]] = field(default_factory=dict)
    _denominators: dict[int, Tensor] = field(default_factory=dict)

    def read_out(self, readout: Tensor) -> Site:
        """The site of a dense layer whose outputs are ``readout`` (``[A, A]``) times this one's."""
        bias = None if self.lens.bias is None else readout @ self.lens.bias
        weight = readout @ self.lens.weight
        lens = replace(self.lens, weight=weight, bias=bias, _views={}, _biases={})
        value = self.signal.value
        return Site(lens, self.signal, lens.layer.apply(value, weight, bias))

    def distribute(self, relevance: Tensor) -> tuple[Tensor, Tensor]:
        """Hand relevance down.

        Args:
            relevance: ``[N, out, ...]``, of the layer's outputs.

        Returns:
            The inputs' relevance, ``[N, in, ...]``, and what was absorbed, ``[N]``.
        """
        below: Tensor | None = None
        absorbed = []
        for part, share in self._shares(relevance):
            if part is None:
                absorbed.append(total(share))
                continue
            quotient, taken = self._quotient(part, share)
            below = self._received(part, quotient, below)
            absorbed += taken
        below = torch.zeros_like(self.signal.value) if below is None else below
        return below, functools.reduce(torch.add, absorbed)

    def _shares(self, relevance: Tensor) -> Iterator[tuple[Part | None, Tensor]]:
        """Each part with the relevance that it serves; last, for no part, what none of them does.

        Behind a ReLU all relevance is at positive outputs: the part for those serves it whole.
        """
        left, selective = relevance, False
        for part in self.lens.rule.parts:
            if part.where is None:
                yield part, relevance
                continue
            if part.where is above_zero and self.lens.rectified_output:
                yield part, relevance
                return
            selective, share = True, part.where(left, self.output)
            yield part, share
            if torch.equal(share, left):
                return
            left = left - share
        if selective:
            yield None, left

    def _quotient(self, part: Part, share: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Relevance over denominator, and what bias, stabiliser and empty denominators take."""
        denominator, stabiliser = self._denominator(part), self.lens.rule.stabiliser
        taken = []
        if part.coefficient != 1:
            share = share * part.coefficient
        if stabiliser == 0:
            empty = denominator == 0
            taken.append(total(share * empty))
            share, denominator = share.masked_fill(empty, 0), denominator.masked_fill(empty, 1)
        quotient = share / denominator
        if stabiliser != 0 and part.sign == 0:
            # The stabiliser has the denominator's sign: times the quotient it has the share's.
            taken.append(stabiliser * total(torch.copysign(quotient, share)))
        bias = self.lens.bias_of(part)
        if bias is not None:
            taken.append(_by_channel(quotient) @ bias)
        return quotient, taken

    def _received(self, part: Part, quotient: Tensor, so_far: Tensor | None) -> Tensor:
        """What the inputs get from a part, ``[N, in, ...]``, on top of what they got so far."""
        for value, weight in self._terms_of(part):
            gradient = self.lens.layer.transpose(quotient, weight, self.signal.value.shape)
            if so_far is None:
                so_far = gradient if _is_one(value) else _writable(gradient).mul_(value)
            elif isinstance(value, Tensor):
                so_far = _writable(so_far).addcmul_(gradient, value)
            else:
                so_far = _writable(so_far).add_(gradient, alpha=value)
        return torch.zeros_like(self.signal.value) if so_far is None else so_far

    def _denominator(self, part: Part) -> Tensor:
        """The stabilised denominator, ``[N or 1, out, ...]``; computed once for all targets."""
        if id(part) not in self._denominators:
            plain, stabiliser = self._raw_denominator(part), self.lens.rule.stabiliser
            if part.sign == 0:
                stabilised = torch.copysign(self.lens.stabiliser, plain).add_(plain)
            elif part.sign > 0:
                stabilised = plain.clamp_(min=stabiliser)
            else:
                stabilised = plain.clamp_(max=-stabiliser)
            self._denominators[id(part)] = stabilised
        return self._denominators[id(part)]

    def _raw_denominator(self, part: Part) -> Tensor:
        """Sum of branches and bias; the layer's own output is reused where it is a branch.

        Never that output itself where the part has a sign: its bias always adds something then.
        """
        value, weight = self.signal.value, self.lens.weight
        terms = self._terms_of(part)
        others = [term for term in terms if term[0] is not value or term[1] is not weight]
        reuses = len(others) < len(terms)
        summed, offset = self.output if reuses else None, self._offset(part, reuses=reuses)
        for entering, modified in others:
            if isinstance(entering, Tensor):
                term = self.lens.layer.apply(entering, modified, offset)
            else:
                term = self.lens.layer.apply_to_constant(entering, modified, value)
                term = term if offset is None else term + along_channels(offset, term)
            summed, offset = term if summed is None else summed + term, None
        if summed is None:
            summed = torch.zeros_like(self.output)
        return summed if offset is None else summed + along_channels(offset, summed)

    def _offset(self, part: Part, *, reuses: bool) -> Tensor | None:
        """What is added to the branches: the part's bias, less that of a reused output."""
        own, bias = self.lens.bias, self.lens.bias_of(part)
        if not reuses or own is None:
            return bias
        if part.bias is unchanged and part.sign == 0:
            return None
        return -own if bias is None else bias - own

    def _terms_of(self, part: Part) -> list[Term]:
        """Input and weight of each branch through which something flows, constants first."""
        if id(part) not in self._terms:
            inputs = [(branch.input(self.signal), branch.weight) for branch in part.branches]
            constants = [(value, view) for value, view in inputs if _is_constant(value)]
            tensors = [(value, view) for value, view in inputs if isinstance(value, Tensor)]
            self._terms[id(part)] = [
                (value, self.lens.weight_view(view)) for value, view in constants + tensors
            ]
        return self._terms[id(part)]


def _is_constant(value: Tensor | float) -> bool:
    """Whether all inputs are one number other than 0."""
    return not isinstance(value, Tensor) and value != 0


def _is_one(value: Tensor | float) -> bool:
    return not isinstance(value, Tensor) and value == 1


def _writable(tensor: Tensor) -> Tensor:
    """The tensor, or a copy where it shows one number in several places."""
    return tensor.clone(memory_format=torch.contiguous_format) if 0 in tensor.stride() else tensor


def total(tensor: Tensor) -> Tensor:
    """Sum for each frame."""
    return tensor.sum(dim=tuple(range(1, tensor.ndim)))


def _by_channel(tensor: Tensor) -> Tensor:
    """``[N, out, ...]`` summed to ``[N, out]``."""
    return tensor.sum(dim=tuple(range(2, tensor.ndim))) if tensor.ndim > 2 else tensor
