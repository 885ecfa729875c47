"""Explanations by gradients of the target.

Gradients are taken by the observation as the policy gets it: where the policy divides pixels by
255, they are per grey level. Everything is piecewise linear behind ReLUs, so that gradients jump.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from rlmonitor.explain.question import Maps, Question


def gradient(question: Question) -> Maps:
    """The gradient itself; Simonyan et al. 2014, with its sign."""
    return question.gradient(question.values)


def gradient_x_input(question: Question) -> Maps:
    """Gradient times input; Shrikumar et al. 2016. LRP-0 and this agree in ReLU networks."""
    gradients = question.gradient(question.values)
    return tuple(one * value for one, value in zip(gradients, question.values, strict=True))


def simple_taylor(question: Question, steps: int = 20) -> Maps:
    """First-order terms at a root near the frame; Montavon et al. 2018, section 4.2.

    The root ``r`` is looked for by Newton's steps ``r - f(r) g / |g|^2`` from the frame on, which
    lead to the nearest root of a function that is linear in between (as in DeepFool,
    Moosavi-Dezfooli et al. 2016). A step that does not come nearer to 0 is taken back and halved;
    the best point counts where ``f`` has no root. It need not be a picture: values below black are
    allowed. The map is ``g(r) (x - r)``, with the gradient at the root.
    """
    values, action, function = question.values, question.action, question.function
    root = list(values)
    value, slope = function.gradient(root, action)
    pace = torch.ones_like(value)
    for _ in range(steps):
        length = _inner(slope, slope).clamp(min=torch.finfo(value.dtype).tiny)
        step = pace * value / length
        trial = [
            point - _by_frame(step, point) * one for point, one in zip(root, slope, strict=True)
        ]
        found, ahead = function.gradient(trial, action)
        nearer = found.abs() < value.abs()
        root = [_chosen(nearer, a, b) for a, b in zip(trial, root, strict=True)]
        slope = tuple(_chosen(nearer, a, b) for a, b in zip(ahead, slope, strict=True))
        value = torch.where(nearer, found, value)
        pace = torch.where(nearer, torch.ones_like(pace), pace / 2)
    return tuple(
        one * (value - point) for one, value, point in zip(slope, values, root, strict=True)
    )


def integrated_gradients(question: Question, steps: int = 50) -> Maps:
    """The gradient's mean on the way from black, times the frame; Sundararajan et al. 2017, eq. 3.

    The integral is a sum over the middles of so many steps.
    """
    sums = [torch.zeros_like(value) for value in question.values]
    for step in range(steps):
        part = (step + 0.5) / steps
        gradients = question.gradient([part * value for value in question.values])
        for total, one in zip(sums, gradients, strict=True):
            total += one
    return tuple(value * total / steps for value, total in zip(question.values, sums, strict=True))


def smoothgrad(question: Question, samples: int = 50, noise: float = 0.15) -> Maps:
    """The gradient's mean under Gaussian noise; Smilkov et al. 2017.

    The noise's deviation is the given part of the range of a frame's values. All frames get the
    same draws, so that a map depends on its own frame only.
    """
    rng = np.random.default_rng(question.seed)
    scale = [
        noise * (value.flatten(1).amax(1) - value.flatten(1).amin(1)) for value in question.values
    ]
    sums = [torch.zeros_like(value) for value in question.values]
    for _ in range(samples):
        noisy = [
            value
            + _by_frame(sigma, value) * torch.from_numpy(rng.normal(size=value.shape[1:])).to(value)
            for value, sigma in zip(question.values, scale, strict=True)
        ]
        for total, one in zip(sums, question.gradient(noisy), strict=True):
            total += one
    return tuple(total / samples for total in sums)


def _by_frame(numbers: Tensor, like: Tensor) -> Tensor:
    """``[N]`` in a shape that can be combined with ``[N, ...]``."""
    return numbers.reshape(-1, *[1] * (like.ndim - 1))


def _chosen(condition: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    return torch.where(_by_frame(condition, yes), yes, no)


def _inner(one: Maps, other: Maps) -> Tensor:
    """Inner product for each frame, over all inputs, ``[N]``."""
    products = [(a * b).flatten(1).sum(1) for a, b in zip(one, other, strict=True)]
    return torch.stack(products).sum(0)
