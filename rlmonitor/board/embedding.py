"""A round's strategies in TensorBoard's projector: every frame a point, with its picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from rlmonitor.board.overview import STRATEGY_COLOURS
from rlmonitor.board.projector import embedding_files
from rlmonitor.recording import Recording
from rlmonitor.round import Round, Strategies
from rlmonitor.strategy.embedding import Embedding, embed

THUMBNAIL = 64
"""Pixels along the longer side of a thumbnail."""
FRAME = 5
"""How thick the line around it is drawn; half of it falls outside."""


def drawn_strategies(strategies: Strategies | None, *, seed: int = 0) -> Embedding | None:
    """A round's maps on a plane; None where there are too few of them."""
    if strategies is None or strategies.found.not_enough is not None:
        return None
    with threadpool_limits(1):  # more threads only take turns for so few maps
        picture = embed(strategies.found, seed=seed)
    return picture if len(picture.index) else None


def projected_strategies(found: Round, picture: Embedding | None) -> dict[str, bytes]:
    """The files of the embedding of a round's play; none where there is none.

    Args:
        found: the round.
        picture: what `drawn_strategies` made of it.
    """
    strategies, play = found.strategies, found.play.recording
    if strategies is None or picture is None:
        return {}
    labels = strategies.found.labels[picture.index]
    columns = {
        "strategy": [_name(strategies, label) for label in labels],
        "timestep of the agent": play.step[picture.index].tolist(),
        "score": play.score[picture.index].tolist(),
        "action": [_action(play, action) for action in play.action[picture.index]],
    }
    thumbnails = _thumbnails(play.screen[picture.index])
    _frame(thumbnails, [strategies.moment.ids[label] if label >= 0 else None for label in labels])
    return embedding_files(picture.position, columns, thumbnails)


def _name(strategies: Strategies, label: int) -> str:
    """A cluster's number and name; a cluster that the raw frames give as well says so."""
    if label < 0:
        return "none"
    cluster, moment = strategies.found.clusters[label], strategies.moment
    same = " (as in raw pixels)" if cluster.in_pixels else ""
    return f"{moment.ids[label]}: {moment.names[label]}{same}"


def _action(play: Recording, action: int) -> str:
    names = play.action_meanings
    return names[action] if action < len(names) else str(action)


def _thumbnails(screens: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = screens.shape[1:3]
    scale = min(1.0, THUMBNAIL / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.stack([cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in screens])


def _frame(thumbnails: NDArray[np.uint8], numbers: Sequence[int | None]) -> None:
    """Draw a frame in the strategy's colour, as in the overview; the tab itself colours nothing."""
    for thumbnail, number in zip(thumbnails, numbers, strict=True):
        if number is not None:
            height, width = thumbnail.shape[:2]
            corner, colour = (
                (width - 1, height - 1),
                STRATEGY_COLOURS[number % len(STRATEGY_COLOURS)],
            )
            cv2.rectangle(thumbnail, (0, 0), corner, colour, FRAME)
