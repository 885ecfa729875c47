"""LSTM layers over windows of time steps, after Arras et al. 2017.

'Explaining Recurrent Neural Network Predictions in Sentiment Analysis' (doi 10.18653/v1/W17-5221):
linear parts follow LRP-epsilon; where a gate (sigmoid) multiplies a signal, all relevance goes to
the signal and none to the gate. With ``h_t = o_t tanh(c_t)``, ``c_t = f_t c_(t-1) + i_t g_t`` and
``g_t = tanh(z_t)``, ``z_t = W x_t + U h_(t-1) + b``::

    R(c_t)    += R(h_t)
    R(c_(t-1)) = f_t c_(t-1) / (c_t + stabiliser) R(c_t)
    R(g_t)     = i_t g_t     / (c_t + stabiliser) R(c_t)
    R(x_t)     = x_t     sum W R(g_t) / (z_t + stabiliser)
    R(h_(t-1)) = h_(t-1) sum U R(g_t) / (z_t + stabiliser)

The stabiliser has the denominator's sign. Where an episode starts inside a window, memory is set to
0 before that step, so no relevance goes further back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rlmonitor.lrp.parameters import Draw
from rlmonitor.lrp.rules import STABILISER


@dataclass(frozen=True)
class Cell:
    """The weights of one layer of an LSTM; gates are in torch's order i, f, g, o.

    Attributes:
        input: ``[4 H, D]``.
        memory: ``[4 H, H]``.
        bias: ``[4 H]``.
    """

    input: Tensor
    memory: Tensor
    bias: Tensor


@dataclass(frozen=True)
class _Step:
    """What a cell computes in one time step; ``[N, ...]`` each."""

    entering: Tensor
    hidden: Tensor
    cell: Tensor
    kept: Tensor
    written: Tensor
    before_tanh: Tensor
    new_cell: Tensor
    new_hidden: Tensor


@dataclass(frozen=True)
class EachStep:
    """Windows ``[N, T, ...]`` as single frames ``[N T, ...]``."""

    def forward(self, value: Tensor) -> Tensor:
        """The frames."""
        return value.flatten(0, 1)

    def backward(self, relevance: Tensor, value: Tensor) -> Tensor:
        """The relevance in the windows' shape."""
        return relevance.reshape(value.shape)


@dataclass(frozen=True)
class LastStep:
    """The features of each window's last frame; takes all frames' and the episode starts."""

    def forward(self, features: Tensor, starts: Tensor) -> Tensor:
        """``[N T, F]`` and ``[N, T]`` to ``[N, F]``."""
        return features.reshape(*starts.shape, -1)[:, -1]

    def backward(
        self, relevance: Tensor, features: Tensor, starts: Tensor
    ) -> tuple[tuple[Tensor, ...], Tensor | None]:
        """The last frames get everything."""
        below = torch.zeros_like(features)
        below.reshape(*starts.shape, -1)[:, -1] = relevance
        return (below, torch.zeros_like(starts)), None


@dataclass(frozen=True)
class Lstm:
    """An LSTM over windows, of whose outputs the last one is taken.

    Takes features ``[N T, F]``, the episode starts ``[N, T]`` and the memory before the window,
    ``[N, 2 L H]``: hidden and cell states of the L layers.

    Attributes:
        read: gives the weights of its layers as they are now.
    """

    read: Callable[[], tuple[Cell, ...]]

    def forward(self, features: Tensor, starts: Tensor, memory: Tensor) -> Tensor:
        """The hidden states of the last layer and step, ``[N, H]``."""
        return self._run(self._cells(features), features, starts, memory)[-1][-1].new_hidden

    def backward(
        self, relevance: Tensor, features: Tensor, starts: Tensor, memory: Tensor
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        """The relevance of features, starts (none) and memory; what was absorbed, ``[N]``."""
        cells = self._cells(features)
        runs = self._run(cells, features, starts, memory)
        above = [torch.zeros_like(relevance)] * (starts.shape[1] - 1) + [relevance]
        absorbed, hidden, cell = torch.zeros_like(relevance[:, 0]), [], []
        for weights, steps in zip(reversed(cells), reversed(runs), strict=True):
            above, first_hidden, first_cell, taken = _back(weights, steps, above)
            hidden.append(first_hidden)
            cell.append(first_cell)
            absorbed = absorbed + taken
        below = torch.stack(above, 1).reshape(features.shape)
        return (below, torch.zeros_like(starts), _packed(hidden[::-1], cell[::-1])), absorbed

    def is_finite(self) -> bool:
        """Whether the weights hold neither NaN nor infinity."""
        tensors = [one for cell in self.read() for one in (cell.input, cell.memory, cell.bias)]
        return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)

    def fresh(self, draw: Draw) -> Lstm:
        """The same before training: uniform within 1 / sqrt(H), as torch starts it."""

        def started(cell: Cell) -> Cell:
            bound = 1 / math.sqrt(cell.memory.shape[1])
            both = draw(cell.bias, bound) + draw(cell.bias, bound)  # torch keeps two biases
            return Cell(draw(cell.input, bound), draw(cell.memory, bound), both)

        cells = tuple(started(cell) for cell in self.read())
        return Lstm(lambda: cells)

    def fixed(self) -> Lstm:
        """The layer with its weights as they are now."""
        cells = tuple(
            Cell(cell.input.clone(), cell.memory.clone(), cell.bias.clone()) for cell in self.read()
        )
        return Lstm(lambda: cells)

    def _cells(self, like: Tensor) -> tuple[Cell, ...]:
        return tuple(
            Cell(cell.input.to(like), cell.memory.to(like), cell.bias.to(like))
            for cell in self.read()
        )

    def _run(
        self, cells: tuple[Cell, ...], features: Tensor, starts: Tensor, memory: Tensor
    ) -> list[list[_Step]]:
        """All steps of all layers."""
        n_frames, n_steps = starts.shape
        sequence = list(features.reshape(n_frames, n_steps, -1).unbind(1))
        states = memory.reshape(n_frames, 2, len(cells), -1)
        runs = []
        for number, weights in enumerate(cells):
            hidden, cell = states[:, 0, number], states[:, 1, number]
            steps = []
            for entering, start in zip(sequence, starts.unbind(1), strict=True):
                keep = (1 - start)[:, None]
                step = _forward(weights, entering, keep * hidden, keep * cell)
                hidden, cell = step.new_hidden, step.new_cell
                steps.append(step)
            sequence = [step.new_hidden for step in steps]
            runs.append(steps)
        return runs


