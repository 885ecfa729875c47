import pytest

from rlmonitor.board import tags
from rlmonitor.errors import ConfigurationError, UnknownNameError


def test_the_tags_of_the_table():
    value, choice = tags.scope("q"), tags.scope("advantage")
    probe, random = tags.scope("q", tags.PROBE), tags.scope("advantage", tags.RANDOM)
    assert tags.share(value, "ball") == "value/share/ball"
    assert tags.relative(choice, "paddle") == "choice/relative/paddle"
    assert tags.relative(value, "ball", "negative") == "value/relative_negative/ball"
    assert tags.relative(probe, "tunnel") == "probe_value/relative/tunnel"
    assert tags.relative(random, "ball") == "random_choice/relative/ball"
    assert tags.context(value) == "value/context"
    assert tags.entropy(choice) == "choice/entropy"
    assert [tags.frame_share(value, frame, 4) for frame in range(4)] == [
        f"value/frame_share/{age}" for age in ("t-3", "t-2", "t-1", "t")
    ]
    assert tags.frame_share(value, 0, 1) == "value/frame_share/t"
    assert tags.faithfulness("random_network") == "faithfulness/random_network"


def test_other_targets_go_by_their_name():
    assert tags.scope("logit", tags.PROBE) == "probe_logit"


@pytest.mark.parametrize("name", ["", "a/b", "two words", "ä", "x\n"])
def test_names_that_would_break_a_tag_are_refused(name):
    with pytest.raises(ConfigurationError, match="TensorBoard tag"):
        tags.share("value", name)
    with pytest.raises(ConfigurationError, match="TensorBoard tag"):
        tags.scope(name)


def test_unknown_names_get_the_nearest_known():
    with pytest.raises(UnknownNameError, match="did you mean 'probe'"):
        tags.scope("q", "prob")
    with pytest.raises(UnknownNameError, match="did you mean 'random_network'"):
        tags.faithfulness("random_net")
    with pytest.raises(UnknownNameError, match="did you mean 'positive'"):
        tags.relative("value", "ball", "positiv")
