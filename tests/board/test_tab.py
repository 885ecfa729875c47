"""The tab's server, asked as a browser would, over event files that a writer wrote."""

import argparse
import json
import subprocess
import sys

import pytest
from tensorboard.backend import application
from tensorboard.backend.event_processing.data_ingester import LocalDataIngester
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.errors import NotFoundError
from tensorboard.plugins.core.core_plugin import CorePluginLoader
from werkzeug.test import Client

from rlmonitor.board import BoardWriter, plugin, tab
from rlmonitor.board.page_data import EVENTS, FORMAT, KEPT, PARTS, PICTURES, ROUND, ROUNDS, dump

PREFIX = "/data/plugin/rlmonitor"
HEADER = json.dumps({"format": FORMAT, "arrays": []}).encode()


def write(folder, timesteps, text=None):
    writer = BoardWriter.open(None, folder)
    for step in timesteps:
        record = {"format": FORMAT, "timestep": step, "values": {"value/share/ball": step / 100}}
        writer.part(PARTS["clip"], [HEADER, b"screen %d" % step], step)
        writer.record(ROUND, text or dump(record), step)
    told = {"kind": "onset", "text": "The ball!", "evidence": {"share": 0.5}}
    writer.record(EVENTS, dump({"format": FORMAT, "timestep": 10, "events": [told]}), 10)
    writer.close()


def flags(logdir):
    loader = CorePluginLoader()
    parser = argparse.ArgumentParser()
    loader.define_flags(parser)
    parsed = parser.parse_args(["--logdir", str(logdir), "--reload_interval", "0"])
    loader.fix_flags(parsed)
    plugin.StrategiesLoader().fix_flags(parsed)
    return parsed


def serve(logdir):
    given = flags(logdir)
    ingester = LocalDataIngester(given)
    ingester.deprecated_multiplexer.AddRunsFromDirectory(str(logdir))
    ingester.deprecated_multiplexer.Reload()
    loaders = [CorePluginLoader(), plugin.StrategiesLoader()]
    return Client(application.TensorBoardWSGIApp(given, loaders, ingester.data_provider))


@pytest.fixture
def client(tmp_path):
    write(tmp_path / "a", (10, 20))
    return serve(tmp_path)


def get(client, path, **headers):
    return client.get(PREFIX + path, headers=headers)


def active(client):
    return client.get("/data/plugins_listing").json["rlmonitor"]["enabled"]


def test_runs_and_their_rounds(client):
    assert active(client)
    (run,) = get(client, "/runs").json["runs"]
    assert run["name"] == "a"
    index = get(client, "/run?run=a").json
    assert index["timesteps"] == [10, 20]
    assert index["values"] == {"value/share/ball": [0.1, 0.2]}
    assert [each["text"] for each in index["events"]] == ["The ball!"]
    assert list(index["parts"]["clip"]) == ["10", "20"]


def test_parts_may_be_kept_because_their_address_changes_with_them(client):
    key = get(client, "/run?run=a").json["parts"]["clip"]["20"]
    address = f"/part?run=a&part=clip&timestep=20&key={key}&i="
    header = get(client, f"{address}0")
    assert header.json["format"] == FORMAT
    blob = get(client, f"{address}1")
    assert blob.data == b"screen 20"
    assert "immutable" in blob.headers["Cache-Control"]
    assert get(client, "/runs").headers["Cache-Control"].startswith("no-cache")
    assert get(client, address.replace(key, "1.0") + "1").status_code == 404


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("/run?run=b", 404, "no run 'b'"),
        ("/run?run=../a", 404, "no run '../a'"),
        ("/run", 400, "no 'run'"),
        ("/part?run=a&part=../round&timestep=20&key=1&i=0", 404, "known: clip, probe, play"),
        ("/part?run=a&part=clip&timestep=15&key=1&i=0", 404, "holds no clip of 'a'"),
        ("/part?run=a&part=clip&timestep=20&key=1&i=99", 404, "holds no clip"),
        ("/part?run=a&part=clip&timestep=-1&key=1&i=0", 400, "timestep='-1'"),
        ("/part?run=../../etc&part=clip&timestep=20&key=1&i=0", 404, "holds no clip"),
    ],
)
def test_what_is_not_there_is_refused_with_a_sentence(client, path, code, said):
    answer = get(client, path)
    assert answer.status_code == code
    assert said in answer.json["error"]


