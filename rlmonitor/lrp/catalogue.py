"""Which torch modules can be explained, and which layers they are.

``MODULES`` maps types of modules to constructors, which give the layers one after the other; they
raise ValueError or TypeError for settings that are not covered. What is called without a module is
in :mod:`rlmonitor.lrp.calls`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from rlmonitor.lrp.blocks import by_blocks
from rlmonitor.lrp.constants import Shift
from rlmonitor.lrp.layers import (
    Affine,
    Convolution,
    Dense,
    Elementwise,
    Flatten,
    Passing,
    Permute,
    Reshape,
    Scale,
)
from rlmonitor.lrp.mixing import Centring, Concatenation, Mixing
from rlmonitor.lrp.parameters import BatchNorm, BatchScale, ChannelScale
from rlmonitor.lrp.pooling import (
    adaptive_average,
    adaptive_maximum,
    average,
    maximum,
)
from rlmonitor.lrp.recurrent import EachStep, Recurrent

Layer = Affine | Passing | Mixing | Concatenation | Shift | EachStep | Recurrent
"""All layers."""

Layers = Layer | tuple[Layer, ...]
"""One layer, or several in a row."""

IDENTITY = Elementwise(lambda value: value)
"""A layer that gives the very tensor that it gets."""

CAST = Elementwise(lambda value: value)
"""A layer that gives the same numbers, in the same memory or not."""

COPY = Elementwise(lambda value: value)
"""A layer that gives the same numbers in memory of their own."""


def _convolution(module: nn.Conv2d) -> Layers:
    if module.padding_mode != "zeros":
        raise ValueError(f"padding_mode {module.padding_mode!r}; only 'zeros' is supported")
    named = isinstance(module.padding, str)
    padding = _named_padding(module) if named else _pair(module.padding)
    layer = Convolution(
        module, _pair(module.stride), padding, _pair(module.dilation), groups=module.groups
    )
    return by_blocks(layer)


def _pair(values: Any) -> tuple[int, int]:
    rows, columns = values
    return rows, columns


def _named_padding(module: nn.Conv2d) -> tuple[int, int]:
    if module.padding == "valid":
        return 0, 0
    spans = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
    if any(span % 2 for span in spans):
        raise ValueError("padding 'same' with an even kernel pads unevenly; give numbers instead")
    return spans[0] // 2, spans[1] // 2


def _batch_norm(module: BatchNorm) -> Scale:
    scale = BatchScale(module)
    _ = scale.bias  # refuses a module without running statistics
    return Scale(scale)


def _group_norm(module: nn.GroupNorm) -> Layers:
    centring = Centring(module.num_groups, module.eps)
    return (centring, Scale(ChannelScale(module))) if module.affine else centring


def _layer_norm(module: nn.LayerNorm) -> Layers:
    shape = tuple(module.normalized_shape)
    fitting = Reshape(partial(_ending_in, shape))
    centring = Centring(1, module.eps, math.prod(shape))
    if not module.elementwise_affine:
        return fitting, centring
    last = len(shape)  # the normalised axes go where channels are, and back
    there = Permute(lambda ndim: [0, *range(ndim - last, ndim), *range(1, ndim - last)])
    back = Permute(lambda ndim: [0, *range(last + 1, ndim), *range(1, last + 1)])
    merged = Reshape(lambda value: value.flatten(1, last))
    split = Reshape(lambda value: value.unflatten(1, shape))
    return fitting, centring, there, merged, Scale(ChannelScale(module)), split, back


def _ending_in(shape: tuple[int, ...], value: Tensor) -> Tensor:
    if value.ndim <= len(shape) or tuple(value.shape[-len(shape) :]) != shape:
        raise RuntimeError(f"a LayerNorm of {list(shape)} takes [N, ..., {str(shape)[1:-1]}]")
    return value


def _flatten(module: nn.Flatten) -> Reshape:
    return flattened_from(module.start_dim, module.end_dim)


def flattened_from(start_dim: int = 0, end_dim: int = -1) -> Reshape:
    """What ``torch.flatten`` does over these axes."""
    if (start_dim, end_dim) == (1, -1):
        return Flatten()
    if start_dim < 1:
        raise ValueError(f"from axis {start_dim} to {end_dim}; only from 1 on is supported")
    return Reshape(lambda value: value.flatten(start_dim, end_dim))


def _unflatten(module: nn.Unflatten) -> Reshape:
    return Reshape(lambda value: value.unflatten(module.dim, module.unflattened_size))


def _keeping(*names: str, function: Callable[..., Tensor]) -> Callable[[Any], Elementwise]:
    """A constructor that takes the named settings over from the module; always out of place."""
    if not names:
        return lambda module: Elementwise(function)
    return lambda module: Elementwise(
        partial(function, **{name: getattr(module, name) for name in names})
    )


def _pooling(build: Callable[..., Layer], *names: str) -> Callable[[Any], Layer]:
    """A constructor that hands the module's named settings to ``build``."""
    return lambda module: build(None, **{name: getattr(module, name) for name in names})


_WINDOW = ("kernel_size", "stride", "padding", "ceil_mode")

MODULES: dict[type[nn.Module], Callable[[Any], Layers]] = {
    nn.Conv2d: _convolution,
    nn.Linear: Dense,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.LayerNorm: _layer_norm,
    nn.GroupNorm: _group_norm,
    nn.MaxPool2d: _pooling(maximum, *_WINDOW, "dilation", "return_indices"),
    nn.AdaptiveMaxPool2d: _pooling(adaptive_maximum, "output_size", "return_indices"),
    nn.AvgPool2d: _pooling(average, *_WINDOW, "count_include_pad", "divisor_override"),
    nn.AdaptiveAvgPool2d: _pooling(adaptive_average, "output_size"),
    nn.Flatten: _flatten,
    nn.Unflatten: _unflatten,
    nn.ReLU: _keeping(function=torch.relu),
    nn.ReLU6: _keeping(function=functional.relu6),
    nn.LeakyReLU: _keeping("negative_slope", function=functional.leaky_relu),
    nn.ELU: _keeping("alpha", function=functional.elu),
    nn.CELU: _keeping("alpha", function=functional.celu),
    nn.SELU: _keeping(function=functional.selu),
    nn.GELU: _keeping("approximate", function=functional.gelu),
    nn.SiLU: _keeping(function=functional.silu),
    nn.Tanh: _keeping(function=torch.tanh),
    nn.Softsign: _keeping(function=functional.softsign),
    nn.Identity: lambda _: IDENTITY,
    nn.Dropout: lambda _: IDENTITY,
    nn.Dropout2d: lambda _: IDENTITY,
    nn.AlphaDropout: lambda _: IDENTITY,
}
"""By the module's exact type."""
