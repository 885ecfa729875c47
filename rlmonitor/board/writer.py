"""Writing to TensorBoard, through the training's own event file wherever there is one.

TensorBoard and torch's writer take seconds to import, so they are imported where they are used.

A second event file in a run's directory freezes curves in one of TensorBoard's loaders, so
stable-baselines3's writer is used when its logger has one, and left open when we are done.
"""

from __future__ import annotations

import math
import os
import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rlmonitor.board import tags
from rlmonitor.board.event_records import mend_writer
from rlmonitor.board.layout import board_layout
from rlmonitor.board.markdown import event_markdown
from rlmonitor.board.page_data import PICTURES, ROUNDS
from rlmonitor.errors import (
    ConfigurationError,
    DependencyError,
    NonFiniteError,
    StoreError,
)

if TYPE_CHECKING:
    from stable_baselines3.common.logger import Logger
    from tensorboard.compat.proto.summary_pb2 import Summary
    from torch.utils.tensorboard import FileWriter, SummaryWriter

OLDEST_TENSORBOARD = (2, 21)
"""Major and minor version."""


class BoardWriter:
    """Scalars, clips and events of one run; every step is a number of timesteps.

    Use `open` rather than the constructor.

    Attributes:
        directory: where the event file lies.
    """

    def __init__(self, writer: SummaryWriter, *, owned: bool) -> None:
        self._writer, self._owned = writer, owned
        mend_writer(self._open_file())
        self.directory: Path = Path(writer.log_dir).absolute()

    @classmethod
    def open(cls, logger: Logger | None, directory: str | os.PathLike[str] | None) -> BoardWriter:
        """Take the writer of stable-baselines3's logger, or open one of our own.

        Args:
            logger: the training's logger, ``model.logger``; None offline.
            directory: where to write if the logger does not write to TensorBoard.

        Raises:
            DependencyError: TensorBoard is missing or older than 2.21.
            ConfigurationError: the logger has no TensorBoard writer and no directory is given.
            StoreError: the directory cannot be written.
        """
        require_tensorboard()
        theirs = None if logger is None else logger_writer(logger)
        if theirs is not None:
            return cls(theirs, owned=False)
        if directory is None:
            raise ConfigurationError(
                "nowhere to write for TensorBoard: give the model tensorboard_log='runs', or the "
                "monitor a directory"
            )
        return cls(_own_writer(Path(directory)), owned=True)

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write one point for each tag.

        Raises:
            NonFiniteError: a value is NaN or infinite: leave out what is not known.
            StoreError: the event file cannot be written.
        """
        from tensorboard.compat.proto.summary_pb2 import Summary

        for tag, value in values.items():
            if not math.isfinite(value):
                raise NonFiniteError(f"scalar {tag!r} at step {step} must be finite; got {value}")
        points = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        self._add(Summary(value=points), step)

    def clip(self, tag: str, gif: bytes, step: int) -> None:
        """Write an animated GIF, which plays in the Images and Time Series tabs.

        ``SummaryWriter.add_video`` writes nothing, silently, with today's moviepy; an image summary
        takes the encoded file as it is.

        Raises:
            ConfigurationError: the bytes are no GIF.
            StoreError: the event file cannot be written.
        """
        if not gif.startswith(b"GIF8"):
            raise ConfigurationError(f"{tag!r} takes a GIF; got bytes beginning with {gif[:6]!r}")
        self._image(tag, gif, struct.unpack("<HH", gif[6:10]), step)

    def picture(self, tag: str, png: bytes, step: int) -> None:
        """Write a PNG, which the Images and Time Series tabs show.

        Raises:
            ConfigurationError: the bytes are no PNG.
            StoreError: the event file cannot be written.
        """
        if not png.startswith(b"\x89PNG\r\n\x1a\n"):
            raise ConfigurationError(f"{tag!r} takes a PNG; got bytes beginning with {png[:8]!r}")
        self._image(tag, png, struct.unpack(">II", png[16:24]), step)

    def _image(self, tag: str, encoded: bytes, size: tuple[int, ...], step: int) -> None:
        """Write an image file of a width and height as it is."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        width, height = size
        image = Summary.Image(
            width=width, height=height, colorspace=3, encoded_image_string=encoded
        )
        self._add(Summary(value=[Summary.Value(tag=tag, image=image)]), step)

    def event(self, headline: str, step: int, details: Mapping[str, object] | None = None) -> None:
        """Write a text under `tags.EVENTS`: what happened and the numbers behind it.

        Args:
            headline: one sentence, plain text.
            step: when it happened.
            details: name and value of each number; shown as a table, plain text too.

        Raises:
            StoreError: the event file cannot be written.
        """
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
        from tensorboard.plugins.text.metadata import create_summary_metadata

        text = TensorProto(
            dtype="DT_STRING",
            string_val=[event_markdown(headline, details or {}).encode()],
            tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]),
        )
        metadata = create_summary_metadata(display_name="", description="")
        value = Summary.Value(tag=tags.EVENTS, tensor=text, metadata=metadata)
        self._add(Summary(value=[value]), step)

    def record(self, tag: str, text: str, step: int) -> None:
        """Write a record for the Strategies page, see `rlmonitor.board.page_data`.

        Raises:
            StoreError: the event file cannot be written.
        """
        self._add(_strings(tag, [text.encode()], ROUNDS, "DATA_CLASS_TENSOR"), step)

    def part(self, tag: str, blobs: Sequence[bytes], step: int) -> None:
        """Write pictures for the Strategies page, which it fetches one by one.

        Raises:
            StoreError: the event file cannot be written.
        """
        self._add(_strings(tag, blobs, PICTURES, "DATA_CLASS_BLOB_SEQUENCE"), step)

    def layout(self, elements: Iterable[str], stack: int = 4) -> None:
        """Group the curves in the Custom Scalars tab; writing it again changes nothing.

        Raises:
            StoreError: the event file cannot be written.
        """
        from torch.utils.tensorboard.summary import custom_scalars

        with self._file_writer() as file_writer:
            summary = custom_scalars(board_layout(elements, stack))
            file_writer.add_summary(summary)

    def mark_restart(self, step: int) -> None:
        """Tell TensorBoard to forget what other files of the run say from ``step`` on.

        Raises:
            StoreError: the event file cannot be written.
        """
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        start = Event(step=step, session_log=SessionLog(status=SessionLog.START))
        with self._file_writer() as file_writer:
            file_writer.add_event(start)
            file_writer.flush()

    def writes_to(self, writer: SummaryWriter) -> bool:
        """Whether this is the writer in use."""
        return self._writer is writer

    def flush(self) -> None:
        """Bring everything to the disk.

        Raises:
            StoreError: the event file cannot be written.
        """
        with self._file_writer() as file_writer:
            file_writer.flush()

    def close(self) -> None:
        """Flush and close what `open` opened; leave the training's writer as it is."""
        if self._owned and self._open_file() is not None:
            self.flush()
            self._writer.close()

    def _open_file(self) -> FileWriter | None:
        """The event file, None once it is closed; torch annotates it as always None."""
        return cast("FileWriter | None", cast(Any, self._writer).file_writer)

    def _add(self, summary: Summary, step: int) -> None:
        with self._file_writer() as file_writer:
            file_writer.add_summary(summary, step)

    @contextmanager
    def _file_writer(self) -> Iterator[FileWriter]:
        """The open event file; a closed SummaryWriter would silently begin a second one."""
        file_writer = self._open_file()
        try:
            if file_writer is None:
                raise OSError("its writer is closed")
            yield file_writer
        except OSError as error:
            raise StoreError(
                f"cannot write TensorBoard's event file in {str(self.directory)!r}: {error}"
            ) from error


