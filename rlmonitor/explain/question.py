"""What a method is asked: to explain one number of some frames."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from rlmonitor.explain.target_function import TargetFunction, Values
from rlmonitor.lrp.observations import SINGLE, Observation

Maps = tuple[Tensor, ...]
"""What each input contributed, ``[N, ...]`` for each of the network's inputs."""


@dataclass(frozen=True)
class Question:
    """A chunk of frames whose target is to be explained.

    Attributes:
        function: the target.
        tensors: the observation as it was given, ``[N, ...]`` for each of the network's inputs.
        values: the same in the network's precision and on its device.
        action: ``[N]``, the action that is explained.
        seed: of everything random.
        first: number of the first frame among all that the call explains.
    """

    function: TargetFunction
    tensors: Values
    values: Values
    action: Tensor
    seed: int = 0
    first: int = 0

    @property
    def observation(self) -> Observation:
        """The observation as the network takes it."""
        inputs = self.function.network.inputs
        if inputs[0].key == SINGLE:
            return self.tensors[0]
        return {one.key: tensor for one, tensor in zip(inputs, self.tensors, strict=True)}

    def gradient(self, values: Values) -> Maps:
        """The target's gradient elsewhere than at the frames."""
        return self.function.gradient(values, self.action)[1]
