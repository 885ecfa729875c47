"""Which names of a traced network stand for the same tensor, and which look at its memory.

torch.fx notes what is called on what, not what an operation in place does to other names: after
``y = x.flatten(1); x += 1`` both names mean another tensor than before. This is told apart here, so
that later users of a name get what it then means, or the network is refused.
"""

from __future__ import annotations

from torch import fx


class Aliases:
    """The tensors of a graph by their names, which are fx nodes."""

    def __init__(self) -> None:
        self._tensor: dict[fx.Node, fx.Node] = {}
        self._memory: dict[fx.Node, fx.Node] = {}

    def new(self, name: fx.Node) -> None:
        """A tensor with memory of its own."""
        self._tensor[name] = self._memory[name] = name

    def same(self, name: fx.Node, value: fx.Node) -> None:
        """The very tensor that another name stands for."""
        self._tensor[name], self._memory[name] = self._tensor[value], self._memory[value]

    def view(self, name: fx.Node, value: fx.Node) -> None:
        """A tensor that may look at another one's memory, in another shape or not."""
        self._tensor[name], self._memory[name] = name, self._memory[value]

    def shares_memory(self, name: fx.Node, value: fx.Node) -> bool:
        """Whether a change of one may change the other."""
        return self._memory[name] is self._memory[value]

    def names_of(self, value: fx.Node) -> list[fx.Node]:
        """All names of a tensor, its own among them."""
        tensor = self._tensor[value]
        return [name for name, other in self._tensor.items() if other is tensor]

    def others_at(self, value: fx.Node) -> list[fx.Node]:
        """Names of other tensors that may look at the memory of this one."""
        tensor, memory = self._tensor[value], self._memory[value]
        return [
            name
            for name, other in self._memory.items()
            if other is memory and self._tensor[name] is not tensor
        ]