def _strings(tag: str, strings: Sequence[bytes], plugin: str, data_class: str) -> Summary:
    """Byte strings under the name of a plugin of ours."""
    from tensorboard.compat.proto.summary_pb2 import DataClass, Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

    metadata = SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(plugin_name=plugin),
        data_class=DataClass.Value(data_class),
    )
    tensor = TensorProto(
        dtype="DT_STRING",
        string_val=strings,
        tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=len(strings))]),
    )
    return Summary(value=[Summary.Value(tag=tag, tensor=tensor, metadata=metadata)])


def require_tensorboard() -> None:
    """Check that TensorBoard is there and new enough.

    Raises:
        DependencyError: it is missing or older than `OLDEST_TENSORBOARD`.
    """
    wanted = ".".join(map(str, OLDEST_TENSORBOARD))
    try:
        found = version("tensorboard")
    except PackageNotFoundError as error:
        raise DependencyError(
            f"TensorBoard is not installed; rlmonitor needs tensorboard>={wanted}"
        ) from error
    if tuple(int(part) for part in re.findall(r"\d+", found)[:2]) < OLDEST_TENSORBOARD:
        raise DependencyError(
            f"TensorBoard {found} is too old; try: pip install 'tensorboard>={wanted}'"
        )


def logger_writer(logger: Logger) -> SummaryWriter | None:
    """The TensorBoard writer of stable-baselines3's logger, None where it has none."""
    from stable_baselines3.common.logger import TensorBoardOutputFormat

    for output in logger.output_formats:
        if isinstance(output, TensorBoardOutputFormat):
            return output.writer
    return None


def _own_writer(directory: Path) -> SummaryWriter:
    from torch.utils.tensorboard import SummaryWriter

    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError("no permission to write there")
        return SummaryWriter(str(directory))
    except OSError as error:
        raise StoreError(
            f"cannot write TensorBoard's event file in {str(directory)!r}: {error}; "
            "choose a folder that can be written"
        ) from error
