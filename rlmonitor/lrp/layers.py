"""The layers that relevance can pass: what each computes, and its transpose.

Layers with weights (:class:`Dense`, :class:`Convolution`, :class:`Scale`) are linear maps that a
rule looks at with modified weights; the others here (:class:`Elementwise`, :class:`Reshape`, …)
hand relevance on as it is, to where it came from. Layers that mix values without weights of their
own are in :mod:`rlmonitor.lrp.mixing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from rlmonitor.lrp.parameters import Parameters

LANES = 16
"""Numbers that a CPU's vector unit handles at once; fewer channels than that leave it idle."""


@dataclass(frozen=True)
class Elementwise:
    """An activation ``f`` with ``f(0) = 0`` that keeps signs, or a scaling; relevance passes as is.

    Attributes:
        function: out of place, from any shape to the same shape.
    """

    function: Callable[[Tensor], Tensor]

    def forward(self, value: Tensor) -> Tensor:
        """The activations, in the input's shape."""
        return self.function(value)

    def backward(self, relevance: Tensor, value: Tensor) -> Tensor:
        """The relevance as it is; ``value`` is the layer's input."""
        return relevance


@dataclass(frozen=True)
class Reshape:
    """Another shape of the same frames, with all numbers in the same order.

    Attributes:
        function: keeps the first axis.
    """

    function: Callable[[Tensor], Tensor]

    def forward(self, value: Tensor) -> Tensor:
        """``[N, ...]``."""
        shaped = self.function(value)
        if len(shaped) != len(value):
            raise RuntimeError(f"reshaping to {list(shaped.shape)} mixes frames")
        return shaped

    def backward(self, relevance: Tensor, value: Tensor) -> Tensor:
        """The relevance in the shape and memory format of the layer's input ``value``."""
        return torch.empty_like(value).copy_(relevance.reshape(value.shape))


def _to_rows(value: Tensor) -> Tensor:
    return value.flatten(1)


@dataclass(frozen=True)
class Flatten(Reshape):
    """``[N, ...]`` to ``[N, D]``."""

    function: Callable[[Tensor], Tensor] = _to_rows


@dataclass(frozen=True)
class Permute:
    """Axes in another order; the first one stays.

    Attributes:
        order: from the number of axes to the old axes in their new order.
    """

    order: Callable[[int], Sequence[int]]

    def forward(self, value: Tensor) -> Tensor:
        """``[N, ...]``."""
        order = self.order(value.ndim)
        if order[0] != 0:
            raise RuntimeError(f"permuting axes to {list(order)} moves the batch")
        return value.permute(*order)

    def backward(self, relevance: Tensor, value: Tensor) -> Tensor:
        """The axes as they were."""
        order = torch.tensor(self.order(value.ndim))
        return relevance.permute(*order.argsort().tolist())


@dataclass(frozen=True)
class Selection:
    """Some of a frame's numbers, in another shape or not: slices, chunks, single channels.

    Attributes:
        function: gives a view of its argument; keeps the first axis.
    """

    function: Callable[[Tensor], Tensor]

    def forward(self, value: Tensor) -> Tensor:
        """``[N, ...]``."""
        chosen = self.function(value)
        if chosen.ndim == 0 or len(chosen) != len(value):
            raise RuntimeError(f"selecting {list(chosen.shape)} picks frames")
        return chosen

    def backward(self, relevance: Tensor, value: Tensor) -> Tensor:
        """The relevance where it was taken from; nothing elsewhere."""
        below = torch.zeros_like(value)
        self.function(below).copy_(relevance)
        return below


@dataclass(frozen=True)
class MaxPooling:
    """The largest value of each window, which takes all relevance: winner takes all.

    The function is ``x_winner`` near the input, so gradient times input, LRP-0 and deep Taylor
    agree; Montavon et al. 2019, section 10.4. Of equal values the first one wins, as in torch.

    Attributes:
        function: gives the values and where they stand in their flattened image, as the functions
            of torch do with ``return_indices=True``.
    """

    function: Callable[[Tensor], tuple[Tensor, Tensor]]

    def forward(self, value: Tensor) -> Tensor:
        """``[N, C, H, W]`` to ``[N, C, h, w]``."""
        return self.function(value)[0]

    def backward(self, relevance: Tensor, value: Tensor) -> Tensor:
        """The relevance at the winners; what wins in several windows gets their sum."""
        _, winners = self.function(value)
        below = torch.zeros_like(value, memory_format=torch.contiguous_format).flatten(2)
        below.scatter_add_(2, winners.flatten(2), relevance.flatten(2))
        return arranged(below.reshape(value.shape))


