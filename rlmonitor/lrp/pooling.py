"""Pooling layers from the arguments of torch's functions.

The transposes are the kernels that torch's own gradients use, called directly: gradients may be
switched off where relevance is computed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from rlmonitor.lrp.layers import MaxPooling
from rlmonitor.lrp.mixing import Average

Size = int | tuple[int, int]
"""Of rows and columns."""


def _pair(size: Any) -> list[int]:
    return [size, size] if isinstance(size, int) else list(size)


def _strides(stride: Size | None, kernel_size: Size) -> list[int]:
    return _pair(kernel_size if stride is None else stride)


def maximum(
    value: object,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> MaxPooling:
    """As ``torch.nn.functional.max_pool2d``; ``value`` stands for the input."""
    _refuse_indices(return_indices)
    kernel, strides = _pair(kernel_size), _strides(stride, kernel_size)
    rest = _pair(padding), _pair(dilation), ceil_mode
    return MaxPooling(
        lambda tensor: functional.max_pool2d_with_indices(tensor, kernel, strides, *rest)
    )


def adaptive_maximum(value: object, output_size: Any, return_indices: bool = False) -> MaxPooling:
    """As ``torch.nn.functional.adaptive_max_pool2d``."""
    _refuse_indices(return_indices)
    return MaxPooling(
        lambda tensor: functional.adaptive_max_pool2d_with_indices(tensor, output_size)
    )


def _refuse_indices(return_indices: bool) -> None:
    if return_indices:
        raise ValueError("with return_indices; only the values can be explained")


def average(
    value: object,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Average:
    """As ``torch.nn.functional.avg_pool2d``."""
    kernel = _pair(kernel_size)
    settings = (
        kernel,
        _strides(stride, kernel_size),
        _pair(padding),
        ceil_mode,
        count_include_pad,
        divisor_override,
    )
    return Average(
        lambda tensor: functional.avg_pool2d(tensor, *settings),
        lambda upper, tensor: torch.ops.aten.avg_pool2d_backward(upper, tensor, *settings),
    )


def adaptive_average(value: object, output_size: Any) -> Average:
    """As ``torch.nn.functional.adaptive_avg_pool2d``."""
    return Average(
        lambda tensor: functional.adaptive_avg_pool2d(tensor, output_size),
        lambda upper, tensor: torch.ops.aten._adaptive_avg_pool2d_backward(upper, tensor),
    )


def average_over(value: object, dim: int | tuple[int, ...], keepdim: bool = False) -> Average:
    """As ``torch.mean`` over axes other than the first."""
    axes = (dim,) if isinstance(dim, int) else tuple(dim)
    if 0 in axes:
        raise ValueError("over axis 0; only other axes than the batch are supported")
    return Average(partial(_mean, axes, keepdim), partial(_spread, axes, keepdim))


def _mean(axes: tuple[int, ...], keepdim: bool, tensor: Tensor) -> Tensor:
    if 0 in (axis % tensor.ndim for axis in axes):
        raise RuntimeError("averaging over the batch")
    return tensor.mean(axes, keepdim)


def _spread(axes: tuple[int, ...], keepdim: bool, upper: Tensor, tensor: Tensor) -> Tensor:
    """The gradient of a mean: the same everywhere."""
    for axis in sorted(axis % tensor.ndim for axis in axes):
        upper = upper if keepdim else upper.unsqueeze(axis)
    return (upper * (upper.numel() / tensor.numel())).expand_as(tensor)
