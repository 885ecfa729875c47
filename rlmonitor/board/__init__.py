"""What goes to TensorBoard, and how it looks.

`tags` names everything, `clip` draws the moving pictures, `layout` groups the curves, and `writer`
writes all of it.
"""

from rlmonitor.board.clip import PLAY_INTERVAL, PROBE_INTERVAL, render_clip
from rlmonitor.board.writer import BoardWriter

__all__ = ["PLAY_INTERVAL", "PROBE_INTERVAL", "BoardWriter", "render_clip"]
