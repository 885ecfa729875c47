"""A round's strategies in one picture: a PNG for TensorBoard's Images tab.

A block for each strategy: its number and name, its part of the frames, what became of it in this
round, the elements that its relevance lies on, its mean map, its typical frames, and what puts the
first of them into it. TensorBoard's cards shrink the picture to less than half its width: names
stay legible there, the rest after a click.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rlmonitor.board.canvas import Canvas, Palette, blank, fill, fit_text, rgb, text_width, write
from rlmonitor.board.overlay import relevance_scale, scale_of_colours
from rlmonitor.board.picture import Theme
from rlmonitor.board.round_clips import title_of
from rlmonitor.board.still import LEVELS, Rgb, Stills, prepare_stills, scale_of_glow
from rlmonitor.errors import StoreError
from rlmonitor.round import Round, Strategies
from rlmonitor.strategy.explanation import Explanation
from rlmonitor.strategy.spray import Cluster
from rlmonitor.strategy.timeline import Change, Strategy

STRATEGY_COLOURS = tuple(
    rgb(code)
    for code in (
        *("#4477aa", "#ee6677", "#228833", "#ccaa33", "#55bbdd"),
        *("#aa3377", "#7a6a53", "#9988dd", "#77aa55", "#dd8844"),
    )
)
"""By a strategy's number, in turn; those of the Strategies page."""

PANEL = (160, 210)
"""Width and height that a screen is fitted into: an Atari's, pixel by pixel."""
NARROWEST = 140
"""Of a panel's column: its caption needs room."""
MARGIN, GAP, COLUMNS = 20, 12, 5
HEADER, TITLE, NOTE, BAR, CAPTION, BLOCK_GAP, FOOTER = 100, 52, 32, 52, 26, 32, 38
LARGE, MIDDLE, SMALL = 38, 23, 17
LEGEND = 66
REASON = "why it is here"
"""Over the map of what puts the most typical frame into its strategy."""
NEW = "new: red, gone: blue"
"""Over the map of what sets the newest frame apart from all strategies so far."""
LEAST_NAMED = 0.005
"""Elements below this part of the relevance have no name under the bar."""

PNG = [cv2.IMWRITE_PNG_COMPRESSION, 3]
"""Plain rows, where OpenCV (4.11 and newer) lets choose: a third of the time that looking for the
best of five filters takes, and smaller, because most pixels equal their neighbours."""
if hasattr(cv2, "IMWRITE_PNG_FILTER"):
    PNG += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE]


@dataclass(frozen=True)
class Block:
    """What is drawn of one strategy.

    Attributes:
        title: number and name.
        figure: at the title's right end.
        note: what became of it.
        colour: index in the palette.
        profile: element to share; empty where there is no bar.
        panels: caption and picture.
    """

    title: str
    figure: str
    note: str
    colour: int
    profile: Mapping[str, float]
    panels: Sequence[tuple[str, Rgb]]


def strategy_overview(found: Round) -> bytes | None:
    """The picture of a round's strategies as a PNG; None where there are none."""
    own = found.strategies
    if own is None or not own.found.clusters:
        return None
    palette = Palette()
    theme = Theme(palette, tuple(found.play.recording.masks))
    stills = prepare_stills(found.play.recording.screen[_shown(own)], PANEL)
    blocks = [*_blocks(found, own, palette, stills), *_newest(found, own, theme, stills)]
    pictures, canvas = _drawn(blocks, _header(found, own), _gone(own), theme)
    pictures += _legend(canvas, theme)
    image = palette.coloured(canvas)
    for x, y, picture in pictures:
        image[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    done, encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), PNG)
    if not done:
        raise StoreError(f"a picture of {image.shape[1]} x {image.shape[0]} pixels makes no PNG")
    return encoded.tobytes()


def _header(found: Round, own: Strategies) -> tuple[str, str]:
    recording = found.play.recording
    asked = "decides by" if own.target == "advantage" else "values"
    count = len(own.found.clusters)
    strategies = f"{count} strateg{'y' if count == 1 else 'ies'}"
    gap = "" if own.found.eigengap is None else f"  ·  eigengap {own.found.eigengap:.2f}"
    return (
        f"{title_of(recording)}: {strategies} at {found.timestep:,}",
        f"{len(recording)} maps of what it {asked}, LRP {found.composite}{gap}",
    )


def _shown(own: Strategies) -> list[int]:
    """The typical frames of all clusters, then the newest one."""
    typical = _typical(own)
    return typical if own.novelty is None else [*typical, own.novelty.frame]


