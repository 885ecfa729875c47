"""The proof that kills cost nothing finds faults where they are; a short run of it finds none."""

import shutil
from pathlib import Path

import kills
import pytest
from torch.utils.tensorboard import SummaryWriter


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run_dir = tmp_path_factory.mktemp("runs") / "run"
    assert kills.kill_and_resume(run_dir, 3)["faults"] == []
    return run_dir


@pytest.mark.slow
def test_kill_9_leaves_every_point_once_in_both_loaders(killed: Path) -> None:
    assert kills.faults(killed) == []
    assert kills.fast_steps(killed, kills.slow_steps(killed)) == kills.slow_steps(killed)


@pytest.mark.slow
def test_a_doubled_point_and_a_round_without_checkpoint_are_found(
    killed: Path, tmp_path: Path
) -> None:
    run_dir = tmp_path / "run"
    shutil.copytree(killed, run_dir)
    with SummaryWriter(str(run_dir)) as writer:
        writer.add_scalar("value/entropy", 0.5, 0)
    (run_dir / "checkpoints" / "0000000.safetensors").unlink()
    found = kills.faults(run_dir)
    assert any("slow value/entropy" in each for each in found)
    assert any("round 0 is there before its checkpoint" in each for each in found)
