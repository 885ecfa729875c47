"""Which functions and methods of tensors can be explained, and which layers they are.

``FUNCTIONS`` and ``METHODS`` map what is called to constructors that get the arguments of the call,
tensors among them as nodes of ``torch.fx`` and buffers as constants; they raise ValueError or
TypeError for settings that are not covered.
"""

from __future__ import annotations

import math
import operator
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeGuard

import torch
from torch import Tensor, fx
from torch.nn import functional

from rlmonitor.lrp.catalogue import CAST, COPY, IDENTITY, MODULES, Layers, flattened_from
from rlmonitor.lrp.constants import Constant, Operand, Rescale, Shift
from rlmonitor.lrp.layers import Elementwise, Permute, Reshape, Selection
from rlmonitor.lrp.mixing import Concatenation, Sum
from rlmonitor.lrp.pooling import (
    adaptive_average,
    adaptive_maximum,
    average,
    average_over,
    maximum,
)


def _is_number(operand: object) -> TypeGuard[int | float]:
    if isinstance(operand, bool) or not isinstance(operand, int | float):
        return False
    return math.isfinite(operand)


def _constant(operand: object) -> Operand:
    if isinstance(operand, Constant):
        return operand
    if not _is_number(operand):
        raise ValueError(f"with {operand!r}; only finite numbers, buffers and parameters are")
    return float(operand)


def _scaled(function: Callable[[Any, Any], Any], value: object, by: object) -> Rescale:
    factor = _constant(value if isinstance(by, fx.Node) else by)
    if factor == 0:
        raise ValueError("with 0; only other constants are supported")
    return Rescale(function, factor)


def _divided(value: object, by: object) -> Rescale:
    if not isinstance(value, fx.Node):
        raise ValueError(f"of {value!r}; only tensors can be divided")
    return _scaled(operator.truediv, value, by)


def _negated(value: fx.Node) -> Rescale:
    return Rescale(operator.mul, -1.0)


def _summed(sign: int, value: object, other: object, *, alpha: object = 1) -> Layers:
    if not _is_number(alpha) or alpha == 0:
        raise ValueError(f"with alpha={alpha!r}; only other numbers than 0 are supported")
    factor = float(sign * alpha)
    if isinstance(value, fx.Node) and isinstance(other, fx.Node):
        return Sum((1.0, factor))
    if isinstance(value, fx.Node):
        return Shift(_constant(other), factor)
    shift = Shift(_constant(value))
    return shift if factor == 1 else (Rescale(operator.mul, factor), shift)


def _concatenated(tensors: Sequence[fx.Node], dim: int = 0) -> Concatenation:
    if dim == 0:
        raise ValueError("along axis 0; only other axes than the batch are supported")
    return Concatenation(dim)


def _viewed(value: fx.Node, *shape: object) -> Reshape:
    sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
    frames, *others = sizes or (None,)
    if not _keeps_frames(frames, others) or not all(isinstance(size, int) for size in others):
        raise ValueError(f"to {tuple(sizes)}; only to (N, numbers) with N = size(0) is supported")
    return Reshape(lambda tensor: tensor.reshape(len(tensor), *others))


def _keeps_frames(size: object, others: Sequence[object]) -> bool:
    """Whether a first size is that of the batch: taken from a tensor, or left to torch."""
    if not isinstance(size, fx.Node):
        return size == -1 and -1 not in others
    if size.target is operator.getitem:
        whole, item = size.args
        is_shape = isinstance(whole, fx.Node) and len(whole.args) == _SHAPE[whole.target]
        return is_shape and bool(item == 0)
    return size.target == "size" and (*size.args[1:], *size.kwargs.values()) == (0,)


_SHAPE: dict[Any, int] = defaultdict(int, {"size": 1, getattr: 2})
"""How many arguments ``size(x)`` and ``getattr(x, "shape")`` have, which give a shape."""


def _permuted(value: fx.Node, *axes: Any) -> Permute:
    order = tuple(axes[0]) if len(axes) == 1 and isinstance(axes[0], tuple | list) else axes
    return Permute(lambda ndim: [axis % ndim for axis in order])


def _transposed(value: fx.Node, first: int, second: int) -> Permute:
    def order(ndim: int) -> list[int]:
        axes = list(range(ndim))
        axes[first], axes[second] = axes[second], axes[first]
        return axes

    return Permute(order)


def _reshaped(method: Callable[..., Tensor]) -> Callable[..., Reshape]:
    """A method that changes the shape and nothing else, such as ``squeeze``."""

    def build(value: fx.Node, *settings: Any, **named: Any) -> Reshape:
        return Reshape(lambda tensor: method(tensor, *settings, **named))

    return build


def _plain(function: Callable[[Tensor], Tensor]) -> Callable[..., Elementwise]:
    """An activation that takes the input and, perhaps, whether to work in place."""

    def build(value: fx.Node, inplace: bool = False) -> Elementwise:
        return Elementwise(function)

    return build


def _with_settings(function: Callable[..., Tensor]) -> Callable[..., Elementwise]:
    def build(value: fx.Node, *settings: Any, inplace: bool = False, **named: Any) -> Elementwise:
        return Elementwise(lambda tensor: function(tensor, *settings, **named))

    return build


def _cast(value: fx.Node, *settings: Any, **named: Any) -> Elementwise:
    types = [one for one in (*settings, *named.values()) if isinstance(one, torch.dtype)]
    if not all(one.is_floating_point for one in types):
        raise ValueError(f"to {types[0]}; only to floating point is supported")
    return CAST


def _copied(value: fx.Node, *_: Any, **__: Any) -> Elementwise:
    return COPY


