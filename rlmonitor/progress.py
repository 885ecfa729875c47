"""A progress bar with the time that is left, on stderr, for work that goes in stages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

LONGEST = 32
"""Characters of a stage that are shown, so that a long path leaves room for the bar."""


@contextmanager
def stages(
    total: int, *, shown: bool = True, first: str = "reading"
) -> Iterator[Callable[[str], None]]:
    """Show a bar; gives a function that ends the stage before and begins the next.

    Args:
        total: how many stages there are.
        shown: False shows nothing.
        first: what is done before the first stage begins.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn(), TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as progress:
        bar = progress.add_task(first, total=total)
        begun = 0

        def advance(stage: str) -> None:
            nonlocal begun
            progress.update(bar, description=_short(stage), completed=begun)
            begun += 1

        yield advance
        progress.update(bar, completed=total)


def _short(stage: str) -> str:
    """The end of a stage's name; of a path it is what tells files apart."""
    return stage if len(stage) <= LONGEST else f"…{stage[1 - LONGEST :]}"
