"""``rlmonitor evaluate`` as people run it, on the networks that the repository carries."""

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from rlmonitor.cli import main

CHECKPOINTS = Path(__file__).parents[1] / "agents" / "breakout-short" / "checkpoints"
LATE = CHECKPOINTS / "0800000.safetensors"
SMALL = ["--frames", 8, "--methods", "epsilon,gradient,random", "--metrics", "flipping,sensitivity"]


def run(*arguments):
    """Exit code of the command in this process."""
    try:
        main([str(each) for each in arguments])
    except SystemExit as end:
        return end.code or 0
    raise AssertionError("the command must exit")


def test_it_prints_a_table_and_writes_its_numbers_and_picture(tmp_path, capsys):
    early = CHECKPOINTS / "0050000.safetensors"
    options = ["--env", "BreakoutNoFrameskip-v4", *SMALL, "--out", tmp_path, "--no-progress"]
    assert run("evaluate", early, LATE, *options) == 0
    shown = capsys.readouterr().out
    networks = "breakout-short/0050000", "breakout-short/0800000"
    for name in ("epsilon", "gradient", "random", *networks):
        assert name in shown
    with (tmp_path / "evaluation.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert len(table) == 2 * 3 * 2
    assert {row["checkpoint"] for row in table} == {str(early), str(LATE)}
    for row in table:
        assert float(row["low"]) <= float(row["mean"]) <= float(row["high"])
    found = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert [each["checkpoint"] for each in found["checkpoints"]] == [str(early), str(LATE)]
    text = (tmp_path / "evaluation.md").read_text(encoding="utf-8")
    assert "| `epsilon` | LRP |" in text
    with Image.open(tmp_path / "evaluation.png") as image:
        image.load()
        assert image.format == "PNG"


def test_json_is_all_that_stands_on_stdout_and_can_be_repeated(capsys):
    small = ["--frames", 8, "--methods", "epsilon,random", "--metrics", "survival,sensitivity"]
    options = ["--env", "breakout", *small, "--json", "--target", "advantage", "--no-progress"]
    printed = []
    for _ in range(2):
        assert run("evaluate", LATE, *options) == 0
        printed.append(json.loads(capsys.readouterr().out))
    first, again = (each["checkpoints"][0] for each in printed)
    assert first["scores"] == again["scores"]
    assert printed[0]["settings"]["target"] == "advantage"
    scores = {(row["method"], row["metric"]): row for row in first["scores"]}
    assert scores["random", "sensitivity"]["mean"] == pytest.approx(1)  # it knows no action
    assert scores["epsilon", "survival"]["mean"] > scores["random", "survival"]["mean"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.safetensors"], "nowhere.safetensors is no file"),
        ([LATE, "--methods", "epsilom"], "did you mean 'epsilon'?"),
        ([LATE, "--metrics", "fliping"], "did you mean 'flipping'?"),
        ([LATE, "--methods", ","], "give one method"),
        ([LATE, "--target", "advantag"], "did you mean 'advantage'?"),
        ([LATE, "--frames", 2], "frames = 2: expected 8 or more"),
        ([LATE, "--seed", -1], "expected 1 or more, and 0 or more"),
        ([LATE, "--threads", 0], "threads = 0: expected 1 or more"),
        ([LATE, "--env", "PongNoFrameskip-v4"], "plays 'breakout', not 'PongNoFrameskip-v4'"),
    ],
)
def test_an_error_is_one_line_that_says_what_would_work(arguments, said, capsys):
    if "--env" not in arguments:
        arguments = [*arguments, "--env", "BreakoutNoFrameskip-v4"]
    assert run("evaluate", *arguments, "--no-progress") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert said in line