def _packed(hidden: list[Tensor], cell: list[Tensor]) -> Tensor:
    """Hidden and cell states of the layers, ``[N, H]`` each, as ``[N, 2 L H]``."""
    return torch.cat([*hidden, *cell], 1)


def _forward(weights: Cell, entering: Tensor, hidden: Tensor, cell: Tensor) -> _Step:
    gates = entering @ weights.input.T + hidden @ weights.memory.T + weights.bias
    write, forget, signal, output = gates.chunk(4, 1)
    kept, written = forget.sigmoid() * cell, write.sigmoid() * signal.tanh()
    new = kept + written
    return _Step(entering, hidden, cell, kept, written, signal, new, output.sigmoid() * new.tanh())


def _back(
    weights: Cell, steps: list[_Step], relevance: list[Tensor]
) -> tuple[list[Tensor], Tensor, Tensor, Tensor]:
    """Relevance of what entered each step, of the first hidden and cell states; absorbed."""
    input_weight, memory_weight = (one.chunk(4)[2] for one in (weights.input, weights.memory))
    bias = weights.bias.chunk(4)[2]
    hidden = cell = torch.zeros_like(relevance[0])
    absorbed, entering = torch.zeros_like(hidden[:, 0]), []
    for step, above in zip(reversed(steps), reversed(relevance), strict=True):
        quotient, taken = _quotient(cell + hidden + above, step.new_cell)
        inside, lost = _quotient(step.written * quotient, step.before_tanh)
        absorbed = absorbed + taken + lost + inside @ bias
        cell = step.kept * quotient
        hidden = step.hidden * (inside @ memory_weight)
        entering.append(step.entering * (inside @ input_weight))
    return entering[::-1], hidden, cell, absorbed


def _quotient(relevance: Tensor, denominator: Tensor) -> tuple[Tensor, Tensor]:
    """Relevance over the stabilised denominator, and what the stabiliser takes, ``[N]``."""
    stabiliser = torch.copysign(torch.full_like(denominator, STABILISER), denominator)
    quotient = relevance / (denominator + stabiliser)
    return quotient, (stabiliser * quotient).sum(1)


def lstm(module: nn.LSTM) -> Lstm:
    """The layer of a module, whose weights are read live.

    Raises:
        ValueError: settings that are not covered.
    """
    for name in ("bidirectional", "proj_size", "batch_first"):
        if getattr(module, name):
            raise ValueError(f"with {name}; only plain ones are supported")
    return Lstm(lambda: tuple(_cell(module, number) for number in range(module.num_layers)))


def _cell(module: Any, number: int) -> Cell:
    weight, memory = (getattr(module, f"weight_{one}_l{number}").detach() for one in ("ih", "hh"))
    if not module.bias:
        return Cell(weight, memory, torch.zeros_like(weight[:, 0]))
    biases = (getattr(module, f"bias_{one}_l{number}").detach() for one in ("ih", "hh"))
    return Cell(weight, memory, sum(biases, torch.zeros_like(weight[:, 0])))


Recurrent = Lstm | LastStep
"""Layers that look at a window as a whole."""
