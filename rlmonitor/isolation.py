"""Global states, given back on every path out.

The monitor uses generators of its own. What it calls may not: an environment's factory, a user's
element function. A training must not notice either.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def preserved_random_state() -> Iterator[None]:
    """Restore the global states of ``random``, NumPy and torch (CPU and GPU) on leaving."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=_gpus_in_use()):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002


@contextmanager
def aside() -> Iterator[None]:
    """Whatever happens in here, the training goes on as if it had not.

    Random states, torch's threads and default dtype and NumPy's error handling are given back, no
    gradient is recorded, and a user's ``np.seterr(all="raise")`` does not reach our arithmetic,
    which looks for NaN itself.
    """
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    with preserved_random_state(), torch.no_grad(), np.errstate(all="ignore"):
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.set_default_dtype(dtype)


def _gpus_in_use() -> list[int]:
    return list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
