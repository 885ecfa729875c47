"""corelay 1.0.0, the reference implementation of SpRAy, as an oracle.

It imports two packages for storage on disk, which nothing here needs; empty classes stand in.
"""

import sys
import types

import numpy as np

_STAND_INS = {"metrohash": ("MetroHash128",), "h5py": ("File", "Group", "Dataset")}


def _corelay():
    """Its pipeline, imported with the stand-ins, which are taken away again."""
    added = [name for name in _STAND_INS if name not in sys.modules]
    for name in added:
        module = types.ModuleType(name)
        vars(module).update({kind: type(kind, (), {}) for kind in _STAND_INS[name]})
        sys.modules[name] = module
    try:
        import corelay.pipeline.spectral
        import corelay.processor.clustering
        import corelay.processor.embedding
    finally:
        for name in added:
            del sys.modules[name]
    return corelay


corelay = _corelay()


def _preprocess(maps, block):
    """The 'absspectral' variant of its example, with its sum pooling, in plain numpy."""
    picture = np.abs(maps).sum(axis=1)
    picture = picture / picture.sum(axis=(1, 2), keepdims=True)
    n, height, width = picture.shape
    blocks = picture.reshape(n, height // block, block, width // block, block)
    return blocks.sum(axis=(2, 4)).reshape(n, -1)


def corelay_labels(maps, n_clusters, block=4):
    """``(eigenvalues, labels)`` of maps ``[N, C, H, W]`` with its defaults, ten neighbours.

    Only Lanczos' method gets more vectors: with its default, corelay misses some of the zeros of a
    graph in several components, another time others, because nothing seeds it.
    """
    processor = corelay.processor
    lanczos = {"ncv": min(100, len(maps))}
    pipeline = corelay.pipeline.spectral.SpectralClustering(
        preprocessing=lambda data: _preprocess(data, block),
        embedding=processor.embedding.EigenDecomposition(
            n_eigval=n_clusters, kwargs=lanczos, is_output=True
        ),
        clustering=processor.clustering.KMeans(
            n_clusters=n_clusters, kwargs={"random_state": 0, "n_init": 10}, is_output=True
        ),
    )
    (values, _), labels = pipeline(maps)
    return np.sort(values), labels
