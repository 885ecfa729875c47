"""How TensorBoard finds the Strategies tab: the entry point, and nothing that could fail.

A plugin that cannot be imported keeps TensorBoard from starting, so all else is imported when the
tab is loaded, and whatever goes wrong then costs the tab only.
"""

from __future__ import annotations

import argparse
import contextlib
from typing import Any

from tensorboard.plugins import base_plugin
from tensorboard.util import tb_logging

from rlmonitor.board.page_data import KEPT

logger = tb_logging.get_logger()


class StrategiesLoader(base_plugin.TBLoader):  # type: ignore[misc]  # TensorBoard has no types
    """Loads the tab, if it can be loaded."""

    def fix_flags(self, flags: argparse.Namespace) -> None:
        """Keep more of our points than ten a tag; what the user says wins."""
        with contextlib.suppress(Exception):
            flags.samples_per_plugin = KEPT | flags.samples_per_plugin

    def load(self, context: base_plugin.TBContext) -> Any:
        """The tab, or None."""
        try:
            from rlmonitor.board.tab import StrategiesTab

            return StrategiesTab(context)
        except Exception as error:
            logger.warning("No Strategies tab: %s: %s", type(error).__name__, error)
            return None
