"""The layers that relevance can pass: what each computes, and its transpose.

Layers with weights (:class:`Dense`, :class:`Convolution`, :class:`Scale`) are linear maps that a
rule looks at with modified weights; the others here (:class:`Elementwise`, :class:`Reshape`, …)
hand relevance on as it is, to where it came from. Layers that mix values without weights of their
own are in :mod:`rlmonitor.lrp.mixing`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

    @property
    def rectifies(self) -> bool:
        """Whether it is a ReLU: nothing below 0 comes out, and what comes in below 0 gives 0."""
        return self.function in (torch.relu, functional.relu6)

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
class SpaceToDepth:
    """Each ``size x size`` block of pixels as one pixel; see :mod:`rlmonitor.lrp.blocks`.

    Attributes:
        size: 2 or more. Pixels after the last whole block are left out: no kernel reaches them.
    """

    size: int

    def forward(self, value: Tensor) -> Tensor:
        """``[N, C, H, W]`` to ``[N, C * size^2, H // size, W // size]``."""
        if value.ndim != 4:
            raise RuntimeError("a Conv2d layer takes [N, C, H, W]")
        rows, columns = (size - size % self.size for size in value.shape[2:])
        value = value[..., :rows, :columns]
        wide = _WIDE.get(self.size * value.element_size())
        if wide is None or value.requires_grad or columns == 0 or not value.is_contiguous():
            return arranged(functional.pixel_unshuffle(value, self.size))
        # The pixels of a block's row are neighbours before and after: a type as wide as they are
        # together moves them in one piece, which halves the time of ``pixel_unshuffle``.
        frames, channels = value.shape[:2]
        split = value.view(frames, channels, rows // self.size, self.size, columns)
        moved = split.view(wide).permute(0, 2, 4, 1, 3)
        last = moved.clone(memory_format=torch.contiguous_format).view(value.dtype)
        return last.view(frames, rows // self.size, columns // self.size, -1).permute(0, 3, 1, 2)

    def backward(self, relevance: Tensor, value: Tensor) -> Tensor:
        """The relevance of each pixel; nothing where no block is."""
        frames, depth, height, width = relevance.shape
        missing = [size % self.size for size in value.shape[2:]]
        if relevance.stride(1) == 0 and not any(missing):  # one number for all pixels of a block
            pixels = functional.interpolate(relevance[:, :1], scale_factor=float(self.size))
            return pixels.expand(-1, depth // self.size**2, -1, -1)
        last = relevance.permute(0, 2, 3, 1)
        wide = _WIDE.get(self.size * relevance.element_size())
        if wide is None or last.stride(3) != 1:
            pixels = functional.pixel_shuffle(relevance, self.size).contiguous()
        else:
            split = last.unflatten(3, (depth // self.size**2, self.size, self.size)).view(wide)
            moved = split.squeeze(5).permute(0, 3, 1, 4, 2)
            rows = moved.clone(memory_format=torch.contiguous_format).view(relevance.dtype)
            pixels = rows.view(frames, -1, height * self.size, width * self.size)
        return functional.pad(pixels, (0, missing[1], 0, missing[0])) if any(missing) else pixels


_WIDE = {8: torch.complex64, 16: torch.complex128}


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
            return one.expand(-1, weight.shape[1], -1, -1)
        ahead = self._uncovered(shape[-2:], value.shape[-2:], weight.shape[-2:])
        return functional.conv_transpose2d(
            value, weight, None, self.stride, self.padding, ahead, self.groups, self.dilation
        )

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


Affine = Dense | Convolution | Scale
"""Layers with weights, for which a composite chooses a rule."""

Passing = Elementwise | Reshape | Permute | SpaceToDepth | Selection | MaxPooling
"""Layers that hand relevance on as it is."""
