"""Our measures of faithfulness beside Quantus' (Hedström et al. 2023), where both have the same.

    pip install --no-deps --target quantus quantus==0.6.0 pandas python-dateutil tqdm cachetools \
        deprecated wrapt scikit-image imageio networkx tifffile lazy-loader tabulate
    PYTHONPATH=quantus python benchmarks/quantus_agreement.py

Quantus stays in a folder of its own, because it asks for an older torch and for torchvision;
neither is needed for what is used here. Both get the same maps of the trained Breakout network on
the same frames, in double precision. The table, which goes to results/ too, shows the largest
difference of any number; the exit status is 1 if one is above the tolerance.

Not compared: Quantus' Completeness, which asks for equality bit by bit and so is false for all
maps in floating point; its areas under curves, which need a numpy before 2.4; its sensitivities,
which have other norms than Montavon et al. 2018.
"""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from rlmonitor import load_probe
from rlmonitor.explain import pixel_flipping
from rlmonitor.explain.randomisation import cascade
from rlmonitor.explain.similarity import rank_correlation, structural_similarity
from rlmonitor.lrp import Network, attribute, network_of
from rlmonitor.replay.checkpoints import load_checkpoint, q_network

Array = NDArray[Any]

TOLERANCE = 1e-9
ROOT = Path(__file__).resolve().parent.parent
FLAGS = {"abs": False, "normalise": False, "disable_warnings": True}


def load_quantus() -> Any:
    """The package; the tests' zennit comes first, which needs no torchvision."""
    sys.path.insert(0, str(ROOT / "tests"))
    import_module("oracles.peers")
    return import_module("quantus")


def in_double(model: nn.Module) -> nn.Module:
    """The model in double precision; Quantus hands over single precision, whatever it gets."""
    model.double().eval()
    model.register_forward_pre_hook(lambda _, arguments: (arguments[0].double(),))
    return model


def as_single(values: Array) -> Array:
    """Numbers that single precision holds, in double precision."""
    return values.astype(np.float32).astype(np.float64)


def explained(model: nn.Module, inputs: Array, targets: Array, **_: Any) -> Array:
    """Maps by the default composite, as Quantus asks for them."""
    found = attribute(network_of(model), torch.from_numpy(inputs), "q", action=targets)
    maps: Array = found.map.numpy()
    return maps


def scores(metric: Any, model: nn.Module, frames: Array, actions: Array, maps: Array) -> Any:
    """What a metric of Quantus gives for maps that exist."""
    return metric(
        model=model,
        x_batch=frames,
        y_batch=actions,
        a_batch=maps,
        softmax=False,
        channel_first=True,
        explain_func=explained,
    )


def region_perturbation(quantus: Any, model: nn.Module, frames: Array) -> float:
    """Drops of Q in 30 patches of 6 x 6 set to black, both ways round; Samek et al. 2017."""
    tensor = torch.from_numpy(frames)
    relevance = attribute(network_of(model), tensor)
    actions, maps = relevance.action.numpy(), relevance.map.numpy()
    ours = pixel_flipping(network_of(model), tensor, relevance, replacement="black")
    worst = 0.0
    for order, curves in (("morf", ours.most), ("lerf", ours.least)):
        metric = quantus.RegionPerturbation(
            patch_size=6, order=order, regions_evaluation=30, perturb_baseline="black", **FLAGS
        )
        theirs = np.array(scores(metric, model, frames, actions, maps))
        drops = curves.explained[:, :1] - curves.explained[:, 1:]
        worst = max(worst, float(np.abs(drops - theirs).max()))
    return worst


def single_pixels(quantus: Any, model: nn.Module, frames: Array) -> float:
    """Q while single pixels of a one-channel image are set to black; Bach et al. 2015."""
    torch.manual_seed(0)
    small = in_double(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(400, 3)))
    pictures = as_single(np.random.default_rng(0).random((8, 1, 12, 12)))
    pictures[:, :, 0, 0] = 0  # what Quantus calls black is the smallest value there is
    tensor = torch.from_numpy(pictures)
    relevance = attribute(network_of(small), tensor)
    ours = pixel_flipping(
        network_of(small), tensor, relevance, patch=1, n_patches=144, replacement="black"
    )
    metric = quantus.PixelFlipping(features_in_step=1, perturb_baseline="black", **FLAGS)
    actions, maps = relevance.action.numpy(), relevance.map.numpy()
    theirs = np.array(scores(metric, small, pictures, actions, maps))
    return float(np.abs(ours.most.explained[:, 1:] - theirs).max())