@pytest.mark.parametrize("path", ["/index.js/../plugin.py", "/static/index.js", "/..%2Ftab.py"])
def test_no_other_file_is_served(client, path):
    assert get(client, path).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}],
)
def test_other_origins_are_refused(client, headers):
    for path in ("/runs", "/run?run=a", "/index.js"):
        assert get(client, path, **headers).status_code == 403
    assert get(client, "/runs", Origin="http://localhost").status_code == 200


def test_the_tab_is_there_only_where_there_are_data(tmp_path):
    writer = BoardWriter.open(None, tmp_path / "old")
    writer.scalars({"value/entropy": 0.5}, 1)
    writer.close()
    client = serve(tmp_path)
    assert not active(client)
    assert get(client, "/runs").json == {"runs": []}


def test_records_that_cannot_be_read_are_told_and_the_rest_is_shown(tmp_path):
    write(tmp_path / "a", (10,))
    write(tmp_path / "later", (10, 20), text=json.dumps({"format": 99}))
    client = serve(tmp_path)
    later = get(client, "/run?run=later").json
    assert later["timesteps"] == []
    assert "format 99" in later["problems"][0]
    assert get(client, "/run?run=a").json["timesteps"] == [10]


def test_a_torn_event_file_is_read_up_to_its_tear(tmp_path):
    write(tmp_path / "a", (10, 20))
    (path,) = (tmp_path / "a").glob("*tfevents*")
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"screen 20") + 4])
    index = get(serve(tmp_path), "/run?run=a").json
    assert index["timesteps"] == [10]


def test_all_rounds_stay_and_sixty_of_their_pictures(tmp_path):
    write(tmp_path / "a", range(0, 3000, 10))
    index = get(serve(tmp_path), "/run?run=a").json
    assert len(index["timesteps"]) == 300
    assert len(index["parts"]["clip"]) == 60
    assert "2990" in index["parts"]["clip"]


def test_a_flag_of_the_users_wins():
    given = argparse.Namespace(samples_per_plugin={PICTURES: 5, "images": 3})
    plugin.StrategiesLoader().fix_flags(given)
    assert given.samples_per_plugin == {ROUNDS: KEPT[ROUNDS], PICTURES: 5, "images": 3}


def test_a_tab_that_cannot_be_loaded_leaves_tensorboard_alone(tmp_path, monkeypatch):
    def broken(context):
        raise ImportError("something is missing")

    monkeypatch.setattr(tab, "StrategiesTab", broken)
    write(tmp_path / "a", (10,))
    client = serve(tmp_path)
    assert "rlmonitor" not in client.get("/data/plugins_listing").json
    plugin.StrategiesLoader().fix_flags(argparse.Namespace())  # a TensorBoard without that flag


def test_neither_torch_nor_images_are_imported_by_the_tab():
    code = (
        "import sys, rlmonitor.board.plugin, rlmonitor.board.tab;"
        "print({'torch', 'cv2', 'PIL', 'zarr', 'stable_baselines3'} & set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "set()"


def test_a_record_with_what_json_has_not_is_told_and_the_rest_is_shown(tmp_path):
    record = {"format": FORMAT, "timestep": 10, "values": {"value/entropy": float("nan")}}
    write(tmp_path / "a", (10,), text=json.dumps(record))
    write(tmp_path / "a", (20,))
    answer = get(serve(tmp_path), "/run?run=a")
    index = json.loads(answer.data, parse_constant=pytest.fail)
    assert index["timesteps"] == [20]
    assert "damaged" in index["problems"][0]


def test_a_picture_dropped_since_the_index_was_read_is_told(tmp_path, monkeypatch):
    write(tmp_path / "a", (10,))
    client = serve(tmp_path)
    key = get(client, "/run?run=a").json["parts"]["clip"]["10"]

    def dropped(self, ctx, *, blob_key):
        raise NotFoundError(blob_key)

    monkeypatch.setattr(MultiplexerDataProvider, "read_blob", dropped)
    answer = get(client, f"/part?run=a&part=clip&timestep=10&key={key}&i=0")
    assert answer.status_code == 404
    assert "keeps those of 60 rounds" in answer.json["error"]
