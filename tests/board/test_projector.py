"""The projector's files, read back as TensorBoard reads them."""

import io

import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from rlmonitor.board.projector import KEPT, discard_embeddings_after, write_embedding
from rlmonitor.errors import ObservationError

RNG = np.random.default_rng(0)


def embedding(n=5, height=6, width=4):
    thumbnails = RNG.integers(0, 256, (n, height, width, 3), np.uint8)
    columns = {"strategy": [f"ball\t{i}" for i in range(n)], "frame": list(range(n))}
    return RNG.normal(size=(n, 2)), columns, thumbnails


def configuration(folder):
    text = (folder / "projector_config.pbtxt").read_text()
    return text_format.Parse(text, ProjectorConfig()).embeddings


def test_what_is_listed_holds_points_columns_and_thumbnails(tmp_path):
    points, columns, thumbnails = embedding()
    write_embedding(tmp_path, 50_000, points, columns, thumbnails)
    (listed,) = configuration(tmp_path)
    assert listed.tensor_name == "latest strategies at 50,000 timesteps"
    found = np.loadtxt(tmp_path / listed.tensor_path)
    np.testing.assert_allclose(found[:, :2], points, rtol=1e-5)
    assert found.shape == (5, 3)  # two coordinates alone show nothing in the tab
    assert not found[:, 2].any()
    rows = [line.split("\t") for line in (tmp_path / listed.metadata_path).read_text().splitlines()]
    assert rows == [["strategy", "frame"], *([f"ball {i}", str(i)] for i in range(5))]
    assert list(listed.sprite.single_image_dim) == [4, 6]  # width, height
    with Image.open(tmp_path / listed.sprite.image_path) as image:
        sprite = np.asarray(image)
    assert sprite.shape == (3 * 6, 3 * 4, 3)
    for i, thumbnail in enumerate(thumbnails):  # from the left, then from the top
        top, left = 6 * (i // 3), 4 * (i % 3)
        np.testing.assert_array_equal(sprite[top : top + 6, left : left + 4], thumbnail)


def test_one_column_has_no_header(tmp_path):
    points, columns, thumbnails = embedding(2)
    write_embedding(tmp_path, 0, points, {"frame": columns["frame"]}, thumbnails)
    assert (tmp_path / configuration(tmp_path)[0].metadata_path).read_text() == "0\n1\n"


def test_the_latest_rounds_stay_the_newest_first(tmp_path):
    for timestep in range(KEPT + 3):
        write_embedding(tmp_path, timestep, *embedding())
    write_embedding(tmp_path, KEPT + 2, *embedding(7))  # the same round again
    names = [each.tensor_name for each in configuration(tmp_path)]
    expected = [f"strategies at {t} timesteps" for t in range(KEPT + 1, 2, -1)]
    assert names == [f"latest strategies at {KEPT + 2} timesteps", *expected]
    assert sorted(names)[0] == names[0]  # which is how the tab chooses
    assert len(list((tmp_path / "projector").iterdir())) == KEPT
    assert len(np.loadtxt(tmp_path / configuration(tmp_path)[0].tensor_path)) == 7


def test_a_resumed_training_drops_what_lies_past_it(tmp_path):
    discard_embeddings_after(tmp_path, 0)  # nothing there yet
    for timestep in (0, 50, 100):
        write_embedding(tmp_path, timestep, *embedding())
    discard_embeddings_after(tmp_path, 50)
    names = [each.tensor_name for each in configuration(tmp_path)]
    assert names == ["latest strategies at 50 timesteps", "strategies at 0 timesteps"]
    assert len(list((tmp_path / "projector").iterdir())) == 2


@pytest.mark.parametrize("n", [1, 2, 4, 5, 9, 10])
def test_the_sprite_is_square_whatever_the_number(tmp_path, n):
    write_embedding(tmp_path, 0, *embedding(n, 3, 3))
    data = (tmp_path / configuration(tmp_path)[0].sprite.image_path).read_bytes()
    with Image.open(io.BytesIO(data)) as image:
        assert image.width == image.height
        assert (image.width // 3) ** 2 >= n > (image.width // 3 - 1) ** 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"points": np.zeros((0, 2))}, r"1 to 2,000 points.*\[0, 2\]"),
        ({"points": np.zeros((2_001, 2))}, "2,000"),
        ({"points": np.zeros(5)}, r"\[5\]"),
        ({"columns": {"frame": [1]}}, "column 'frame' has 1 of 5 values"),
        ({"thumbnails": np.zeros((4, 6, 4, 3), np.uint8)}, r"\[5, H, W, 3\]"),
        ({"thumbnails": np.zeros((5, 6, 4), np.uint8)}, r"\[5, H, W, 3\]"),
        ({"thumbnails": np.zeros((5, 4_000, 4, 3), np.uint8)}, "12000 pixels.*8192"),
    ],
)
def test_what_the_tab_cannot_show_is_refused(tmp_path, change, words):
    points, columns, thumbnails = embedding()
    given = {"points": points, "columns": columns, "thumbnails": thumbnails} | change
    with pytest.raises(ObservationError, match=words):
        write_embedding(tmp_path, 0, **given)
    assert not list(tmp_path.iterdir())
