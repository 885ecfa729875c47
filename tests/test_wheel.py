"""What people get: the wheel's contents, the package out of it, its types in their programs."""

from __future__ import annotations

import email
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROGRAMS = sorted((ROOT / "tests" / "programs").glob("*.py"))

PROGRAM = """
from stable_baselines3 import DQN

from rlmonitor import StrategyMonitorCallback, attribute, network_of

model = DQN("CnnPolicy", "BreakoutNoFrameskip-v4")
relevance = attribute(network_of(model), model.observation_space.sample()[None])
reveal_type(relevance.map)
callback = StrategyMonitorCallback(every=50_000)
reveal_type(callback.every)
StrategyMonitorCallback(evry=50_000)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("rlmonitor-*-py3-none-any.whl")
    return path


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's package alone, outside the checkout."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def ran(site: Path, cwd: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """The outcome of a Python program that finds the unpacked wheel before the checkout."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={"PYTHONPATH": str(site), "MYPYPATH": "", "HOME": str(cwd), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=1200,
    )


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    package = [name for name in names if name.startswith("rlmonitor/")]
    rest = {name.split("/", 1)[-1] for name in names if not name.startswith("rlmonitor/")}
    assert rest == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    sources = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "rlmonitor").rglob("*")
        if path.is_file() and not {"__pycache__", "web"} & set(path.parts)
    ]
    assert sorted(package) == sorted(sources)
    assert {"rlmonitor/py.typed", "rlmonitor/board/static/index.js"} <= set(package)
    assert wheel.stat().st_size < 6_000_000


def test_its_metadata_name_the_command_the_plugin_and_the_page(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (points,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        text = archive.read(points).decode()
        described = email.message_from_bytes(
            archive.read(points.replace("entry_points.txt", "METADATA"))
        )
    assert "[console_scripts]\nrlmonitor = rlmonitor.cli:main" in text
    assert "[tensorboard_plugins]\nrlmonitor = rlmonitor.board.plugin:StrategiesLoader" in text
    assert described["Requires-Python"] == ">=3.11"
    assert described["License-Expression"] == "MIT"


def test_the_package_works_outside_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    code = "import rlmonitor; print(rlmonitor.__file__)"
    assert Path(ran(unpacked, tmp_path, "-c", code).stdout.strip()).is_relative_to(unpacked)
    told = ran(unpacked, tmp_path, "-m", "rlmonitor", "doctor")
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.slow
def test_mypy_sees_our_types_in_programs_of_theirs(unpacked: Path, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    for program in PROGRAMS:
        shutil.copy(program, tmp_path)
    names = ["program.py", *(program.name for program in PROGRAMS)]
    told = ran(unpacked, tmp_path, "-m", "mypy", "--strict", "--cache-dir", "cache", *names)
    assert len(PROGRAMS) == 4
    assert told.returncode == 1, told.stdout + told.stderr
    notes = [line.split(": ", 1)[-1] for line in told.stdout.splitlines()]
    assert notes[0] == 'note: Revealed type is "torch._tensor.Tensor"'
    assert notes[1] == 'note: Revealed type is "int | None"'
    assert notes[2].startswith('error: Unexpected keyword argument "evry"')
    assert notes[-1].startswith("Found 1 error")