def randomisation(quantus: Any, model: nn.Module, frames: Array) -> float:
    """Order of layers and rank correlations in cascading randomisation; Adebayo et al. 2018.

    Quantus draws its own weights, so its networks are explained again here.
    """
    relevance = attribute(network_of(model), torch.from_numpy(frames))
    actions, maps = relevance.action.numpy(), relevance.map.numpy()
    metric = quantus.MPRT(layer_order="top_down", seed=7, **FLAGS)
    theirs = dict(scores(metric, copy.deepcopy(model), frames, actions, maps))
    theirs.pop("original")
    if list(theirs) != list(cascade(network_of(model))):
        raise SystemExit(f"layers: {list(theirs)} there, {list(cascade(network_of(model)))} here")
    wrapped = import_module("quantus.helpers.model.pytorch_model").PyTorchModel(model)
    worst = 0.0
    for name, stage in wrapped.get_random_layer_generator(order="top_down", seed=7):
        ours = rank_correlation(_rows(maps), _rows(explained(stage, frames, actions)))
        worst = max(worst, float(np.abs(ours - np.array(theirs[name])).max()))
    return worst


def random_logit(quantus: Any, model: nn.Module, frames: Array) -> float:
    """Rank correlation with the map of another action; Sixt et al. 2020."""
    relevance = attribute(network_of(model), torch.from_numpy(frames), "advantage")
    actions, asked = relevance.action.numpy(), []

    def advantage(model: nn.Module, inputs: Array, targets: Array, **_: Any) -> Array:
        asked.append(targets)
        network: Network = network_of(model)
        found = attribute(network, torch.from_numpy(inputs), "advantage", action=targets)
        maps: Array = found.map.numpy()
        return maps

    similarity = import_module("quantus.functions.similarity_func").correlation_spearman
    metric = quantus.RandomLogit(similarity_func=similarity, num_classes=4, seed=3, **FLAGS)
    theirs = metric(
        model=model,
        x_batch=frames,
        y_batch=actions,
        a_batch=relevance.map.numpy(),
        softmax=False,
        channel_first=True,
        explain_func=advantage,
    )
    other = advantage(model, frames, asked[-1])
    ours = rank_correlation(_rows(relevance.map.numpy()), _rows(other))
    return float(np.abs(ours - np.array(theirs)).max())


def structure(quantus: Any, model: nn.Module, frames: Array) -> float:
    """SSIM of maps by two composites, image by image; Wang et al. 2004."""
    similarity = import_module("quantus.functions.similarity_func").ssim
    pair = [
        attribute(network_of(model), torch.from_numpy(frames), composite=name).map.numpy()
        for name in ("epsilon-gamma-box", "epsilon-plus-flat")
    ]
    scaled = [maps / np.abs(maps).max(axis=(1, 2, 3), keepdims=True) for maps in pair]
    theirs = [
        np.mean([similarity(a, b) for a, b in zip(x, y, strict=True)])
        for x, y in zip(*scaled, strict=True)
    ]
    return float(np.abs(structural_similarity(pair[0], pair[1]) - np.array(theirs)).max())


def _rows(maps: Array) -> Array:
    return maps.reshape(len(maps), -1)


COMPARISONS: Mapping[str, Callable[[Any, nn.Module, Array], float]] = {
    "RegionPerturbation, MoRF and LeRF": region_perturbation,
    "PixelFlipping, single pixels": single_pixels,
    "MPRT, Spearman": randomisation,
    "RandomLogit, Spearman": random_logit,
    "SSIM": structure,
}


def main() -> int:
    """Print the table and keep it; 1 if anything differs."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    quantus = load_quantus()
    path = files("rlmonitor").joinpath("data/breakout.safetensors")
    policy = q_network(load_checkpoint(str(path)))
    model = in_double(nn.Sequential(policy.features_extractor, policy.q_net))
    frames = as_single(load_probe("breakout").observation[::28] / 255.0)
    found = {name: compare(quantus, model, frames) for name, compare in COMPARISONS.items()}
    rows = [f"| {name} | {difference:.0e} |" for name, difference in found.items()]
    text = (
        f"# The same numbers as Quantus {quantus.__version__}\n\n"
        f"{len(frames)} frames in the trained Breakout network, double precision "
        "(`benchmarks/quantus_agreement.py`).\n\n"
        "| measure | largest difference of any number |\n| --- | --- |\n" + "\n".join(rows) + "\n"
    )
    print(text)
    (ROOT / "benchmarks" / "results" / "quantus_agreement.md").write_text(text, encoding="utf-8")
    worst = max(found.values())
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
