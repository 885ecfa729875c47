"""Packages that only some commands need, and that come with an extra of this one."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from rlmonitor.errors import DependencyError


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Import a package of an extra.

    Raises:
        DependencyError: it is missing, or broken; the sentence names the extra.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise DependencyError(
            f"{purpose} needs {module}, which is not there ({error}): "
            f"pip install 'rlmonitor[{extra}]'"
        ) from error
