"""The moving picture of a round as a GIF: screen, relevance, the outputs and element shares.

`render_clip` is pure: arrays in, bytes out, the same bytes for the same arrays. Each target has a
panel, the screen with the signed relevance over it; beside the panels stand the actions' Q-values
or logits and the elements' shares, with one column a target.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlmonitor.board.canvas import MINUS, Canvas, Palette
from rlmonitor.board.gif import encode_gif
from rlmonitor.board.overlay import Screens, outline, prepare_screens, relevance_scale
from rlmonitor.board.picture import Cell, Picture, State, TargetWords, Theme, Words
from rlmonitor.errors import ConfigurationError, NonFiniteError, ObservationError
from rlmonitor.recording import Recording

PLAY_INTERVAL = 70
"""Milliseconds a frame of consecutive play: an Atari agent decides 15 times a second."""
PROBE_INTERVAL = 350
"""Milliseconds a frame that has nothing to do with the one before."""

TARGET_WORDS = {
    "q": TargetWords("What it values", "Q(s, a)", "Q(s, a)", "values"),
    "advantage": TargetWords(
        "What it decides by", f"Q(s, a) {MINUS} mean Q", f"Q {MINUS} mean", "decides by"
    ),
}
LOGIT_WORDS = {
    "value": TargetWords("What it values", "V(s)", "logit", "values"),
    "logit": TargetWords("What speaks for the action", "logit", "logit", "speaks for"),
    "advantage": TargetWords(
        "What it decides by", f"logit {MINUS} mean logit", f"logit {MINUS} mean", "decides by"
    ),
}
"""The same where the outputs are a policy's logits."""
NOT_OUTLINED = frozenset({"rest", "bricks"})
"""Elements without a contour: too large or too scattered for one to say anything."""

_Floats = NDArray[np.floating[Any]]


def render_clip(
    recording: Recording,
    maps: Mapping[str, NDArray[np.float32]],
    *,
    outputs: NDArray[np.float32],
    composite: str,
    timestep: int,
    title: str,
    action: NDArray[np.int64] | None = None,
    taken: NDArray[np.int64] | None = None,
    shares: Mapping[str, Mapping[str, _Floats]] | None = None,
    captions: Sequence[str] | None = None,
    interval: int = PLAY_INTERVAL,
    logits: bool = False,
) -> bytes:
    """Draw a recording with its relevance as an animated GIF.

    For the fixed probe, hand over the selected frames (24 or fewer), their phases as ``captions``
    and ``interval=PROBE_INTERVAL``.

    Args:
        recording: T frames, in the order in which they are shown; its screens, score, masks and
            action names are used. Without masks no contours are drawn.
        maps: for one or two targets (``"q"``, ``"advantage"``, ...) the relevance
            ``[T, C, H, W]``, signed, in the layout of the observation, which covers the screen.
        outputs: ``[T, A]``, Q-values or logits of the network whose relevance it is.
        composite: name of the LRP composite, for the header.
        timestep: the training's timesteps so far, for the header.
        title: the header's first words, such as the game.
        action: ``[T]``, the action that the maps explain; marked. Default: the greedy one.
        taken: ``[T]``, the action that was taken; where it differs (exploration) it gets a hollow
            mark. Leave it out where another agent recorded the frames.
        shares: for a target, for an element, ``[T]`` parts of all |relevance|, 0 to 1. They are
            listed in the order of the first target's elements.
        captions: a line for every frame, such as the phase of the game, in place of the score.
        interval: milliseconds a frame, a multiple of 10, at least 20.
        logits: whether the outputs are a policy's logits.

    Returns:
        The GIF, of exactly T images; brightness means the same in all of them.

    Raises:
        ConfigurationError: no map or more than two, or an interval that a GIF cannot hold.
        ObservationError: no frame, or arrays that do not fit the recording's T frames.
        NonFiniteError: NaN or infinity in maps, Q-values, shares or score.
    """
    clip = _Clip(
        recording=recording,
        relevance={target: np.asarray(one) for target, one in maps.items()},
        outputs=np.asarray(outputs),
        action=None if action is None else np.asarray(action),
        taken=None if taken is None else np.asarray(taken),
        shares=shares or {},
        captions=captions,
        logits=logits,
    )
    clip.check()
    palette = Palette()
    theme = Theme(palette, clip.elements)
    screens = prepare_screens(recording.screen, palette)
    subtitle = f"timestep {timestep:,}  ·  relevance: LRP {composite}"
    picture = Picture(clip.words(title, subtitle), theme, screens)
    frames = _frames(clip, picture, screens, theme)
    return encode_gif(frames, palette, [interval] * len(recording))


