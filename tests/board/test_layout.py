import re

from rlmonitor.board import tags
from rlmonitor.board.layout import board_layout


def charts(layout, chart):
    """The patterns of all charts of a name, by category."""
    return {
        category: re.compile(content[chart][1][0])
        for category, content in layout.items()
        if chart in content
    }


def test_every_element_has_one_chart_in_each_category_of_elements():
    found = charts(board_layout(["ball", "paddle"]), "ball")
    assert len(found) == 5
    scopes = {tags.scope(target, source) for target in tags.QUESTIONS for source in tags.SOURCES}
    shown = {tag(scope, "ball") for scope in scopes for tag in (tags.share, tags.relative)}
    assert len(shown) == 12, "share and relative under six scopes"
    shown |= {tags.effect(scope, "ball") for scope in (tags.VALUE, tags.CHOICE)}
    shown |= {tags.action_changed("ball")}
    for tag in shown:
        assert sum(bool(pattern.match(tag)) for pattern in found.values()) == 1, tag


def test_nobody_takes_the_rest_away():
    found = charts(board_layout(["ball", "rest"]), "rest")
    assert len(found) == 4
    assert not any(pattern.match(tags.effect("value", "rest")) for pattern in found.values())


def test_a_chart_takes_its_own_curves_only():
    (pattern, *_) = charts(board_layout(["ball"]), "ball").values()
    assert pattern.match("value/relative/ball")
    for other in (
        "value/relative/ball_2",
        "value/relative_positive/ball",
        "probe_value/relative/ball",
        "xvalue/relative/ball",
    ):
        assert not pattern.match(other)


def test_dots_in_names_are_no_wildcards():
    (pattern, *_) = charts(board_layout(["a.b"]), "a.b").values()
    assert pattern.match("value/relative/a.b")
    assert not pattern.match("value/relative/axb")


def test_without_elements_the_rest_is_still_grouped():
    layout = board_layout([], stack=2)
    patterns = [chart[1][0] for content in layout.values() for chart in content.values()]
    assert any(re.match(p, "value/frame_share/t-1") for p in patterns)
    assert not any(re.match(p, "value/frame_share/t-2") for p in patterns)
    assert any(re.match(p, "monitor/overhead") for p in patterns)
    assert not any("share/" in p and "frame_share" not in p for p in patterns)
