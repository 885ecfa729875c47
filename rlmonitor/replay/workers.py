"""Who computes the parts of a replay: this process, or the workers of a Dask cluster.

Both take the same functions with the same arguments, so where something is computed changes nothing
but the time. What a worker loses by dying is computed again elsewhere. Dask sends arguments and
results as pickles, so a scheduler must be one that you trust, on a network that you trust.
"""

from __future__ import annotations

import contextlib
import secrets
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rlmonitor.errors import ConfigurationError, DependencyError
from rlmonitor.memory import reuse_memory


class Task(Protocol):
    """Something that is or will be computed."""

    def result(self) -> Any:
        """What came out; waits for it."""


class Workers(Protocol):
    """Who computes.

    Attributes:
        ahead: checkpoints to hand over before the first is needed.
        behind: rounds that may be drawn while the next ones are followed.
    """

    ahead: int
    behind: int

    def submit(self, function: Callable[..., Any], *arguments: Any, soon: bool = False) -> Task:
        """Have a function of values and of earlier tasks' results computed.

        Args:
            function: what is computed.
            arguments: its values, or tasks that give them.
            soon: before all that is not, for what frees the memory that others hold.
        """


class Later:
    """A task of this process, computed when its result is asked for."""

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._function, self._arguments = function, arguments

    def result(self) -> Any:
        """What comes out; kept for those who ask again."""
        if not hasattr(self, "_found"):
            values = (a.result() if isinstance(a, Later) else a for a in self._arguments)
            self._found = self._function(*values)
        return self._found


class ThisProcess:
    """Computes in this process, one task after the other."""

    ahead, behind = 1, 0

    def submit(self, function: Callable[..., Any], *arguments: Any, soon: bool = False) -> Task:
        """Have it computed when its result is asked for."""
        return Later(function, arguments)


class DaskWorkers:
    """Computes on a Dask cluster."""

    def __init__(self, client: Any, n_workers: int) -> None:
        self._client, self.ahead, self.behind = client, 2 * n_workers, n_workers

    def submit(self, function: Callable[..., Any], *arguments: Any, soon: bool = False) -> Task:
        """Have it computed by any worker; earlier submissions come first."""
        key = f"{function.__name__}-{secrets.token_hex(16)}"
        task: Task = self._client.submit(
            _computed, function, *arguments, key=key, pure=False, priority=int(soon)
        )
        return task


def _computed(function: Callable[..., Any], *arguments: Any) -> Any:
    """At a worker, whoever started it."""
    reuse_memory()
    return function(*arguments)


@contextmanager
def workers(n_workers: int = 1, scheduler: str | None = None) -> Iterator[Workers]:
    """This process, a cluster of processes on this machine, or the cluster of a scheduler.

    Args:
        n_workers: processes; 1 computes in this one.
        scheduler: address of a running scheduler, such as ``tcp://10.0.0.1:8786``; its workers need
            rlmonitor and the checkpoints under the same paths or URLs.

    Raises:
        ConfigurationError: fewer than one worker, or no scheduler at the address.
        DependencyError: Dask is missing.
    """
    if n_workers < 1:
        raise ConfigurationError(f"workers = {n_workers}: expected 1 or more")
    reuse_memory()
    if scheduler is None and n_workers == 1:
        yield ThisProcess()
        return
    distributed = _distributed()
    with contextlib.ExitStack() as stack:
        if scheduler is None:
            cluster = distributed.LocalCluster(
                n_workers=n_workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                memory_limit=0,
            )
            address = stack.enter_context(cluster)
        else:
            address = scheduler
        client = stack.enter_context(_client(distributed, address, scheduler))
        known = len(client.scheduler_info()["workers"]) or n_workers
        yield DaskWorkers(client, known)


def _client(distributed: Any, address: Any, scheduler: str | None) -> Any:
    try:
        return distributed.Client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise ConfigurationError(
            f"no Dask scheduler answers at {scheduler} ({error}): start one with `dask scheduler`, "
            "and workers with `dask worker ADDRESS --nthreads 1`"
        ) from error


def _distributed() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import distributed
    except ImportError as error:
        raise DependencyError(
            "more than one worker needs Dask: pip install 'rlmonitor[distributed]'"
        ) from error
    return distributed
