"""What a permutation test found, as a sentence that says no more than it may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rlmonitor.board import tags
from rlmonitor.replay.contrasts import Contrast
from rlmonitor.strategy.permutation import fewest_runs

LEVEL = 0.05
"""Largest corrected p-value that is called a difference."""

_ASKED = {tags.VALUE: "in what they value", tags.CHOICE: "in what they decide by"}
_FRAMES = {tags.PROBE: "On the same frames", tags.PLAY: "Each on its own play"}


@dataclass(frozen=True)
class Finding:
    """A test in words.

    Attributes:
        differs: whether a corrected p-value is at most `LEVEL`.
        text: what was found, one sentence.
        basis: what was relabelled, and what that speaks of.
        limit: that so few units could not have shown anything; empty if they could.
    """

    differs: bool
    text: str
    basis: str
    limit: str


def finding(contrast: Contrast, pairs: int) -> Finding:
    """Say what a contrast found, one of so many pairs."""
    differing = [k for k, p in enumerate(contrast.corrected) if p <= LEVEL]
    differs = bool(differing) or contrast.corrected_all <= LEVEL
    what = _shares(contrast, differing) if contrast.measured else _maps(contrast)
    limit = "" if differs else _limit(contrast, pairs)
    return Finding(differs, what, _basis(contrast), limit)


def _opening(contrast: Contrast) -> str:
    return f"{_FRAMES[contrast.source]} {contrast.first} and {contrast.second}"


def _shares(contrast: Contrast, differing: Sequence[int]) -> str:
    opening = _opening(contrast)
    whole = f"any difference: {_p(contrast.outcome.p_all, contrast.corrected_all)}"
    if differing:
        order = sorted(differing, key=lambda k: (contrast.corrected[k], contrast.outcome.p[k]))
        listed = "; ".join(_share(contrast, k) for k in order)
        return f"{opening} differ in the share of {listed}. {whole.capitalize()}."
    if contrast.corrected_all <= LEVEL:
        return f"{opening} differ in their shares ({whole}), in no single one for sure."
    nearest = min(range(len(contrast.corrected)), key=lambda k: float(contrast.outcome.p[k]))
    return (
        f"{opening} show no difference in the elements' shares; nearest is "
        f"{_share(contrast, nearest)}. {whole.capitalize()}."
    )


def _share(contrast: Contrast, k: int) -> str:
    question, element = contrast.measured[k]
    first, second = (f"{100 * means[k]:.3g} %" for means in contrast.means)
    p = _p(float(contrast.outcome.p[k]), contrast.corrected[k])
    asked = _ASKED.get(question, f"in their maps of {question}")
    return f"{element} {asked} ({first} and {second}, {p})"


def _maps(contrast: Contrast) -> str:
    differ = contrast.corrected_all <= LEVEL
    found = "differ in where their maps lie" if differ else "show no difference in their maps"
    p = _p(contrast.outcome.p_all, contrast.corrected_all)
    return f"{_opening(contrast)} {found} ({p})."


def _basis(contrast: Contrast) -> str:
    """What was relabelled, how often, and what that speaks of."""
    outcome = contrast.outcome
    how = f"all {outcome.relabellings:,}" if outcome.exact else f"{outcome.relabellings:,} drawn"
    if contrast.units == "runs":
        n, m = contrast.counts
        return (
            f"Runs were relabelled: {n} of {contrast.first} and {m} of {contrast.second}, {how} "
            "ways to divide them."
        )
    kept = "whole games" if contrast.units == "games" else "stretches of neighbouring frames"
    return (
        f"Differences between two networks changed sign in {contrast.counts[0]} blocks of frames, "
        f"{kept}, {how} ways: that speaks of these networks, not of other seeds."
    )


def _limit(contrast: Contrast, pairs: int) -> str:
    """That so few units could not have shown anything, if so."""
    smallest = contrast.outcome.smallest
    if smallest * pairs <= LEVEL:
        return ""
    corrected = f" ({min(smallest * pairs, 1):.2g} for {pairs} pairs)" if pairs > 1 else ""
    if contrast.units != "runs":
        return f"So few blocks of frames allow no p-value below {smallest:.2g}{corrected}."
    n, m = contrast.counts
    needed = fewest_runs(LEVEL / pairs)
    return (
        f"{n} and {m} runs allow no two-sided p-value below {smallest:.2g}{corrected}: to call "
        f"anything a difference at {LEVEL} takes {needed} runs a group."
    )


def _p(value: float, corrected: float) -> str:
    both = f"p = {value:.2g}"
    return both if f"{value:.2g}" == f"{corrected:.2g}" else f"{both}, corrected {corrected:.2g}"
