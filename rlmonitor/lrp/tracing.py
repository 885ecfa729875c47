"""From a torch module to a graph of layers, by torch.fx.

Nothing of the module is changed, called with data or copied: the tracer only notes which submodule
and which function is applied to what.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import fx, nn
from torch.fx.node import map_arg

from rlmonitor.errors import UnsupportedLayerError
from rlmonitor.lrp.catalogue import (
    FUNCTIONS,
    IDENTITY,
    METHODS,
    MODULES,
    SUPPORTED,
    Layer,
    Layers,
)
from rlmonitor.lrp.layers import Convolution, Dense, Permute, Reshape, Scale
from rlmonitor.lrp.mixing import Concatenation, Sum
from rlmonitor.lrp.parameters import BatchScale, FoldedScale

OBSERVATION = -1
"""Index that stands for the network's input among a node's inputs; further inputs are -2, -3, …"""

Source = int | Mapping[str, int]
"""Index of the node whose output a module takes; by key where it takes a dict."""


@dataclass(frozen=True)
class Node:
    """A layer in its place.

    Attributes:
        name: module path such as ``q_net.features_extractor.cnn.3``.
        layer: what it computes.
        inputs: the nodes whose outputs it takes, by index; ``OBSERVATION`` is the network's input.
    """

    name: str
    layer: Layer
    inputs: tuple[int, ...]


def trace(
    module: nn.Module,
    prefix: str,
    first: int = 0,
    source: Source = OBSERVATION,
    method: str = "forward",
) -> list[Node]:
    """The layers of a module in order of computation; the last one gives its output.

    Args:
        module: takes one tensor or one dict of tensors and returns one tensor.
        prefix: the module's own path, put before the paths of its submodules.
        first: index that the first of the new nodes will have.
        source: index of the node whose output the module takes; a mapping for a dict of them.
        method: what is called.

    Returns:
        No nodes at all where the module returns its input.

    Raises:
        UnsupportedLayerError: a layer that is not covered, by module path, or a ``forward`` that
            depends on its data.
    """
    reader = _Reader(module, prefix, first, source)
    if type(module) in MODULES and isinstance(source, int):
        layers = _module_layers(module, prefix)
        reader.append(prefix or type(module).__name__, layers, (source,))
        return reader.nodes
    for node in _graph(module, prefix, method).nodes:
        reader.read(node)
    return reader.nodes


class _Tracer(fx.Tracer):
    """Stops at subclasses of torch's layers too, so that they are refused by their own name."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self.traced_func_name = method

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, tuple(MODULES)) or super().is_leaf_module(m, module_qualified_name)


def _graph(module: nn.Module, prefix: str, method: str) -> fx.Graph:
    try:
        return _Tracer(method).trace(module)
    except Exception as error:  # torch.fx lets any error of the traced forward through
        raise UnsupportedLayerError(
            f"{type(module).__name__} at {prefix or 'the top'} cannot be traced by torch.fx: "
            f"{error}; its {method} must not depend on the values of tensors. Supported: "
            f"{SUPPORTED}"
        ) from error


def _module_layers(module: nn.Module, path: str) -> Layers:
    if type(module) not in MODULES:
        raise _unsupported(type(module).__name__, path)
    return _built(type(module).__name__, path, MODULES[type(module)], module)


def _built(kind: str, path: str, build: Callable[..., Layers], *args: Any, **named: Any) -> Layers:
    try:
        return build(*args, **named)
    except (ValueError, TypeError) as error:
        raise _unsupported(f"{kind} ({error})", path) from error


