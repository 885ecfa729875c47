"""Time, memory and correctness of SpRAy as maps grow in number, and its false splits.

    python benchmarks/spray.py

Maps of 84 x 84 with a bright spot at one of five places, jittered by two pixels, on noise; they
lie on disk, as a run's do, each size in a process of its own. Seconds are CPU seconds of one
thread, which other work on the machine disturbs least. *Rand* is the adjusted Rand index with the
planted places, *full* means without landmarks. Then the share of seeds in which one cloud of points
was split, and of those in which two clouds were found, by their distance.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESULTS = Path(__file__).resolve().parent / "results"
SIDE, PLACES = 84, 5
Cloud = Callable[[np.random.Generator, int], NDArray[np.float64]]


@dataclass(frozen=True)
class Run:
    """One size: CPU seconds for clusters and t-SNE picture, peak MiB, adjusted Rand index."""

    maps: int
    landmarks: int
    cluster: float
    embed: float
    peak: float
    rand: float
    strategies: int


def planted(path: Path, n: int) -> NDArray[np.int64]:
    """Write ``[n, 1, 84, 84]`` float16 maps, return where each spot was planted."""
    generator = np.random.default_rng(0)
    angle = 2 * np.pi * np.arange(PLACES) / PLACES
    centres = SIDE / 2 + 25 * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    truth = generator.integers(PLACES, size=n)
    line = np.arange(SIDE)
    file: Any = np.memmap(path, np.float16, "w+", shape=(n, 1, SIDE, SIDE))
    for start in range(0, n, 1000):
        at = centres[truth[start : start + 1000]]
        at = at + generator.normal(0, 2, at.shape)
        bumps = np.exp(-((line - at[:, :, None]) ** 2) / 18)
        noise = generator.random((len(at), SIDE, SIDE), np.float32)
        file[start : start + 1000, 0] = bumps[:, 0, :, None] * bumps[:, 1, None, :] + 0.03 * noise
    file.flush()
    return truth


def run(n: int, landmarks: int) -> Run:
    """Cluster ``n`` maps in this process, whose peak memory is then that of the work."""
    from sklearn.metrics import adjusted_rand_score

    from rlmonitor.strategy.embedding import embed
    from rlmonitor.strategy.spray import SpraySettings, spray

    one_thread: Any = import_module("threadpoolctl").threadpool_limits(1)
    with one_thread, tempfile.NamedTemporaryFile(suffix=".maps") as file:
        truth = planted(Path(file.name), n)
        maps: Any = np.memmap(file.name, np.float16, "r", shape=(n, 1, SIDE, SIDE))
        begin = time.process_time()
        found = spray(maps, settings=SpraySettings(n_landmarks=landmarks))
        middle = time.process_time()
        embed(found)
        end = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rand = adjusted_rand_score(truth, found.labels)
    used = min(n, landmarks)
    return Run(n, used, middle - begin, end - middle, peak, rand, len(found.clusters))


def growth(sizes: list[int], full: int) -> list[Run]:
    """Every size with 2,000 landmarks; those up to ``full`` also without any."""
    jobs = [(n, 2000) for n in sizes] + [(n, n) for n in sizes if 2000 < n <= full]
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        return pool.starmap(run, jobs, chunksize=1)


def _curve(generator: np.random.Generator, n: int) -> NDArray[np.float64]:
    along = generator.random((n, 1))
    return np.cos(3 * along + np.arange(10)) + generator.normal(0, 0.02, (n, 10))


def _gaussian(dimensions: int) -> Cloud:
    return lambda generator, n: generator.standard_normal((n, dimensions))


def _apart(distance: float) -> Cloud:
    def two(generator: np.random.Generator, n: int) -> NDArray[np.float64]:
        points = generator.standard_normal((n, 10))
        points[: n // 2, 0] += distance
        return points

    return two


ONE: dict[str, Cloud] = {
    "Gaussian, 2 dimensions": _gaussian(2),
    "Gaussian, 10 dimensions": _gaussian(10),
    "Gaussian, 441 dimensions": _gaussian(441),
    "Student t (3 degrees), 10 dimensions": lambda g, n: g.standard_t(3, (n, 10)),
    "exponential, 2 dimensions": lambda g, n: g.exponential(size=(n, 2)),
    "uniform square": lambda g, n: g.random((n, 2)),
    "noisy curve in 10 dimensions": _curve,
}
TWO: dict[str, Cloud] = {
    f"two Gaussians {distance} deviations apart": _apart(distance) for distance in (3, 4, 5, 6)
}


def splits(cloud: Cloud, n: int, seeds: int) -> float:
    """Share of seeds in which the eigengap says more than one cluster."""
    from rlmonitor.strategy import spectral

    found = 0
    for seed in range(seeds):
        points = cloud(np.random.default_rng(seed), n).astype(np.float32)
        graph = spectral.neighbour_graph(points, 10)
        found += spectral.eigengap(spectral.laplacian_spectrum(graph, seed=0), seed=0) > 1
    return found / seeds


def split_rates(points: list[int], seeds: int) -> dict[str, list[float]]:
    """Each cloud's `splits`, for each number of points."""
    clouds = {**ONE, **TWO}
    return {name: [splits(cloud, n, seeds) for n in points] for name, cloud in clouds.items()}


