"""Relevance pooled over regions of the screen, whatever is shown there.

A grid of 7 x 7 cells lies over the frame. Cells partition it, so what they hold adds up to the
whole map, positive and negative parts apart. Together with masks the grid shows relevance where no
known element is: a shortcut that no table of a game can name has a place all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import NonFiniteError, ObservationError, UnknownNameError

GRID = 7
"""Cells along each side of the screen."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PooledRegions:
    """Relevance of each of N frames on each cell of a grid.

    Attributes:
        positive: ``[N, G, G]`` sum of the positive relevance on the cell.
        negative: ``[N, G, G]`` sum of the negative relevance, as a positive number.
        total: ``[N]`` Σ |relevance| of the whole frame.
    """

    positive: Array
    negative: Array
    total: Array

    @property
    def share(self) -> Array:
        """``[N, G, G]``, part of all |relevance|; 0 in frames whose map is all zero."""
        amount, total = self.positive + self.negative, self.total[:, None, None]
        return np.divide(amount, total, out=np.zeros_like(amount), where=total > 0)


def pool_regions(
    relevance: NDArray[np.float32], within: NDArray[np.bool_] | None = None, grid: int = GRID
) -> PooledRegions:
    """Pool each map over the cells of a grid.

    Args:
        relevance: ``[N, C, H, W]`` signed relevance.
        within: ``[N, H, W]`` bool: only what lies in here counts for the cells (not for the total);
            None for all.
        grid: cells along each side.

    Raises:
        ObservationError: shapes that do not fit.
        NonFiniteError: relevance with NaN or infinity.
    """
    if relevance.ndim != 4 or not relevance.size:
        raise ObservationError(
            f"relevance of shape {relevance.shape}: expected [N, C, H, W], none of them 0"
        )
    if not np.isfinite(relevance).all():
        raise NonFiniteError("relevance holds NaN or infinity: are the network's weights finite?")
    frame = (len(relevance), *relevance.shape[2:])
    inside = np.ones(frame, np.bool_) if within is None else within
    if inside.shape != frame:
        raise ObservationError(f"a mask of shape {inside.shape}, expected {frame}")
    rows, columns = (_membership(side, grid) for side in frame[1:])

    def cells(part: NDArray[np.float32]) -> Array:
        picture = part.sum(axis=1, dtype=np.float64) * inside
        return np.asarray(rows @ picture @ columns.T)

    return PooledRegions(
        positive=cells(np.maximum(relevance, 0)),
        negative=cells(np.maximum(-relevance, 0)),
        total=np.abs(relevance).sum(axis=(1, 2, 3), dtype=np.float64),
    )


def region_name(row: int, column: int) -> str:
    """A cell's name in tags and texts, counted from 1 at the upper left.

    >>> region_name(0, 6)
    'row1-column7'
    """
    return f"row{row + 1}-column{column + 1}"


def region_shares(pooled: PooledRegions) -> dict[str, float]:
    """Cell to its share, averaged over the frames that have relevance; empty if none has."""
    seen = pooled.total > 0
    if not seen.any():
        return {}
    mean = pooled.share[seen].mean(axis=0)
    return {
        region_name(row, column): float(mean[row, column])
        for row, column in np.ndindex(*mean.shape)
    }


def region_masks(
    within: NDArray[np.bool_], names: Iterable[str], grid: int = GRID
) -> dict[str, NDArray[np.bool_]]:
    """Cell to the mask ``[N, H, W]`` of its part of ``within`` ``[N, H, W]``, for some cells.

    Raises:
        UnknownNameError: no cell has that name.
        ObservationError: fewer pixels than cells.
    """
    rows, columns = (_membership(side, grid).astype(bool) for side in within.shape[1:])
    cells = {region_name(i, j): (i, j) for i, j in np.ndindex(grid, grid)}
    masks = {}
    for name in names:
        if name not in cells:
            raise UnknownNameError("region", name, cells)
        row, column = cells[name]
        masks[name] = within & (rows[row][:, None] & columns[column])
    return masks


def largest(shares: Mapping[str, float], n: int) -> tuple[str, ...]:
    """The names of the ``n`` largest shares above 0, largest first."""
    ordered = sorted(shares, key=lambda name: -shares[name])
    return tuple(name for name in ordered[:n] if shares[name] > 0)


def _membership(side: int, grid: int) -> Array:
    """``[grid, side]``, 1 where a pixel belongs to a cell; cells differ by a pixel at most."""
    if side < grid:
        raise ObservationError(f"a grid of {grid} cells needs as many pixels, the frame has {side}")
    cell = np.arange(side) * grid // side
    return np.asarray(cell == np.arange(grid)[:, None], np.float64)