@dataclass(frozen=True)
class Dense:
    """A linear layer with weight ``[out, in]``.

    Attributes:
        parameters: where the weights are.
    """

    parameters: Parameters

    def apply(self, value: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """``[N, in]`` to ``[N, out]``."""
        if value.ndim != 2:
            raise RuntimeError("a Linear layer takes [N, D]; flatten its input")
        return functional.linear(value, weight, bias)

    def apply_to_constant(self, value: float, weight: Tensor, like: Tensor) -> Tensor:
        """``[1, out]`` for inputs that all are ``value``; ``like`` is a batch of inputs."""
        return value * weight.sum(1)[None]

    def transpose(self, value: Tensor, weight: Tensor, shape: torch.Size) -> Tensor:
        """``[N, out]`` back to ``[N, in]``."""
        return value @ weight

    def transpose_each(
        self, value: Tensor, weights: Sequence[Tensor], shape: torch.Size
    ) -> Iterator[Tensor]:
        """The transpose for each weight, one after the other."""
        return (self.transpose(value, weight, shape) for weight in weights)


@dataclass(frozen=True)
class Scale:
    """Each channel times a weight ``[C]`` plus a bias: a normalisation with fixed statistics.

    Every output has one input, so no rule has anything to choose: all but the bias's part goes
    there. Composites that don't mention this layer get epsilon.

    Attributes:
        parameters: where the weights are.
    """

    parameters: Parameters

    def apply(self, value: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """``[N, C, ...]`` to the same shape."""
        scaled = value * along_channels(weight, value)
        return scaled if bias is None else scaled + along_channels(bias, value)

    def apply_to_constant(self, value: float, weight: Tensor, like: Tensor) -> Tensor:
        """``[C, ...]`` for inputs that all are ``value``; ``like`` is a batch of inputs."""
        return value * along_channels(weight, like)

    def transpose(self, value: Tensor, weight: Tensor, shape: torch.Size) -> Tensor:
        """``[N, C, ...]`` back to the same shape."""
        return value * along_channels(weight, value)

    def transpose_each(
        self, value: Tensor, weights: Sequence[Tensor], shape: torch.Size
    ) -> Iterator[Tensor]:
        """The transpose for each weight, one after the other."""
        return (self.transpose(value, weight, shape) for weight in weights)


@dataclass(frozen=True)
class Convolution:
    """A two-dimensional convolution with weight ``[out, in / groups, kh, kw]`` and zero padding.

    Attributes:
        parameters: where the weights are.
        stride: of rows and columns.
        padding: at each side of rows and columns, with zeros.
        dilation: of rows and columns.
        groups: of channels.
    """

    parameters: Parameters
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    def apply(self, value: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """``[N, in, H, W]`` to ``[N, out, h, w]``."""
        if self.groups == 1 and bias is None and uniform(weight) and len(weight) > 1:
            one = self.apply(value.sum(1, keepdim=True), weight[:1, :1], None)
            return one.expand(-1, len(weight), -1, -1)
        return arranged(
            functional.conv2d(
                value, weight, bias, self.stride, self.padding, self.dilation, self.groups
            )
        )

    def apply_to_constant(self, value: float, weight: Tensor, like: Tensor) -> Tensor:
        """``[1, out, h or 1, w or 1]`` for inputs that all are ``value``; ``like`` is a batch."""
        if self.padding == (0, 0):  # no border: all outputs of a channel are the same
            return value * weight.sum((1, 2, 3), keepdim=True).transpose(0, 1)
        return self.apply(torch.full_like(like[:1], value), weight, None)

    def transpose(self, value: Tensor, weight: Tensor, shape: torch.Size) -> Tensor:
        """``[N, out, h, w]`` back to ``[N, in, H, W]``; ``shape`` is that of the layer's input."""
        if self.groups == 1 and uniform(weight) and weight.shape[1] > 1:
            one = self.transpose(value.sum(1, keepdim=True), weight[:1, :1], shape)
            return one.repeat(1, weight.shape[1], 1, 1)
        if self._suits_blocks(weight):
            return next(self._transpose_by_blocks(value, (weight,), shape))
        ahead = self._uncovered(shape[-2:], value.shape[-2:], weight.shape[-2:])
        return functional.conv_transpose2d(
            value, weight, None, self.stride, self.padding, ahead, self.groups, self.dilation
        )

    def transpose_each(
        self, value: Tensor, weights: Sequence[Tensor], shape: torch.Size
    ) -> Iterator[Tensor]:
        """The transpose for each weight, one after the other; in one convolution where it pays."""
        if self._suits_blocks(weights[0]) and not any(map(uniform, weights)):
            return self._transpose_by_blocks(value, weights, shape)
        return (self.transpose(value, weight, shape) for weight in weights)

    def _suits_blocks(self, weight: Tensor) -> bool:
        """Few channels to go back to, and a stride to turn into more of them."""
        rows, columns = self.stride
        plain = self.groups == 1 and self.dilation == (1, 1) and rows == columns
        return plain and rows > 1 and weight.shape[1] < LANES

    def _transpose_by_blocks(
        self, value: Tensor, weights: Sequence[Tensor], shape: torch.Size
    ) -> Iterator[Tensor]:
        """The transposes as one dense convolution: space to depth, the other way round.

        Each ``stride x stride`` block of input pixels counts as one pixel with ``stride^2`` times
        the channels; on those the layer has stride 1. An 8 x 8 kernel with stride 4 on 4 channels
        becomes 2 x 2 on 64, which a CPU does three times faster.
        """
        stride, (height, width) = self.stride[0], weights[0].shape[-2:]
        weight = weights[0] if len(weights) == 1 else torch.cat(tuple(weights), dim=1)
        if width % stride or height % stride:
            weight = functional.pad(weight, (0, -width % stride, 0, -height % stride))
        flipped = functional.pixel_unshuffle(weight, stride).flip(2, 3).transpose(0, 1)
        reach = flipped.shape[2] - 1, flipped.shape[3] - 1
        flipped = flipped.contiguous(memory_format=torch.channels_last)
        blocks = functional.conv2d(value, flipped, padding=reach)
        (up, left), (rows, columns) = self.padding, shape[-2:]
        for part in blocks.chunk(len(weights), dim=1):
            pixels = _to_space(part, stride)
            missing = rows + up - pixels.shape[-2], columns + left - pixels.shape[-1]
            if (up, left) != (0, 0) or missing != (0, 0):
                pixels = functional.pad(pixels, (-left, missing[1], -up, missing[0]))
            yield pixels

    def _uncovered(
        self, size: Sequence[int], out: Sequence[int], kernel: Sequence[int]
    ) -> tuple[int, int]:
        """Rows and columns at the far end of the input that no output looks at."""
        reach = [
            (out[i] - 1) * self.stride[i] + self.dilation[i] * (kernel[i] - 1) + 1 for i in (0, 1)
        ]
        rows, columns = (size[i] + 2 * self.padding[i] - reach[i] for i in (0, 1))
        return rows, columns


def along_channels(vector: Tensor, like: Tensor) -> Tensor:
    """``[C]`` in a shape that can be combined with ``[N, C, ...]``."""
    return vector.reshape(-1, *[1] * (like.ndim - 2))


def arranged(tensor: Tensor) -> Tensor:
    """Images and kernels with channels last in memory where there are enough for a vector unit."""
    if tensor.ndim != 4 or tensor.shape[1] < LANES:
        return tensor.contiguous()
    return tensor.contiguous(memory_format=torch.channels_last)


def uniform(weight: Tensor) -> bool:
    """Whether a kernel is one and the same for all channels, as an expanded tensor shows."""
    return weight.stride()[:2] == (0, 0)


def _to_space(blocks: Tensor, stride: int) -> Tensor:
    """``[N, C * stride^2, h, w]`` to ``[N, C, h * stride, w * stride]``.

    The pixels of a block's row are neighbours before and after: a type as wide as they are together
    moves them in one piece, which halves the time of ``pixel_shuffle``.
    """
    wide = _WIDE.get(stride * blocks.element_size())
    if wide is None:
        return functional.pixel_shuffle(blocks, stride).contiguous()
    frames, depth, height, width = blocks.shape
    last = blocks.permute(0, 2, 3, 1)
    if last.stride(3) != 1:  # a part of the channels is as good as all of them
        last = last.contiguous()
    split = last.view(frames, height, width, depth // stride**2, -1)
    moved = split.view(wide).permute(0, 3, 1, 4, 2)
    rows = moved.clone(memory_format=torch.contiguous_format).view(blocks.dtype)
    return rows.view(frames, depth // stride**2, height * stride, width * stride)


_WIDE = {8: torch.complex64, 16: torch.complex128}


Affine = Dense | Convolution | Scale
"""Layers with weights, for which a composite chooses a rule."""

Passing = Elementwise | Reshape | Permute | Selection | MaxPooling
"""Layers that hand relevance on as it is."""
