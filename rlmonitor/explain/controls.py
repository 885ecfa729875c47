"""Null methods: maps that know nothing of the network. Adebayo et al. 2018, 'Sanity checks'.

What beats neither of them in a test of faithfulness explains nothing.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rlmonitor.explain.perturbation import images_only
from rlmonitor.explain.question import Maps, Question


def edges(question: Question) -> Maps:
    """The length of Sobel's gradient of each image of the stack, never negative.

    Raises:
        ConfigurationError: observations that are no images.
    """
    return tuple(_sobel(images_only(value, "edges")) for value in question.values)


def _sobel(value: Tensor) -> Tensor:
    kernel = value.new_tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    padded = functional.pad(value.flatten(0, 1)[:, None], (1, 1, 1, 1), mode="replicate")
    both = functional.conv2d(padded, torch.stack([kernel, kernel.T])[:, None])
    return both.square().sum(1).sqrt().reshape(value.shape)


def noise(question: Question) -> Maps:
    """Standard normal numbers, for each frame its own."""
    return tuple(
        torch.stack(
            [
                torch.from_numpy(
                    np.random.default_rng([question.seed, question.first + frame, number]).normal(
                        size=value.shape[1:]
                    )
                )
                for frame in range(len(value))
            ]
        ).to(value)
        for number, value in enumerate(question.values)
    )