def _typical(own: Strategies) -> list[int]:
    return [frame for cluster in own.found.clusters for frame in cluster.typical]


def _blocks(found: Round, own: Strategies, palette: Palette, stills: Stills) -> list[Block]:
    clusters = own.found.clusters
    maps = found.play.relevance[own.target][_typical(own)].sum(axis=1, dtype=np.float32)
    maps /= relevance_scale(maps)
    known = {each.id: each for each in own.timeline.strategies}
    blocks, first = [], 0
    reasons = own.explanations or (None,) * len(clusters)
    for number, cluster, reason in zip(own.moment.ids, clusters, reasons, strict=True):
        strategy = known[number]
        places = range(first, first + len(cluster.typical))
        first += len(cluster.typical)
        blocks.append(
            Block(
                title=f"{number}: {strategy.name}",
                figure=f"{cluster.occupancy:.0%}",
                note=_note(own, strategy, cluster),
                colour=palette.add(STRATEGY_COLOURS[number % len(STRATEGY_COLOURS)]),
                profile=strategy.profile,
                panels=_panels(stills, cluster, maps, places, reason),
            )
        )
    return blocks


def _newest(found: Round, own: Strategies, theme: Theme, stills: Stills) -> list[Block]:
    """The frame whose map is newest to the strategies so far, and what is new about it."""
    novelty = own.novelty
    if novelty is None:
        return []
    place = len(stills.number) - 1
    own_map = found.play.relevance[own.target][novelty.frame].sum(axis=0, dtype=np.float32)
    return [
        Block(
            title="Newest frame",
            figure=f"{novelty.newest:.1f} times",
            note="as new to the strategies so far as maps of their own  ·  "
            f"all frames {novelty.score:.1f} times",
            colour=theme.bar,
            profile={},
            panels=[
                ("its map", stills.overlaid(place, own_map / relevance_scale(own_map))),
                (NEW, stills.overlaid(place, novelty.map / relevance_scale(novelty.map))),
            ],
        )
    ]


def _panels(
    stills: Stills,
    cluster: Cluster,
    maps: NDArray[np.float32],
    places: Sequence[int],
    reason: Explanation | None,
) -> list[tuple[str, Rgb]]:
    """The mean map over the most typical frame, the typical frames with their own maps, the reason.

    What puts the most typical frame into its strategy is drawn over that frame.
    """
    mean = cluster.mean_map / relevance_scale(cluster.mean_map)
    panels = [("mean map", stills.lit(places[0], mean))]
    panels += [("typical frame", stills.overlaid(place, maps[place])) for place in places]
    if reason is not None:
        panels.append(
            (REASON, stills.overlaid(places[0], reason.map / relevance_scale(reason.map)))
        )
    return panels


def _note(own: Strategies, strategy: Strategy, cluster: Cluster) -> str:
    """What became of a strategy in this round, and whether raw pixels give it as well."""
    known = own.timeline.strategies
    changes = sorted(own.moment.changes, key=lambda change: change.strategy != strategy.id)
    texts = (_said(change, strategy.id, known) for change in changes)
    said = [text for text in texts if text is not None]
    said = said or [f"known since timestep {strategy.born:,}"]
    if cluster.in_pixels:
        said.append("also found in raw pixels")
    return "  ·  ".join(said)


def _said(change: Change, number: int, known: Sequence[Strategy]) -> str | None:
    """A change in words, seen from a strategy that is there; None where it does not concern it."""
    if change.strategy == number:
        others = ", ".join(_named(known[i]) for i in change.other)
        return {
            "born": "born in this round",
            "split": f"split from {others}",
            "returned": "back in this round",
        }.get(change.kind)
    if change.kind == "merged" and number in change.other:
        return f"{_named(known[change.strategy])} merged into it"
    return None


def _gone(own: Strategies) -> list[str]:
    """Strategies that died in this round."""
    known = own.timeline.strategies
    return [
        f"{_named(known[change.strategy])} died in this round"
        for change in own.moment.changes
        if change.kind == "died"
    ]


def _named(strategy: Strategy) -> str:
    return f"{strategy.id}: {strategy.name}"


