"""Files that are whole or absent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rlmonitor.errors import StoreError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a name beside the file to write under; the file is there when all of it is written.

    Raises:
        StoreError: it cannot be written; what was there before stays.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
