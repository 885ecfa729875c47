"""The picture around the panels: header, bars, legend, and where each of them stands.

What never changes is drawn once (`Picture.template`); what does is drawn on a copy for every frame
(`Picture.frame`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rlmonitor.board.canvas import (
    Canvas,
    Palette,
    bar,
    blank,
    fill,
    fit_text,
    mix,
    rgb,
    text_width,
    triangle,
    write,
)
from rlmonitor.board.overlay import Screens

BACKGROUND, TRACK, RAISED = rgb("#0d1117"), rgb("#1d2531"), rgb("#182231")
BRIGHT, TEXT, QUIET, BAR = rgb("#ffffff"), rgb("#e8edf4"), rgb("#93a0b2"), rgb("#6b7a91")

ELEMENT_COLOURS = {
    "ball": rgb("#ffe14d"),
    "paddle": rgb("#2fe0a0"),
    "tunnel": rgb("#d68cff"),
    "bricks": rgb("#e08a1e"),
    "display": rgb("#cfd8e3"),
    "rest": rgb("#5f6c80"),
}
"""Neither red nor blue, which mean relevance; told apart under the common colour blindnesses."""
OTHER_COLOURS = tuple(rgb(code) for code in ("#ffe14d", "#2fe0a0", "#d68cff", "#e08a1e", "#ff9ecb"))
"""Taken in turn for elements that the table does not name, those that no named one has."""

FAINT, LARGE = 0.45, 0.03
MARGIN, HEADER, LABEL, FOOTER = 16, 60, 24, 42
PANEL_GAP, SIDE_GAP, COLUMN_GAP = 12, 24, 14
BAR_WIDTH, NUMBER_WIDTH, BAR_HEIGHT = 58, 42, 8
SECTION, SECTION_GAP = 44, 22
LOWEST_ROW, HIGHEST_ROW = 15, 28
TITLE_SIZE, LABEL_SIZE, SIZE = 20, 14, 12
NAME_INDENT, LONGEST_NAME = 16, 108
LEGEND_WIDTH, PROGRESS = 150, 3
NOTE = "one scale for all frames"


@dataclass(frozen=True)
class TargetWords:
    """What a target is called.

    Attributes:
        title: over its panel.
        formula: the same for those who know the symbols.
        values: over its column of the outputs.
        shares: over its column of element shares.
    """

    title: str
    formula: str
    values: str
    shares: str


@dataclass(frozen=True)
class Words:
    """What is written on every frame.

    Attributes:
        title: the header's first line.
        subtitle: the header's second line.
        targets: one for each panel.
        outputs: what the network's outputs are, such as "Q-values".
        actions: names of the actions.
        elements: names of the elements, each with a row and a colour.
        has_shares: whether the elements have bars, not just names.
    """

    title: str
    subtitle: str
    targets: tuple[TargetWords, ...]
    outputs: str
    actions: tuple[str, ...]
    elements: tuple[str, ...]
    has_shares: bool


@dataclass(frozen=True)
class Cell:
    """A bar with its number: where it begins and ends (0 to 1 of the track; or none), the text."""

    ends: tuple[float, float] | None
    label: str


@dataclass(frozen=True)
class State:
    """What one frame shows beside its panels.

    Attributes:
        headline: the header's first line on the right (score or caption).
        subline: the header's second line on the right.
        progress: how much of the clip has been shown, 0 to 1.
        actions: for every column a cell for each action.
        elements: for every column a cell for each element; no columns where shares are unknown.
        marked: number of the action that the maps explain.
        taken: number of the action that was taken, None where it is not to be shown.
    """

    headline: str
    subline: str
    progress: float
    actions: Sequence[Sequence[Cell]]
    elements: Sequence[Sequence[Cell]]
    marked: int
    taken: int | None


class Theme:
    """The picture's colours, registered in a palette."""

    def __init__(self, palette: Palette, elements: Sequence[str]) -> None:
        self.background, self.track = palette.add(BACKGROUND), palette.add(TRACK)
        self.raised, self.bar = palette.add(RAISED), palette.add(BAR)
        self.bright = palette.add(BRIGHT)
        self.text = palette.ramp(TEXT, BACKGROUND)
        self.quiet = palette.ramp(QUIET, BACKGROUND)
        others = [name for name in elements if name not in ELEMENT_COLOURS]
        taken = {ELEMENT_COLOURS[name] for name in elements if name in ELEMENT_COLOURS}
        free = [colour for colour in OTHER_COLOURS if colour not in taken]
        spare = {name: free[i % len(free)] for i, name in enumerate(others)}
        colours = {name: (spare | ELEMENT_COLOURS)[name] for name in elements}
        self.element = {name: palette.add(colour) for name, colour in colours.items()}
        self._faint = {name: palette.add(mix(c, (0, 0, 0), FAINT)) for name, c in colours.items()}

    def contour(self, element: str, mask: NDArray[np.bool_]) -> int:
        """The colour of an element's contour, fainter for large elements: they show anyway."""
        return (self._faint if mask.mean() > LARGE else self.element)[element]