def _drawn(
    blocks: Sequence[Block], header: tuple[str, str], gone: Sequence[str], theme: Theme
) -> tuple[list[tuple[int, int, Rgb]], Canvas]:
    """Everything but the panels, and where each of them belongs: left, top, picture."""
    height, width = blocks[0].panels[0][1].shape[:2]
    column = max(width, NARROWEST)
    tops = np.cumsum([HEADER, *(_height(each, height) for each in blocks)]).tolist()
    whole = 2 * MARGIN + COLUMNS * column + (COLUMNS - 1) * GAP
    bottom = tops[-1]
    canvas = blank(bottom + NOTE * len(gone) + FOOTER, whole, theme.background)
    right = whole - MARGIN
    for text, size, baseline, ramp in (
        (header[0], LARGE, 50, theme.text),
        (header[1], MIDDLE, 82, theme.quiet),
    ):
        write(canvas, MARGIN, baseline, fit_text(text, size, right - MARGIN), size, ramp)
    pictures = []
    for top, each in zip(tops, blocks, strict=False):
        _draw_words(canvas, top, each, theme)
        for place, (caption, picture) in enumerate(each.panels):
            left = MARGIN + place * (column + GAP)
            y = top + TITLE + NOTE + (BAR if each.profile else GAP)
            write(canvas, left, y + 17, fit_text(caption, SMALL, column), SMALL, theme.quiet)
            pictures.append((left, y + CAPTION, picture))
    for number, line in enumerate(gone):
        text = fit_text(line, MIDDLE, right - MARGIN)
        write(canvas, MARGIN, bottom + number * NOTE + 12, text, MIDDLE, theme.text)
    return pictures, canvas


def _height(block: Block, panel: int) -> int:
    return TITLE + NOTE + (BAR if block.profile else GAP) + CAPTION + panel + BLOCK_GAP


def _legend(canvas: Canvas, theme: Theme) -> list[tuple[int, int, Rgb]]:
    """What the colours mean, at the lower edge: words on the canvas, and the scales."""
    dark = np.array([scale_of_colours((0, 0, 0), LEVELS)], np.uint8)
    light = np.array([scale_of_glow((0, 0, 0))], np.uint8)
    left, baseline, scales = MARGIN, canvas.shape[0] - 16, []
    for before, scale, after in (
        ("against", dark, f"for the action; for the strategy in '{REASON}'"),
        ("mean |map|: little", light, "much"),
    ):
        write(canvas, left, baseline, before, SMALL, theme.quiet)
        left += text_width(before, SMALL) + 8
        scale = scale.repeat(9, axis=0).repeat(-(-LEGEND // scale.shape[1]), axis=1)
        scales.append((left, baseline - 9, scale))
        left += scale.shape[1] + 8
        write(canvas, left, baseline, after, SMALL, theme.quiet)
        left += text_width(after, SMALL) + 26
    return scales


def _draw_words(canvas: Canvas, top: int, block: Block, theme: Theme) -> None:
    """Title, note, and the bar of the elements' shares."""
    right = canvas.shape[1] - MARGIN
    fill(canvas, MARGIN, top, right - MARGIN, 1, theme.track)
    fill(canvas, MARGIN, top + 17, 28, 28, block.colour)
    write(canvas, right, top + 44, block.figure, LARGE, theme.text, "right")
    room = right - MARGIN - 42 - text_width(block.figure, LARGE) - GAP
    write(canvas, MARGIN + 42, top + 44, fit_text(block.title, LARGE, room), LARGE, theme.text)
    note = fit_text(block.note, MIDDLE, right - MARGIN)
    write(canvas, MARGIN, top + TITLE + 22, note, MIDDLE, theme.quiet)
    if block.profile:
        _draw_profile(canvas, top + TITLE + NOTE + 4, block.profile, theme)


def _draw_profile(canvas: Canvas, top: int, profile: Mapping[str, float], theme: Theme) -> None:
    """Shares that add up to 1 as parts of one bar, with their names below."""
    right, left, x = canvas.shape[1] - MARGIN, MARGIN, MARGIN
    total = sum(profile.values()) or 1.0
    passed = 0.0
    for name, share in profile.items():
        passed += share / total
        end = MARGIN + round(passed * (right - MARGIN))
        fill(canvas, x, top, end - x, 14, theme.element[name])
        x = end
    for name, share in sorted(profile.items(), key=lambda item: -item[1]):
        text = f"{name} {share:.0%}"
        if share < LEAST_NAMED or left + 16 + text_width(text, SMALL) > right:
            break
        fill(canvas, left, top + 22, 11, 11, theme.element[name])
        write(canvas, left + 16, top + 33, text, SMALL, theme.quiet)
        left += 16 + text_width(text, SMALL) + 20
