"""What goes to TensorBoard, and how it looks.

`tags` names everything, `clip` draws the moving pictures, `layout` groups the curves, `writer`
writes all of it; `page_data` says what the Strategies page reads, and `plugin` puts it there.

Names are imported on first use: TensorBoard imports this package to find the tab.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rlmonitor.board.clip import PLAY_INTERVAL, PROBE_INTERVAL, render_clip
    from rlmonitor.board.writer import BoardWriter

__all__ = ["PLAY_INTERVAL", "PROBE_INTERVAL", "BoardWriter", "render_clip"]

_HOME = dict.fromkeys(__all__, "clip") | {"BoardWriter": "writer"}


def __getattr__(name: str) -> Any:
    """Import a name from its module on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'rlmonitor.board' has no attribute {name!r}")
    return getattr(import_module(f"rlmonitor.board.{_HOME[name]}"), name)
