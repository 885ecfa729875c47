"""See what a reinforcement-learning agent looks at while it learns.

The names below are the public API. They are imported on first use, so that ``import rlmonitor``
alone loads neither torch nor stable-baselines3.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rlmonitor.callbacks import StrategyMonitorCallback
    from rlmonitor.environment import make_monitor_env
    from rlmonitor.lrp import (
        COMPOSITES,
        Activations,
        Composite,
        Network,
        Relevance,
        Windows,
        attribute,
        attribute_targets,
        network_of,
    )
    from rlmonitor.monitor import Monitor
    from rlmonitor.monitor_settings import MonitorSettings
    from rlmonitor.probe import load_probe
    from rlmonitor.recording import Recording
    from rlmonitor.replay.runs import Run, open_run
    from rlmonitor.round import Analysis, Round, run_round
    from rlmonitor.stop_training import StopTrainingOnEvent
    from rlmonitor.strategy.events import Event

__version__ = "0.1.0"

_HOME = {
    "Activations": "lrp",
    "Analysis": "round",
    "COMPOSITES": "lrp",
    "Composite": "lrp",
    "Event": "strategy.events",
    "Monitor": "monitor",
    "MonitorSettings": "monitor_settings",
    "Network": "lrp",
    "Recording": "recording",
    "Relevance": "lrp",
    "Round": "round",
    "Run": "replay.runs",
    "StopTrainingOnEvent": "stop_training",
    "StrategyMonitorCallback": "callbacks",
    "Windows": "lrp",
    "attribute": "lrp",
    "attribute_targets": "lrp",
    "load_probe": "probe",
    "make_monitor_env": "environment",
    "network_of": "lrp",
    "open_run": "replay.runs",
    "run_round": "round",
}

__all__ = [
    "COMPOSITES",
    "Activations",
    "Analysis",
    "Composite",
    "Event",
    "Monitor",
    "MonitorSettings",
    "Network",
    "Recording",
    "Relevance",
    "Round",
    "Run",
    "StopTrainingOnEvent",
    "StrategyMonitorCallback",
    "Windows",
    "attribute",
    "attribute_targets",
    "load_probe",
    "make_monitor_env",
    "network_of",
    "open_run",
    "run_round",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'rlmonitor' has no attribute {name!r}")
    return getattr(import_module(f"rlmonitor.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted([*__all__, "__version__"])