def _frames(clip: _Clip, picture: Picture, screens: Screens, theme: Theme) -> Iterator[Canvas]:
    summed = [one.sum(axis=1, dtype=np.float32) for one in clip.relevance.values()]
    scaled = [one / relevance_scale(one) for one in summed]
    colours = {name: theme.contour(name, mask) for name, mask in clip.outlined.items()}
    for t, state in enumerate(clip.states()):
        panels = [screens.panel(t, one[t]) for one in scaled]
        for name, mask in clip.outlined.items():
            contour = outline(mask[t], screens.size)
            for panel in panels:
                panel[contour] = colours[name]
        yield picture.frame(panels, state)


@dataclass(frozen=True)
class _Clip:
    """The arguments of `render_clip` that change from frame to frame."""

    recording: Recording
    relevance: Mapping[str, NDArray[np.float32]]
    outputs: NDArray[np.float32]
    action: NDArray[np.int64] | None
    taken: NDArray[np.int64] | None
    shares: Mapping[str, Mapping[str, _Floats]]
    captions: Sequence[str] | None
    logits: bool

    @property
    def outlined(self) -> dict[str, NDArray[np.bool_]]:
        masks = self.recording.masks
        return {name: mask for name, mask in masks.items() if name not in NOT_OUTLINED}

    @property
    def elements(self) -> tuple[str, ...]:
        """All that has a share, then what has a contour only."""
        shared = [name for target in self.relevance for name in self.shares.get(target, {})]
        return tuple(dict.fromkeys([*shared, *self.outlined]))

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions' names, or their numbers where the names do not fit."""
        names, count = self.recording.action_meanings, self.outputs.shape[1]
        if len(names) != count:
            return tuple(f"action {number}" for number in range(count))
        return names

    def words(self, title: str, subtitle: str) -> Words:
        known = LOGIT_WORDS if self.logits else TARGET_WORDS
        plain = "logit" if self.logits else "Q(s, a)"
        return Words(
            title=title,
            subtitle=subtitle,
            targets=tuple(
                known.get(target, TargetWords(target, "", plain, target))
                for target in self.relevance
            ),
            outputs="Logits" if self.logits else "Q-values",
            actions=self.actions,
            elements=self.elements,
            has_shares=bool(self.shares),
        )

    def _explored(self, t: int, marked: int) -> str:
        if self.taken is None or self.taken[t] == marked:
            return ""
        return f"explored: {self.actions[self.taken[t]]}  ·  "

    def states(self) -> Iterator[State]:
        """What stands beside the panels, frame by frame."""
        marked = self.outputs.argmax(axis=1) if self.action is None else self.action
        values = [_value_column(target, self.outputs) for target in self.relevance]
        shares = [self._share_column(target) for target in self.relevance] if self.shares else []
        total = len(self.recording)
        for t in range(total):
            score = f"score {self.recording.score[t]:g}"
            frame = self._explored(t, int(marked[t])) + f"frame {t + 1} / {total}"
            yield State(
                headline=score if self.captions is None else self.captions[t],
                subline=frame if self.captions is None else f"{score}  ·  {frame}",
                progress=(t + 1) / total,
                actions=[column.cells(t) for column in values],
                elements=[column.cells(t) for column in shares],
                marked=int(marked[t]),
                taken=None if self.taken is None else int(self.taken[t]),
            )

    def _share_column(self, target: str) -> _Column:
        given, missing = self.shares.get(target, {}), np.full(len(self.recording), np.nan)
        values = np.stack([given.get(name, missing) for name in self.elements], axis=1)
        return _Column(values, 0.0, 1.0, "{:.0%}")

    def check(self) -> None:
        """Raise what `render_clip` documents."""
        if not 1 <= len(self.relevance) <= 2:
            raise ConfigurationError(
                f"a clip shows the relevance of one or two targets; got {list(self.relevance)}"
            )
        total = len(self.recording)
        if total == 0:
            raise ObservationError("a clip needs at least one frame; the recording has none")
        _check_shape("screen", self.recording.screen, (total, None, None, 3))
        _check_shape("outputs", self.outputs, (total, None))
        for name, one in self._per_frame():
            _check_shape(name, one, (total,))
        for target, one in self.relevance.items():
            _check_shape(f"map of {target!r}", one, (total, None, None, None))
        for name, mask in self.outlined.items():
            _check_shape(f"mask of {name!r}", mask, (total, None, None))
        for name, actions in (("action", self.action), ("taken", self.taken)):
            _check_actions(name, actions, self.outputs.shape[1])
        self._check_finite()

    def _per_frame(self) -> Iterator[tuple[str, NDArray[Any]]]:
        yield "score", self.recording.score
        for name, one in (("action", self.action), ("taken", self.taken)):
            if one is not None:
                yield name, one
        if self.captions is not None:
            yield "captions", np.asarray(self.captions)
        for target in self.relevance:
            for element, share in self.shares.get(target, {}).items():
                yield f"share of {element!r} for {target!r}", np.asarray(share)

    def _check_finite(self) -> None:
        named: dict[str, NDArray[Any]] = {f"map of {n!r}": m for n, m in self.relevance.items()}
        named |= {"outputs": self.outputs}
        named |= {name: one for name, one in self._per_frame() if name != "captions"}
        for name, one in named.items():
            if not np.isfinite(one).all():
                frame = int(np.argwhere(~np.isfinite(one))[0][0])
                raise NonFiniteError(
                    f"the clip's {name} must be finite; it has NaN or infinity, first in frame "
                    f"{frame} of {len(one)}"
                )


