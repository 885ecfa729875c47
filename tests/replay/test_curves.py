"""Event files cut at a timestep, as TensorBoard itself reads them afterwards."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from stable_baselines3.common.logger import Logger, TensorBoardOutputFormat
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from rlmonitor.board import BoardWriter
from rlmonitor.errors import StoreError
from rlmonitor.replay.curves import cut_curves


def write(run_dir: Path, steps: range) -> Path:
    with SummaryWriter(str(run_dir)) as writer:
        for step in steps:
            writer.add_scalar("loss", step / 2, step, walltime=1_000 + step)
        writer.add_text("note", "hello", steps[-1])
        return Path(writer.file_writer.event_writer._file_name)  # type: ignore[union-attr, attr-defined]


def points(run_dir: Path) -> list[tuple[int, float, float]]:
    loader = EventAccumulator(str(run_dir), purge_orphaned_data=False).Reload()
    return [(e.step, e.value, e.wall_time) for e in loader.Scalars("loss")]


def test_points_past_the_step_go_and_the_others_stay_as_they_were(tmp_path: Path) -> None:
    write(tmp_path, range(10))
    before = points(tmp_path)
    assert cut_curves(tmp_path, 6) == 4  # the points 7, 8, 9 and the text at 9
    assert points(tmp_path) == before[:7]
    assert cut_curves(tmp_path, 6) == 0
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("torn", [1, 20])
def test_a_torn_end_goes_too(torn: int, tmp_path: Path) -> None:
    path = write(tmp_path, range(10))
    path = path.rename(path.with_name("events.out.tfevents.1000000000.host.1.0"))
    path.write_bytes(path.read_bytes()[:-torn])
    cut_curves(tmp_path, 100)
    size = path.stat().st_size
    assert [step for step, *_ in points(tmp_path)] == list(range(10))
    assert not EventAccumulator(str(tmp_path)).Reload().Tags()["tensors"]
    cut_curves(tmp_path, 100)
    assert path.stat().st_size == size  # what is left is whole


def test_several_files_are_cut_and_subfolders_are_not(tmp_path: Path) -> None:
    write(tmp_path / "other", range(10))
    (tmp_path / "other").rename(tmp_path / "kept")
    first = write(tmp_path, range(5))
    first.rename(first.with_name("events.out.tfevents.1.a"))
    write(tmp_path, range(5, 10))
    cut_curves(tmp_path, 3)
    assert [step for step, *_ in points(tmp_path)] == [0, 1, 2, 3]
    assert len(points(tmp_path / "kept")) == 10


def test_a_tensorboard_that_is_running_forgets_what_was_cut(tmp_path: Path) -> None:
    earlier = write(tmp_path, range(10))
    earlier.rename(earlier.with_name("events.out.tfevents.1000000000.host.1.0"))  # file 100 < 99
    running = EventAccumulator(str(tmp_path)).Reload()
    output = TensorBoardOutputFormat(str(tmp_path))
    BoardWriter.open(Logger(None, [output]), None).mark_restart(7)
    output.write({"loss": 5.0}, {"loss": ()}, step=7)
    output.close()
    assert [e.step for e in running.Reload().Scalars("loss")] == [0, 1, 2, 3, 4, 5, 6, 7]


def test_a_run_that_goes_on_within_the_second_leaves_the_files_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(time.time())
    monkeypatch.setattr(time, "time", lambda: now + 0.5)
    (tmp_path / f"events.out.tfevents.{now}.host.9.0").touch()  # of a process of a later name
    cut_curves(tmp_path, 4)
    (left,) = tmp_path.glob("*tfevents*")
    assert left.name < f"events.out.tfevents.{now}.host.10.0"


def test_a_clock_that_was_set_back_leaves_the_files_in_order(tmp_path: Path) -> None:
    ahead = int(time.time()) + 3_600
    for number, steps in enumerate((range(3), range(3, 6))):
        path = write(tmp_path, steps)
        path.rename(path.with_name(f"events.out.tfevents.{ahead + number}.host.1.0"))
    cut_curves(tmp_path, 4)
    write(tmp_path, range(5, 8))  # an hour earlier by the clock
    assert [step for step, *_ in points(tmp_path)] == list(range(8))
    stamps = [int(path.name.split(".")[3]) for path in sorted(tmp_path.iterdir())]
    assert stamps[0] < stamps[1] < stamps[2] <= time.time()


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    write(tmp_path, range(3))
    (tmp_path / ".curves.tmp").mkdir()
    with pytest.raises(StoreError, match=r"the curves in .* cannot be cut: .*Is a directory"):
        cut_curves(tmp_path, 1)
    assert len(points(tmp_path)) == 3
