"""From a torch module to a graph of layers, by torch.fx.

Nothing of the module is changed, called with data or copied: the tracer only notes which submodule
and which function is applied to what. It reads what the module does in evaluation mode.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, fx, nn
from torch.fx.node import map_arg

from rlmonitor.errors import UnsupportedLayerError
from rlmonitor.lrp.aliases import Aliases
from rlmonitor.lrp.calls import FUNCTIONS, IN_PLACE, METHODS, SPLITS, SUPPORTED, chunk_of
from rlmonitor.lrp.catalogue import CAST, IDENTITY, MODULES, Layer, Layers
from rlmonitor.lrp.constants import READING_FUNCTIONS, READING_METHODS, Constant
from rlmonitor.lrp.fx_graph import graph_of
from rlmonitor.lrp.layers import Convolution, Dense, Permute, Reshape, Scale, Selection
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
    *,
    shared: bool = False,
) -> list[Node]:
    """The layers of a module in order of computation; the last one gives its output.

    Args:
        module: takes one tensor or one dict of tensors and returns one tensor.
        prefix: the module's own path, put before the paths of its submodules.
        first: index that the first of the new nodes will have.
        source: index of the node whose output the module takes; a mapping for a dict of them.
        method: what is called.
        shared: whether others read what the module takes, so that it must not overwrite it.

    Returns:
        No nodes at all where the module returns its input.

    Raises:
        UnsupportedLayerError: a layer that is not covered, by module path, or a ``forward`` that
            depends on its data.
    """
    reader = _Reader(module, prefix, first, source, shared=shared)
    if type(module) in MODULES and isinstance(source, int):
        layers = _module_layers(module, prefix)
        if shared and _is_in_place(module):
            raise _unsupported(_OVERWRITES_SHARED, prefix)
        reader.append(prefix or type(module).__name__, layers, (source,))
        return reader.nodes
    graph = graph_of(module, prefix, method)
    reader.positions = {node: position for position, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        reader.read(node)
    return reader.nodes


_OVERWRITES_SHARED = "an operation in place on what other modules read too"


def _module_layers(module: nn.Module, path: str) -> Layers:
    kind = type(module).__name__
    if type(module) not in MODULES:
        raise _unsupported(kind, path)
    if "weight" in vars(module):  # as hooks of torch.nn.utils leave it, one call behind the truth
        raise _unsupported(f"{kind} with a weight that a hook computes", path)
    return _built(kind, path, MODULES[type(module)], module)


def _is_in_place(module: nn.Module) -> bool:
    return getattr(module, "inplace", False) is True and not isinstance(module, _DROPOUTS)


_DROPOUTS = nn.Dropout, nn.Dropout2d, nn.AlphaDropout


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

    def __init__(
        self, module: nn.Module, prefix: str, first: int, source: Source, *, shared: bool
    ) -> None:
        self.nodes: list[Node] = []
        self.positions: dict[fx.Node, int] = {}
        self._module, self._prefix, self._first, self._source = module, prefix, first, source
        self._shared = shared
        self._index: dict[fx.Node, int] = {}
        self._inputs: dict[str, fx.Node] = {}
        self._dicts: set[fx.Node] = set()
        self._splits: dict[fx.Node, fx.Node] = {}
        self._constants: dict[fx.Node, Constant] = {}
        self._aliases = Aliases()
        self._has_input = False

    def read(self, node: fx.Node) -> None:
        """Append what the fx node computes."""
        if node.op == "placeholder":
            self._take_input(node)
        elif node.op == "output":
            self._check_output(node)
        elif node.target is operator.getitem and node.args[0] in self._dicts:
            self._take_item(node)
        elif self._is_constant(node):
            self._constants[node] = Constant(self._reading(node))
        elif node.target in SPLITS and self._tensors(node):
            self._splits[node] = self._tensors(node)[0]
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
            self._enter(node, "", self._source)
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
        self._enter(node, str(node.args[1]), self._source[str(node.args[1])])

    def _enter(self, node: fx.Node, key: str, index: int) -> None:
        """Note what the module takes; an item of a dict may be taken several times."""
        if key in self._inputs:
            self._aliases.same(node, self._inputs[key])
            self._index[node] = self._index[self._inputs[key]]
            return
        self._inputs[key], self._index[node] = node, index
        self._aliases.new(node)

    def _check_output(self, node: fx.Node) -> None:
        last = self._first + len(self.nodes) - 1 if self.nodes else self._source
        (value,) = node.args
        if not isinstance(value, fx.Node) or self._index.get(value) != last:
            raise _unsupported("an output other than the last layer's", self._prefix)

    def _is_shape_arithmetic(self, node: fx.Node) -> bool:
        """Whether a size is computed; only view and reshape may use it, which check it there."""
        if node.target is operator.getitem:
            return node.args[0] not in self._index and node.args[0] not in self._splits
        return node.target == "size" or (node.target is getattr and node.args[1] == "shape")

    def _is_constant(self, node: fx.Node) -> bool:
        """Whether a buffer, a parameter or a number computed of some is read."""
        if node.op == "get_attr":
            return True
        reads = node.op == "call_function" and node.target in READING_FUNCTIONS
        reads |= node.op == "call_method" and node.target in READING_METHODS
        sources = node.all_input_nodes
        return reads and bool(sources) and all(source in self._constants for source in sources)

    def _reading(self, node: fx.Node) -> Callable[[], Tensor]:
        if node.op == "get_attr":
            read: Callable[[Any], Tensor] = operator.attrgetter(str(node.target))
            return lambda: read(self._module)

        def compute() -> Tensor:
            args, named = map_arg((node.args, node.kwargs), lambda one: self._constants[one].read())
            if callable(node.target):
                result: Tensor = node.target(*args, **named)
            else:
                result = getattr(args[0], node.target)(*args[1:], **named)
            return result

        return compute

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
            self._aliases.new(node)
            return
        self._index[node] = self.append(path, layers, inputs)
        if self._works_in_place(node):
            self._overwrite(entering[0], node, path)
        elif head is IDENTITY:
            self._aliases.same(node, entering[0])
        elif head is CAST or isinstance(layers, Reshape | Permute | Selection):
            self._aliases.view(node, entering[0])
        else:
            self._aliases.new(node)

    def _tensors(self, node: fx.Node) -> list[fx.Node]:
        """The tensors that a call gets, in order, each as often as it is given."""
        found: list[fx.Node] = []
        map_arg((node.args, node.kwargs), found.append)
        values = [self._splits.get(value, value) for value in found]
        return [value for value in values if value in self._index]

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
            return _is_in_place(self._module.get_submodule(str(node.target)))
        inplace = node.kwargs.get("inplace", False) is True
        return node.target in IN_PLACE or (inplace and node.target is not nn.functional.dropout)

    def _overwrite(self, value: fx.Node, node: fx.Node, path: str) -> None:
        """Let later users of a tensor see what an operation in place has made of it.

        Raises:
            UnsupportedLayerError: others see its memory under another shape, or outside of this
                module, where torch.fx does not show the change.
        """
        for other in self._aliases.others_at(value):
            if any(self.positions[user] > self.positions[node] for user in other.users):
                raise _unsupported("an operation in place on a view of a tensor in use", path)
        shared = self._inputs.values() if self._shared else ()
        if any(self._aliases.shares_memory(value, source) for source in shared):
            raise _unsupported(_OVERWRITES_SHARED, path)
        self._aliases.same(node, value)
        for name in self._aliases.names_of(value):
            self._index[name] = self._index[node]

    def _path(self, node: fx.Node) -> str:
        if node.op == "call_module":
            return _dotted(self._prefix, str(node.target))
        return _dotted(self._prefix, *list(node.meta.get("nn_module_stack", ()))[-1:], node.name)

    def _layers(self, node: fx.Node, path: str) -> Layers:
        if node.op == "call_module":
            return _module_layers(self._module.get_submodule(str(node.target)), path)
        if node.target is operator.getitem and node.args[0] in self._splits:
            return self._chunk(node, path)
        table: Mapping[Any, Callable[..., Layers]] = (
            FUNCTIONS if node.op == "call_function" else METHODS
        )
        kind = getattr(node.target, "__name__", str(node.target))
        target = IN_PLACE.get(node.target, node.target)
        if target not in table:
            raise _unsupported(kind, path)
        known: dict[Any, Any] = dict(self._constants)
        args, named = map_arg((node.args, node.kwargs), lambda one: known.get(one, one))
        return _built(kind, path, table[target], *args, **named)

    def _chunk(self, node: fx.Node, path: str) -> Layers:
        split, number = node.args
        assert isinstance(split, fx.Node)
        function = SPLITS[split.target]
        return _built(split.name, path, chunk_of, function, number, *split.args[1:], **split.kwargs)