def _dotted(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def _unsupported(kind: str, path: str) -> UnsupportedLayerError:
    return UnsupportedLayerError(
        f"no LRP rule covers {kind} at {path or 'the top'}. Supported: {SUPPORTED}"
    )


def _n_inputs(layer: Layer, given: int) -> int:
    """How many tensors a layer takes."""
    if isinstance(layer, Concatenation):
        return max(given, 1)
    return len(layer.factors) if isinstance(layer, Sum) else 1


class _Reader:
    """Turns fx nodes into ours, one by one."""

    def __init__(self, module: nn.Module, prefix: str, first: int, source: Source) -> None:
        self.nodes: list[Node] = []
        self._module, self._prefix, self._first, self._source = module, prefix, first, source
        self._index: dict[fx.Node, int] = {}
        self._dicts: set[fx.Node] = set()
        self._has_input = False

    def read(self, node: fx.Node) -> None:
        """Append what the fx node computes."""
        if node.op == "placeholder":
            self._take_input(node)
        elif node.op == "output":
            self._check_output(node)
        elif node.target is operator.getitem and node.args[0] in self._dicts:
            self._take_item(node)
        elif not self._is_shape_arithmetic(node):
            self._read_layer(node)

    def append(self, path: str, layers: Layers, inputs: tuple[int, ...]) -> int:
        """Add one layer or several in a row; the index of the last one."""
        for layer in layers if isinstance(layers, tuple) else (layers,):
            self.nodes.append(Node(path, layer, inputs))
            inputs = (self._first + len(self.nodes) - 1,)
        return inputs[0]

    def _take_input(self, node: fx.Node) -> None:
        if self._has_input and node.users:
            raise _unsupported(f"a second input ({node.name})", self._prefix)
        if not self._has_input and isinstance(self._source, int):
            self._index[node] = self._source
        elif not self._has_input:
            self._dicts.add(node)
        self._has_input = True

    def _take_item(self, node: fx.Node) -> None:
        """One tensor of a dict of observations."""
        assert not isinstance(self._source, int)
        if node.args[1] not in self._source:
            known = ", ".join(self._source)
            raise _unsupported(
                f"the observation {node.args[1]!r} (there are {known})", self._prefix
            )
        self._index[node] = self._source[str(node.args[1])]

    def _check_output(self, node: fx.Node) -> None:
        last = self._first + len(self.nodes) - 1 if self.nodes else self._source
        (value,) = node.args
        if not isinstance(value, fx.Node) or self._index.get(value) != last:
            raise _unsupported("an output other than the last layer's", self._prefix)

    def _is_shape_arithmetic(self, node: fx.Node) -> bool:
        """Whether a size is computed; only view and reshape may use it, which check it there."""
        if node.target is operator.getitem:
            return node.args[0] not in self._index
        return node.target == "size" or (node.target is getattr and node.args[1] == "shape")

    def _read_layer(self, node: fx.Node) -> None:
        path = self._path(node)
        layers = self._layers(node, path)
        entering = self._tensors(node)
        inputs = tuple(self._index[value] for value in entering)
        head = layers[0] if isinstance(layers, tuple) else layers
        if len(inputs) != _n_inputs(head, len(inputs)):
            raise _unsupported(f"{node.target} on {len(inputs)} tensors", path)
        if self._folds(head, inputs, entering[0]):
            self._index[node] = inputs[0]
            return
        self._index[node] = self.append(path, layers, inputs)
        if self._works_in_place(node):
            self._overwrite(entering[0], node, path)

    def _tensors(self, node: fx.Node) -> list[fx.Node]:
        """The tensors that a call gets, in order, each as often as it is given."""
        found: list[fx.Node] = []
        map_arg((node.args, node.kwargs), found.append)
        return [value for value in found if value in self._index]

    def _folds(self, layer: Layer, inputs: tuple[int, ...], value: fx.Node) -> bool:
        """Fold a batch normalisation into the layer before it, if nothing else uses that layer."""
        at = inputs[0] - self._first
        if not isinstance(layer, Scale) or at < 0 or len(value.users) > 1:
            return False
        before = self.nodes[at].layer
        if not (
            isinstance(layer.parameters, BatchScale) and isinstance(before, Dense | Convolution)
        ):
            return False
        folded = replace(before, parameters=FoldedScale(before.parameters, layer.parameters))
        self.nodes[at] = replace(self.nodes[at], layer=folded)
        return True

    def _works_in_place(self, node: fx.Node) -> bool:
        if node.op == "call_module":
            return getattr(self._module.get_submodule(str(node.target)), "inplace", False) is True
        return node.kwargs.get("inplace") is True or node.target is operator.iadd

    def _overwrite(self, value: fx.Node, node: fx.Node, path: str) -> None:
        """Let later users of a tensor see what an operation in place has made of it.

        Raises:
            UnsupportedLayerError: others see the tensor under another shape, whose change torch.fx
                does not show.
        """
        at = self._index[value] - self._first
        is_view = at >= 0 and (
            isinstance(self.nodes[at].layer, Reshape | Permute) or self.nodes[at].layer is IDENTITY
        )
        if is_view and any(len(source.users) > 1 for source in value.all_input_nodes):
            raise _unsupported("an operation in place on a view of a tensor in use", path)
        self._index[value] = self._index[node]

    def _path(self, node: fx.Node) -> str:
        if node.op == "call_module":
            return _dotted(self._prefix, str(node.target))
        return _dotted(self._prefix, *list(node.meta.get("nn_module_stack", ()))[-1:], node.name)

    def _layers(self, node: fx.Node, path: str) -> Layers:
        if node.op == "call_module":
            return _module_layers(self._module.get_submodule(str(node.target)), path)
        table: Mapping[Any, Callable[..., Layers]] = (
            FUNCTIONS if node.op == "call_function" else METHODS
        )
        kind = getattr(node.target, "__name__", str(node.target))
        if node.op == "get_attr" or node.target not in table:
            raise _unsupported(kind, path)
        return _built(kind, path, table[node.target], *node.args, **node.kwargs)
