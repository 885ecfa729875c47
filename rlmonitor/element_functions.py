"""Elements that a user's own functions find on an observation, for games without a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlmonitor.errors import ConfigurationError, ObservationError
from rlmonitor.games import REST
from rlmonitor.games.screen import disjoint

ElementFunction = Callable[[NDArray[Any]], NDArray[np.bool_]]
"""An observation ``[C, H, W]`` to the mask ``[H, W]`` of an element, for games without a table."""

_ELEMENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def user_masks(
    functions: Mapping[str, ElementFunction], observation: NDArray[Any]
) -> dict[str, NDArray[np.bool_]]:
    """Masks of a user's own elements, disjoint in their order, with ``rest``.

    Args:
        functions: name to a function from one observation ``[C, H, W]`` to its mask ``[H, W]``.
        observation: ``[N, C, H, W]``.

    Raises:
        ObservationError: a mask of another shape, or one that is not boolean.
    """
    n, _, height, width = observation.shape
    masks = {name: np.zeros((n, height, width), np.bool_) for name in functions}
    for name, function in functions.items():
        for i, frame in enumerate(observation):
            view = frame.view()
            view.setflags(write=False)  # the frame is the recording's own
            mask = np.asarray(function(view))
            if mask.shape != (height, width) or mask.dtype != np.bool_:
                raise ObservationError(
                    f"element {name!r} gave a mask of shape {mask.shape} and dtype {mask.dtype}, "
                    f"expected {(height, width)} and bool"
                )
            masks[name][i] = mask
    return disjoint(masks, (n, height, width))


def checked(functions: Mapping[str, ElementFunction]) -> dict[str, ElementFunction]:
    """The functions, once their names are known to be fit for tags and files.

    Raises:
        ConfigurationError: a name that is taken, or that is not fit.
    """
    if REST in functions:
        raise ConfigurationError(f"element {REST!r}: the name is taken by what elements leave over")
    for name in functions:
        if not _ELEMENT_NAME.fullmatch(name):
            raise ConfigurationError(
                f"element {name!r}: the name goes into tags and files; use letters, digits, '_' "
                "and '-'"
            )
    return dict(functions)
