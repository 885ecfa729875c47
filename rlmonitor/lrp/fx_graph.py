"""torch.fx's tracer, for modules whose ``forward`` works in place or has buffers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, fx, nn

from rlmonitor.errors import UnsupportedLayerError
from rlmonitor.lrp.calls import SUPPORTED
from rlmonitor.lrp.catalogue import MODULES


class _Proxy(fx.Proxy):
    """Notes ``x += y`` as what it is; torch.fx takes it for ``x = x + y``."""

    def __iadd__(self, other: Any) -> fx.Proxy:
        return self._overwritten(operator.iadd, other)

    def __isub__(self, other: Any) -> fx.Proxy:
        return self._overwritten(operator.isub, other)

    def __imul__(self, other: Any) -> fx.Proxy:
        return self._overwritten(operator.imul, other)

    def __itruediv__(self, other: Any) -> fx.Proxy:
        return self._overwritten(operator.itruediv, other)

    def _overwritten(self, function: Callable[..., Any], other: Any) -> fx.Proxy:
        return self.tracer.create_proxy("call_function", function, (self, other), {})


class _Tracer(fx.Tracer):
    """Stops at subclasses of torch's layers too, so that they are refused by their own name."""

    proxy_buffer_attributes = True  # what is computed of buffers is computed again at every use

    def __init__(self, method: str) -> None:
        super().__init__()
        self.traced_func_name = method

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Proxy(node, self)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, tuple(MODULES)) or super().is_leaf_module(m, module_qualified_name)

    def create_arg(self, a: Any) -> Any:
        if isinstance(a, Tensor) and not self._belongs_to_module(a):
            raise ValueError("a tensor is made in forward; make it a buffer of the module")
        return super().create_arg(a)

    def _belongs_to_module(self, tensor: Tensor) -> bool:
        own = tensor in self.tensor_attrs or isinstance(tensor, nn.Parameter)
        return own or any(tensor is buffer for buffer in self.root.buffers())


@contextmanager
def _in_evaluation_mode(module: nn.Module) -> Iterator[None]:
    modes = [(one, one.training) for one in module.modules()]
    try:
        for one, _ in modes:
            one.training = False
        yield
    finally:
        for one, mode in modes:
            one.training = mode


def graph_of(module: nn.Module, prefix: str, method: str) -> fx.Graph:
    """What a method of a module applies to what, as in evaluation mode.

    Raises:
        UnsupportedLayerError: the method depends on the values of tensors.
    """
    try:
        with _in_evaluation_mode(module):
            return _Tracer(method).trace(module)
    except Exception as error:  # torch.fx lets any error of the traced forward through
        raise UnsupportedLayerError(
            f"{type(module).__name__} at {prefix or 'the top'} cannot be traced by torch.fx: "
            f"{error}; its {method} must not depend on the values of tensors. Supported: "
            f"{SUPPORTED}"
        ) from error
