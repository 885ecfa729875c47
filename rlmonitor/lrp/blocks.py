"""Convolutions with a stride over few channels, as dense ones over blocks of pixels.

Each ``stride x stride`` block of input pixels counts as one pixel with ``stride^2`` times the
channels; on those the convolution has stride 1. An 8 x 8 kernel with stride 4 on 4 channels becomes
2 x 2 on 64. It is the same function with the same weights, so every rule gives the same relevance;
a CPU computes it, and above all its transpose, three times faster.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor
from torch.nn import functional

from rlmonitor.lrp.layers import LANES, Convolution, SpaceToDepth
from rlmonitor.lrp.parameters import Draw, Parameters, fresh


@dataclass(frozen=True)
class BlockKernels:
    """The kernels of a convolution over blocks.

    Attributes:
        layer: its weight is ``[out, in, kh, kw]``.
        stride: that divides kh and kw.
    """

    layer: Parameters
    stride: int

    @property
    def weight(self) -> Tensor:
        """``[out, in * stride^2, kh / stride, kw / stride]``."""
        return functional.pixel_unshuffle(self.layer.weight, self.stride)

    @property
    def bias(self) -> Tensor | None:
        """``[out]``, or None."""
        return self.layer.bias

    def fresh(self, draw: Draw) -> BlockKernels:
        """The layer's, as they start."""
        return replace(self, layer=fresh(self.layer, draw))


def by_blocks(layer: Convolution) -> Convolution | tuple[SpaceToDepth, Convolution]:
    """The layer, over blocks where that pays and is exact: no padding, nothing but whole blocks."""
    weight = layer.parameters.weight
    stride = layer.stride[0]
    plain = layer.groups == 1 and layer.dilation == (1, 1) and layer.padding == (0, 0)
    whole = layer.stride == (stride, stride) and not any(n % stride for n in weight.shape[2:])
    if not (plain and whole and stride > 1 and weight.shape[1] < LANES):
        return layer
    kernels = BlockKernels(layer.parameters, stride)
    return SpaceToDepth(stride), replace(layer, parameters=kernels, stride=(1, 1))
