"""How to look at a run."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def watch_command(run_dir: Path) -> str:
    """What to type to see a run in TensorBoard, from here, even where ``.venv`` is not active."""
    beside = Path(sys.executable).with_name("tensorboard")
    found = shutil.which("tensorboard")
    if not beside.exists() or (found is not None and Path(found) == beside):
        return f"tensorboard --logdir {run_dir.parent}"
    here = beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside
    return f"{here} --logdir {run_dir.parent}"
