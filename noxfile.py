"""Every supported version of Python, with the oldest and the newest packages: ``make matrix``.

It takes hours and some GB a session, so it is no part of what runs before each change. One session
alone: ``nox -s "tests-3.13(versions='oldest')"``. ``UV_TORCH_BACKEND=cpu`` takes torch without GPU.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

HERE = Path(__file__).parent
PYTHONS = ("3.11", "3.12", "3.13")
EXTRAS = "contrib,distributed,export,minari,video"
RESOLUTION = {"oldest": "lowest-direct", "newest": "highest"}

nox.options.default_venv_backend = "uv"
os.environ.setdefault("OMP_NUM_THREADS", "1")


@nox.session(python=PYTHONS)
@nox.parametrize("versions", list(RESOLUTION))  # nox takes a dict for one value
def tests(session: nox.Session, versions: str) -> None:
    """All tests; arguments after ``--`` are pytest's."""
    session.install("--resolution", RESOLUTION[versions], "-e", f".[{EXTRAS}]")
    session.install("-e", ".", "--group", "test", "--group", "check")
    session.install("--no-deps", "zennit", "corelay")
    session.run("rlmonitor", "doctor")
    session.run("pytest", "--numprocesses", "2", "--dist", "loadfile", *session.posargs)


@nox.session(python=PYTHONS)
def wheel(session: nox.Session) -> None:
    """The wheel alone in an empty environment, away from the checkout: command and README."""
    folder = Path(session.create_tmp())
    session.run("uv", "build", "--quiet", "--wheel", "--out-dir", str(folder), external=True)
    (built,) = folder.glob("rlmonitor-*.whl")
    session.install(str(built))
    session.chdir(folder)
    session.run("rlmonitor", "doctor")
    session.run("rlmonitor", "demo", "--timesteps", "2000", "--no-progress")
    session.install("pytest")
    session.run(
        "pytest", "-c", f"{HERE}/pyproject.toml", f"{HERE}/tests/test_readme.py", "-k", "code_runs"
    )


@nox.session(python=PYTHONS[0])
def types(session: nox.Session) -> None:
    """What pyright's strict mode sees of our types in programs of other people."""
    session.install(".", "pyright[nodejs]")
    folder = Path(session.create_tmp())
    shutil.copytree(HERE / "tests" / "programs", folder, dirs_exist_ok=True)
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    session.chdir(folder)
    session.run("pyright")