def _not_dropped(value: fx.Node, p: float = 0.5, training: bool = True, **_: Any) -> Elementwise:
    if training is not False:
        raise ValueError("that is always on; give it training=self.training")
    return IDENTITY


def _selected(value: fx.Node, index: Any) -> Selection:
    first, *others = items = index if isinstance(index, tuple) else (index,)
    if not (first is Ellipsis or first == slice(None)):
        raise ValueError(f"of {first!r}; only of other axes than the batch, as in x[:, 0]")
    if not all(_is_plain_index(item) for item in others):
        raise ValueError(f"of {items!r}; only of numbers, slices, None and ...")
    return Selection(partial(_taken, items))


def _is_plain_index(item: object) -> bool:
    if isinstance(item, slice):
        return all(one is None or _is_number(one) for one in (item.start, item.stop, item.step))
    return item is None or item is Ellipsis or _is_number(item)


def _taken(items: tuple[Any, ...], tensor: Tensor) -> Tensor:
    axes = sum(item is not None and item is not Ellipsis for item in items)
    if items[0] is Ellipsis and axes >= tensor.ndim:
        raise RuntimeError("selecting frames")
    return tensor[items]


def chunk_of(
    function: Callable[..., Any], number: object, *settings: Any, **named: Any
) -> Selection:
    """One of the tensors that ``chunk`` or ``split`` give.

    Args:
        function: one of ``SPLITS``.
        number: which of them.
        settings: of the function, without the tensor.
        named: the same by name.

    Raises:
        ValueError: the batch would be split, or the number is none.
    """
    dim = named.get("dim", settings[1] if len(settings) > 1 else 0)
    if dim == 0 or not isinstance(number, int):
        raise ValueError(f"along axis {dim}; only of other axes than the batch, one by one")

    def part(tensor: Tensor) -> Tensor:
        if dim % tensor.ndim == 0:
            raise RuntimeError("splitting the batch")
        chosen: Tensor = function(tensor, *settings, **named)[number]
        return chosen

    return Selection(part)


SPLITS: dict[Any, Callable[..., Any]] = {
    torch.chunk: torch.chunk,
    torch.split: torch.split,
    "chunk": torch.chunk,
    "split": torch.split,
}
"""Functions and methods that give several tensors."""


def _from_axis(value: fx.Node, *axes: int, **named: int) -> Reshape:
    return flattened_from(*axes, **named)


_divide, _multiply = _divided, partial(_scaled, operator.mul)
_add, _subtract = partial(_summed, 1), partial(_summed, -1)

FUNCTIONS: dict[Any, Callable[..., Layers]] = {
    torch.relu: _plain(torch.relu),
    functional.relu: _plain(torch.relu),
    functional.relu6: _plain(functional.relu6),
    functional.leaky_relu: _with_settings(functional.leaky_relu),
    functional.elu: _with_settings(functional.elu),
    functional.selu: _plain(functional.selu),
    functional.gelu: _with_settings(functional.gelu),
    functional.silu: _plain(functional.silu),
    functional.tanh: _plain(torch.tanh),
    torch.tanh: _plain(torch.tanh),
    functional.dropout: _not_dropped,
    torch.flatten: _from_axis,
    torch.permute: _permuted,
    torch.transpose: _transposed,
    torch.squeeze: _reshaped(torch.squeeze),
    torch.unsqueeze: _reshaped(torch.unsqueeze),
    operator.truediv: _divide,
    torch.div: _divide,
    operator.mul: _multiply,
    torch.mul: _multiply,
    operator.add: _add,
    torch.add: _add,
    operator.sub: _subtract,
    torch.sub: _subtract,
    operator.neg: _negated,
    operator.getitem: _selected,
    torch.cat: _concatenated,
    torch.concat: _concatenated,
    torch.concatenate: _concatenated,
    torch.mean: average_over,
    functional.max_pool2d: maximum,
    functional.adaptive_max_pool2d: adaptive_maximum,
    functional.avg_pool2d: average,
    functional.adaptive_avg_pool2d: adaptive_average,
}
"""By the function itself."""

METHODS: dict[str, Callable[..., Layers]] = {
    "relu": _plain(torch.relu),
    "tanh": _plain(torch.tanh),
    "flatten": _from_axis,
    "view": _viewed,
    "reshape": _viewed,
    "permute": _permuted,
    "transpose": _transposed,
    "squeeze": _reshaped(torch.squeeze),
    "unsqueeze": _reshaped(torch.unsqueeze),
    "mean": average_over,
    "add": _add,
    "sub": _subtract,
    "div": _divide,
    "mul": _multiply,
    "float": _cast,
    "to": _cast,
    "contiguous": _cast,
    "clone": _copied,
    "neg": _negated,
}
"""By the name of a tensor's method."""

IN_PLACE: dict[Any, Any] = {
    operator.iadd: operator.add,
    operator.isub: operator.sub,
    operator.imul: operator.mul,
    operator.itruediv: operator.truediv,
    torch.relu_: torch.relu,
    torch.tanh_: torch.tanh,
    **{f"{name}_": name for name in ("relu", "tanh", "add", "sub", "mul", "div", "neg")},
}
"""What overwrites its first argument, with the function or method that computes the same."""

SUPPORTED = ", ".join(kind.__name__ for kind in MODULES) + (
    "; as functions relu, leaky_relu, elu, gelu, silu, tanh, dropout, max_pool2d, avg_pool2d and "
    "their adaptive forms, mean, sums and differences of tensors, cat, chunk, split, slices, "
    "flatten, permute, transpose, squeeze, unsqueeze, view or reshape to (N, ...), numbers, "
    "buffers and parameters that are added, subtracted, multiplied by or divided by"
)
"""What a network may consist of, for error messages."""
