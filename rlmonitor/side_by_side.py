"""Games played side by side: one forward pass serves all that wait for a move.

A game is a generator: it yields an observation ``[1, ...]`` in the policy's layout, is sent the
policy's values ``[1, A]`` for it, and returns what came of it. For one observation, most of a
forward pass goes to calls and to fetching weights; two or three cost little more.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from rlmonitor.isolation import preserved_random_state

Result = TypeVar("Result")

Values = NDArray[np.floating[Any]]

Forward = Callable[[NDArray[Any]], Values]
"""Observations ``[N, ...]`` in the policy's layout to Q-values or logits ``[N, A]``."""

Game = Generator[NDArray[Any], Values, Result]


def play_alone(game: Game[Result], forward: Forward) -> Result:
    """Play one game to its end; global random states are given back."""
    return play_side_by_side([game], forward)[0]


def play_side_by_side(games: Sequence[Game[Result]], forward: Forward) -> list[Result]:
    """Play games to their ends, as long as they go on one step of each at a time.

    Args:
        games: those to play; they may end after different numbers of steps.
        forward: the policy's values.

    Returns:
        What each game returned. Global random states are given back.
    """
    results: dict[int, Result] = {}
    waiting: dict[int, NDArray[Any]] = {}

    def proceed(number: int, values: Values | None) -> None:
        try:
            waiting[number] = games[number].send(values)  # type: ignore[arg-type]  # None starts it
        except StopIteration as end:
            results[number] = end.value
            waiting.pop(number, None)

    with preserved_random_state():
        try:
            for number in range(len(games)):
                proceed(number, None)
            while waiting:
                numbers = list(waiting)
                values = forward(np.concatenate([waiting[number] for number in numbers]))
                parts = np.split(values, len(numbers)) if len(numbers) > 1 else [values]
                for number, part in zip(numbers, parts, strict=True):
                    proceed(number, part)
        finally:
            for game in games:
                game.close()
    return [results[number] for number in range(len(games))]
