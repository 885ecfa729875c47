"""`rlmonitor doctor`: what works is said to work, planted faults are found with their remedy."""

from __future__ import annotations

import json
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from test_cli import run

from rlmonitor import installation
from rlmonitor.installation import State, extra, package, tried


def test_an_installation_that_runs_these_tests_works(capsys):
    assert run("doctor", "--json") == 0
    parts = {part["name"]: part for part in json.loads(capsys.readouterr().out)}
    assert {part["state"] for part in parts.values()} <= {"works", "optional"}
    assert parts["torch"]["found"] == metadata.version("torch")
    assert set(parts) > {"emulator", "relevance", "event files", "Strategies tab", "device"}


def test_what_is_broken_is_told_in_the_table_and_by_the_exit_code(capsys, monkeypatch):
    def no_plugin(group):
        return metadata.EntryPoints()

    monkeypatch.setattr(metadata, "entry_points", no_plugin)
    assert run("doctor") == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "Strategies tab broken" in shown
    assert "1 of " in shown


@pytest.mark.parametrize(
    ("wanted", "state", "remedy"),
    [
        ("numpy>=2", State.WORKS, ""),
        ("numpy>=900", State.BROKEN, "pip install 'numpy>=900'"),
        ("no-such-package>=1", State.BROKEN, "pip install 'no-such-package>=1'"),
    ],
)
def test_versions_are_held_against_what_is_needed(wanted, state, remedy):
    part = package(Requirement(wanted))
    assert (part.state, part.remedy) == (state, remedy)


def test_the_headless_opencv_does_as_well(monkeypatch):
    versions = {"opencv-python-headless": "5.0"}
    monkeypatch.setattr(installation, "_version", versions.get)
    assert package(Requirement("opencv-python>=4.10")).state is State.WORKS
    versions.clear()
    assert package(Requirement("opencv-python>=4.10")).state is State.BROKEN


def test_an_extra_that_is_not_installed_is_no_fault(monkeypatch):
    monkeypatch.setattr(installation, "_version", lambda name: None)
    part = extra("video", "MP4")
    assert part.state is State.OPTIONAL
    assert part.remedy == "pip install 'rlmonitor[video]'"


def test_every_extra_has_its_purpose():
    stated = set(metadata.metadata("rlmonitor").get_all("Provides-Extra") or ())
    assert set(installation.EXTRAS) >= stated


def test_whatever_a_part_raises_is_what_is_wrong():
    def fails():
        raise MemoryError("none left")

    assert tried("part", fails, "buy more").found == "MemoryError: none left"