@dataclass(frozen=True)
class Layout:
    """Where everything stands, in pixels from the top left.

    Attributes:
        panel: height and width of a panel.
        columns: number of panels, and of columns of bars.
        rows: number of actions.
        elements: number of elements.
        name_width: room for the names of actions and elements.
    """

    panel: tuple[int, int]
    columns: int
    rows: int
    elements: int
    name_width: int

    top: int = HEADER + LABEL

    def panel_left(self, number: int) -> int:
        """Left edge of a panel."""
        return MARGIN + number * (self.panel[1] + PANEL_GAP)

    @property
    def side(self) -> int:
        """Left edge of the bars' names."""
        return self.panel_left(self.columns) - PANEL_GAP + SIDE_GAP

    def bar_left(self, column: int) -> int:
        """Left edge of a column of bars."""
        return self.side + self.name_width + column * (BAR_WIDTH + NUMBER_WIDTH + COLUMN_GAP)

    @property
    def width(self) -> int:
        """Width of the picture."""
        return self.bar_left(self.columns) - COLUMN_GAP + MARGIN

    @property
    def row(self) -> int:
        """Height of a row of bars: as many as there are fill the panel's height if they can."""
        sections = 1 + bool(self.elements)
        free = LABEL + self.panel[0] - sections * (SECTION + SECTION_GAP) + SECTION_GAP
        return min(max(free // (self.rows + self.elements), LOWEST_ROW), HIGHEST_ROW)

    def action_top(self, number: int) -> int:
        """Upper edge of an action's row."""
        return HEADER + SECTION + number * self.row

    @property
    def elements_header(self) -> int:
        """Upper edge of the elements' section."""
        return self.action_top(self.rows) + SECTION_GAP

    def element_top(self, number: int) -> int:
        """Upper edge of an element's row."""
        return self.elements_header + SECTION + number * self.row

    @property
    def body_bottom(self) -> int:
        """Lower edge of panels and bars, whichever is lower."""
        side = self.element_top(self.elements) if self.elements else self.action_top(self.rows)
        return max(self.top + self.panel[0], side)

    @property
    def height(self) -> int:
        """Height of the picture."""
        return self.body_bottom + FOOTER


class Picture:
    """Draws a clip's frames."""

    def __init__(self, words: Words, theme: Theme, screens: Screens) -> None:
        self.words, self.theme, self.screens = words, theme, screens
        names = [text_width(name, SIZE) for name in (*words.actions, *words.elements)]
        self.layout = Layout(
            panel=screens.size,
            columns=len(words.targets),
            rows=len(words.actions),
            elements=len(words.elements),
            name_width=NAME_INDENT + min(max([*names, 60]), LONGEST_NAME) + 10,
        )

    @cached_property
    def template(self) -> Canvas:
        """``[height, width]`` palette indices: what all frames share."""
        canvas = blank(self.layout.height, self.layout.width, self.theme.background)
        self._draw_header(canvas)
        self._draw_legend(canvas)
        headings = [target.values for target in self.words.targets]
        self._draw_section(canvas, HEADER, self.words.outputs, headings)
        for number, name in enumerate(self.words.actions):
            self._draw_name(canvas, self.layout.action_top(number), name, self.theme.quiet)
        self._draw_elements(canvas)
        return canvas

    def frame(self, panels: Sequence[Canvas], state: State) -> Canvas:
        """One frame.

        Args:
            panels: one a target, ``[height, width]`` palette indices.
            state: what stands beside them.

        Returns:
            ``[height, width]`` palette indices.
        """
        canvas, layout, right = self.template.copy(), self.layout, self.layout.width - MARGIN
        for number, panel in enumerate(panels):
            left = layout.panel_left(number)
            canvas[layout.top : layout.top + panel.shape[0], left : left + panel.shape[1]] = panel
        write(canvas, right, 32, state.headline, TITLE_SIZE, self.theme.text, "right")
        write(canvas, right, 50, state.subline, SIZE, self.theme.quiet, "right")
        for number, cells in enumerate(zip(*state.actions, strict=True)):
            self._draw_action(canvas, number, cells, state)
        for number, cells in enumerate(zip(*state.elements, strict=True)):
            colour = self.theme.element[self.words.elements[number]]
            self._draw_cells(canvas, layout.element_top(number), cells, colour)
        gone = round(layout.width * state.progress)
        fill(canvas, 0, layout.height - PROGRESS, gone, PROGRESS, self.theme.bar)
        return canvas

    def _draw_header(self, canvas: Canvas) -> None:
        room = self.layout.width - 2 * MARGIN - 150
        title = fit_text(self.words.title, TITLE_SIZE, room)
        write(canvas, MARGIN, 32, title, TITLE_SIZE, self.theme.text)
        write(canvas, MARGIN, 50, fit_text(self.words.subtitle, SIZE, room), SIZE, self.theme.quiet)
        baseline, width = HEADER + 17, self.layout.panel[1]
        for number, target in enumerate(self.words.targets):
            left = self.layout.panel_left(number)
            write(canvas, left, baseline, target.title, LABEL_SIZE, self.theme.text)
            write(canvas, left + width, baseline, target.formula, SIZE, self.theme.quiet, "right")

    def _draw_legend(self, canvas: Canvas) -> None:
        """The scale from against to for, over the darkest colour of the screen."""
        baseline, left = self.layout.body_bottom + 24, MARGIN
        write(canvas, left, baseline, "against", SIZE, self.theme.quiet)
        left += text_width("against", SIZE) + 8
        for x in range(LEGEND_WIDTH):
            level = round((2 * x / (LEGEND_WIDTH - 1) - 1) * self.screens.levels)
            fill(canvas, left + x, baseline - 8, 1, 8, self.screens.darkest + level)
        left += LEGEND_WIDTH + 8
        write(canvas, left, baseline, "for the marked action", SIZE, self.theme.quiet)
        left += text_width("for the marked action", SIZE) + 24
        right = self.layout.width - MARGIN
        note = fit_text(NOTE, SIZE, right - left)
        write(canvas, right, baseline, note, SIZE, self.theme.quiet, "right")
        fill(
            canvas, 0, self.layout.height - PROGRESS, self.layout.width, PROGRESS, self.theme.track
        )

    def _draw_elements(self, canvas: Canvas) -> None:
        if not self.words.elements:
            return
        title = "Share of |relevance|" if self.words.has_shares else "Elements"
        headings = [target.shares for target in self.words.targets if self.words.has_shares]
        self._draw_section(canvas, self.layout.elements_header, title, headings)
        for number, name in enumerate(self.words.elements):
            top = self.layout.element_top(number)
            self._draw_name(canvas, top, name, self.theme.quiet)
            swatch = top + self.layout.row // 2 - 4
            fill(canvas, self.layout.side, swatch, 8, 8, self.theme.element[name])

    def _draw_section(self, canvas: Canvas, top: int, title: str, headings: Sequence[str]) -> None:
        write(canvas, self.layout.side, top + 17, title, LABEL_SIZE, self.theme.text)
        for column, heading in enumerate(headings):
            left, room = self.layout.bar_left(column), BAR_WIDTH + NUMBER_WIDTH
            text = fit_text(heading, SIZE, room)
            write(canvas, left, top + 38, text, SIZE, self.theme.quiet)

    def _draw_name(self, canvas: Canvas, top: int, name: str, ramp: NDArray[np.uint8]) -> None:
        text = fit_text(name, SIZE, self.layout.name_width - NAME_INDENT - 6)
        baseline = top + self.layout.row // 2 + 4
        write(canvas, self.layout.side + NAME_INDENT, baseline, text, SIZE, ramp)

    def _draw_action(
        self, canvas: Canvas, number: int, cells: Sequence[Cell], state: State
    ) -> None:
        layout, theme, marked = self.layout, self.theme, number == state.marked
        top = layout.action_top(number)
        if marked:
            left, right = layout.side - 8, layout.width - MARGIN + 8
            fill(canvas, left, top, right - left, layout.row, theme.raised)
            self._draw_name(canvas, top, self.words.actions[number], theme.text)
        if marked or number == state.taken:
            y = top + layout.row // 2 - 4
            triangle(canvas, layout.side, y, 5, theme.bright, hollow=not marked)
        self._draw_cells(canvas, top, cells, theme.bright if marked else theme.bar)

    def _draw_cells(self, canvas: Canvas, top: int, cells: Sequence[Cell], colour: int) -> None:
        middle = top + self.layout.row // 2
        for column, cell in enumerate(cells):
            left, y = self.layout.bar_left(column), middle - BAR_HEIGHT // 2
            fill(canvas, left, y, BAR_WIDTH, BAR_HEIGHT, self.theme.track)
            if cell.ends is not None:
                bar(canvas, left, y, BAR_WIDTH, BAR_HEIGHT, cell.ends, colour)
            right = left + BAR_WIDTH + NUMBER_WIDTH
            write(canvas, right, middle + 4, cell.label, SIZE, self.theme.text, "right")