def tables(runs: list[Run], rates: dict[str, list[float]], points: list[int], seeds: int) -> str:
    """Both tables as Markdown."""
    lines = ["| maps | landmarks | clusters, s | t-SNE, s | peak MiB | strategies | Rand |"]
    lines += ["| --- " * 7 + "|"]
    for r in runs:
        landmarks = f"{r.landmarks:,}" if r.landmarks < r.maps else "full"
        lines.append(
            f"| {r.maps:,} | {landmarks} | {r.cluster:.1f} | {r.embed:.1f} | {r.peak:.0f} "
            f"| {r.strategies} | {r.rand:.3f} |"
        )
    lines += ["", f"Split in more than one, share of {seeds} seeds:", ""]
    lines += ["| points | " + " | ".join(f"{n:,}" for n in points) + " |"]
    lines += ["| --- " * (len(points) + 1) + "|"]
    for name, found in rates.items():
        lines.append(f"| {name} | " + " | ".join(f"{rate:.2f}" for rate in found) + " |")
    return "\n".join([*lines, ""])


def draw(runs: list[Run], path: Path) -> None:
    """Seconds and memory over the number of maps."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    landmarks = [r for r in runs if r.landmarks == min(r.maps, 2000)]
    full = [r for r in runs if r.landmarks == r.maps and r.maps >= 2000]
    for name, chosen, colour in (
        ("2,000 landmarks", landmarks, "#0072b2"),
        ("full graph", full, "#d55e00"),
    ):
        n = [r.maps for r in chosen]
        axes[0].plot(n, [r.cluster for r in chosen], "o-", color=colour, label=name)
        axes[1].plot(n, [r.peak for r in chosen], "o-", color=colour, label=name)
    for axis, label in zip(
        axes, ("CPU seconds for the clusters", "peak MiB of the process"), strict=True
    ):
        axis.set(xscale="log", yscale="log", xlabel="maps", ylabel=label)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
    axes[0].legend(frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Measure, print, and write table and plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    sizes = [500, 2000, 5000, 10_000, 20_000, 50_000, 100_000]
    parser.add_argument("--sizes", type=int, nargs="+", default=sizes)
    parser.add_argument("--full", type=int, default=10_000, help="largest size without landmarks")
    parser.add_argument("--points", type=int, nargs="+", default=[128, 500, 2000])
    parser.add_argument("--seeds", type=int, default=25)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the results")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    runs = growth(arguments.sizes, arguments.full)
    draw(runs, arguments.out / "spray.png")
    rates = split_rates(arguments.points, arguments.seeds)
    text = tables(runs, rates, arguments.points, arguments.seeds)
    print(text)
    (arguments.out / "spray.md").write_text(f"{__doc__}\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