def _check_actions(name: str, actions: NDArray[np.int64] | None, count: int) -> None:
    if actions is not None and not ((actions >= 0) & (actions < count)).all():
        raise ObservationError(
            f"the clip's {name} must be numbers of actions, 0 to {count - 1}; got "
            f"{int(actions.min())} to {int(actions.max())}"
        )


@dataclass(frozen=True)
class _Column:
    """A column of bars: ``values`` ``[T, rows]`` on an axis from ``low`` to ``high``."""

    values: _Floats
    low: float
    high: float
    form: str

    def cells(self, t: int) -> list[Cell]:
        """The cells of one frame; a missing value has no bar."""
        zero = self._position(0.0)
        return [
            Cell(None, MINUS)
            if math.isnan(value)
            else Cell((zero, self._position(value)), self.form.format(value).replace("-", MINUS))
            for value in self.values[t].tolist()
        ]

    def _position(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low)


def _value_column(target: str, outputs: _Floats) -> _Column:
    """Outputs on an axis from zero; differences from their mean on one around zero."""
    if target != "advantage":
        low, high = min(float(outputs.min()), 0.0), max(float(outputs.max()), 0.0)
        return _Column(outputs, low, high if high > low else low + 1.0, _form(max(high, -low), ""))
    spread = outputs - outputs.mean(axis=1, keepdims=True)
    most = float(np.abs(spread).max()) or 1.0
    return _Column(spread, -most, most, _form(most, "+"))


def _form(most: float, sign: str) -> str:
    """A number's format with about three significant digits at the largest value."""
    digits = 2 - math.floor(math.log10(most)) if most > 0 else 2
    return f"{{:{sign}.{min(max(digits, 0), 3)}f}}"


def _check_shape(name: str, array: NDArray[Any], expected: tuple[int | None, ...]) -> None:
    got = np.shape(array)
    fits = len(got) == len(expected) and all(
        size > 0 if want is None else size == want for size, want in zip(got, expected, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if want is None else str(want) for want in expected)
        raise ObservationError(f"the clip's {name} has the shape {got}; expected ({wanted})")
