import subprocess
import sys
from pathlib import Path

from rlmonitor.board.watch import watch_command


def place_tensorboard(folder):
    folder.mkdir(parents=True)
    program = folder / "tensorboard"
    program.write_text("#!/bin/sh\necho it ran with $*\n")
    program.chmod(0o755)
    return folder / "python"


def test_the_command_runs_whether_the_environment_is_active_or_not(tmp_path, monkeypatch):
    python = place_tensorboard(tmp_path / ".venv" / "bin")
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.chdir(tmp_path)
    for path in ("/usr/bin:/bin", f"{python.parent}:/usr/bin:/bin"):
        monkeypatch.setenv("PATH", path)
        command = watch_command(Path("runs/one"))
        said = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
        assert said.stdout == "it ran with --logdir runs\n"
    assert command == "tensorboard --logdir runs"


def test_another_environments_tensorboard_on_the_path_is_not_taken(tmp_path, monkeypatch):
    mine, other = (place_tensorboard(tmp_path / name / "bin") for name in ("mine", "other"))
    monkeypatch.setattr(sys, "executable", str(mine))
    monkeypatch.setenv("PATH", str(other.parent))
    assert watch_command(Path("runs/one")).startswith(str(mine.parent))
