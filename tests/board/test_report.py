"""The report holds what the tab would fetch, and asks nothing of anybody."""

import base64
import json
import re
import zlib

import numpy as np
import pytest

from rlmonitor.board import BoardWriter
from rlmonitor.board.page_arrays import pack_indices, pack_relevance
from rlmonitor.board.page_data import EVENTS, FORMAT, PARTS, ROUND, dump
from rlmonitor.board.report import write_report
from rlmonitor.cli import main
from rlmonitor.errors import ConfigurationError


def write(folder, timesteps):
    rng = np.random.default_rng(0)
    writer = BoardWriter.open(None, folder)
    for step in timesteps:
        packed = [
            pack_indices("screen", rng.integers(0, 2, (8, 30, 30), np.uint8)),
            pack_relevance("relevance/q", rng.normal(size=(8, 84, 84)).astype(np.float32)),
            pack_relevance("stack/q", rng.normal(size=(8, 4, 42, 42)).astype(np.float32)),
        ]
        header = {"format": FORMAT, "arrays": [each.about for each in packed]}
        blobs = [dump(header).encode(), *(each.data for each in packed)]
        writer.part(PARTS["clip"], blobs, step)
        record = {"format": FORMAT, "timestep": step, "values": {"x": step / 2}}
        writer.record(ROUND, dump(record), step)
    told = {"kind": "onset", "text": "</script><b>It began", "evidence": {}}
    writer.record(EVENTS, dump({"format": FORMAT, "timestep": 10, "events": [told]}), 10)
    writer.close()


def data_of(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="rlmonitor-data">(.*?)</script>', text, re.DOTALL)[1])


def test_a_report_holds_numbers_events_and_pictures_without_the_stack(tmp_path):
    write(tmp_path / "a", (10, 20))
    write(tmp_path / "b", (10,))
    size = write_report([tmp_path / "a", tmp_path / "b"], tmp_path / "report.html")
    assert size == (tmp_path / "report.html").stat().st_size
    data = data_of(tmp_path / "report.html")
    assert [run["name"] for run in data["runs"]] == ["a", "b"]
    assert data["indexes"]["a"]["values"] == {"x": [5.0, 10.0]}
    assert data["indexes"]["a"]["events"][0]["text"] == "</script><b>It began"
    assert data["indexes"]["a"]["parts"]["clip"] == {"10": "0", "20": "0"}
    header, screen, relevance = map(base64.b64decode, data["parts"]['["a","clip",20]'])
    assert [each["name"] for each in json.loads(header)["arrays"]] == ["screen", "relevance/q"]
    assert len(zlib.decompress(screen)) == 8 * 30 * 30
    assert np.abs(np.frombuffer(zlib.decompress(relevance), np.int8)).max() == 31


def test_the_page_in_it_may_ask_nothing(tmp_path):
    write(tmp_path / "a", (10,))
    write_report([tmp_path / "a"], tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert text.count("</script>") == 2
    assert not re.search(r"<(link|img|iframe)|src=", text)


def test_a_report_that_would_be_too_large_gets_fewer_levels_then_fewer_rounds(tmp_path):
    write(tmp_path / "a", range(10, 90, 10))
    run, out = [tmp_path / "a"], tmp_path / "report.html"
    whole = write_report(run, out)
    room = int(0.9 * whole)
    assert write_report(run, out, most_bytes=room) <= room
    header = json.loads(base64.b64decode(data_of(out)["parts"]['["a","clip",80]'][0]))
    assert header["arrays"][1]["levels"] < 31
    room = int(0.5 * whole)
    assert write_report(run, out, most_bytes=room) <= room
    kept = list(data_of(out)["indexes"]["a"]["parts"]["clip"])
    assert 0 < len(kept) < 8
    assert "80" in kept
    assert len(data_of(out)["indexes"]["a"]["timesteps"]) == 8


def test_one_round_that_is_too_large_is_shown_all_the_same(tmp_path):
    write(tmp_path / "a", (10,))
    write_report([tmp_path / "a"], tmp_path / "report.html", most_bytes=1)
    assert list(data_of(tmp_path / "report.html")["indexes"]["a"]["parts"]["clip"]) == ["10"]


def test_a_folder_without_rounds_says_what_would_work(tmp_path, capsys):
    with pytest.raises(ConfigurationError, match="holds no rounds for the page"):
        write_report([tmp_path], tmp_path / "report.html")
    with pytest.raises(SystemExit):
        main(["report", str(tmp_path), "-o", str(tmp_path / "report.html")])
    assert "holds no rounds" in capsys.readouterr().err


def test_rounds_without_event_files_and_folders_of_runs_are_told_apart(tmp_path):
    (tmp_path / "alone" / "rounds" / "10.zarr").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"1 rounds on disk.*events\.out\.tfevents"):
        write_report([tmp_path / "alone"], tmp_path / "report.html")
    write(tmp_path / "runs" / "a", (10,))
    with pytest.raises(ConfigurationError, match=r"name a run in it, such as .*runs/a"):
        write_report([tmp_path / "runs"], tmp_path / "report.html")


def test_the_command_says_where_and_how_large(tmp_path, capsys):
    run, out = str(tmp_path / "a"), tmp_path / "r.html"
    write(tmp_path / "a", (10,))
    with pytest.raises(SystemExit) as ended:
        main(["report", run, "-o", str(out)])
    assert ended.value.code == 0
    shown = capsys.readouterr()
    assert "r.html" in shown.out
    assert "2/2" in shown.err
    with pytest.raises(SystemExit):
        main(["report", run, "-o", str(out), "--json", "--no-progress"])
    shown = capsys.readouterr()
    told = {"report": str(out), "bytes": out.stat().st_size, "runs": [run]}
    assert json.loads(shown.out) == told
    assert not shown.err
