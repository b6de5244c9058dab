"""Embeddings that gather around a direction for each class."""

import numpy as np

from gromega.model.neighbours import to_directions


def clusters(generator, n, width=8, noise=0.3):
    """Return embeddings that gather around a direction for each of three classes."""
    y = np.arange(n) % 3
    centres = np.eye(3, width)
    x = 5 * centres[y] + noise * 5 * generator.normal(size=(n, width))
    return x.astype(np.float32), y


def known_directions(neighbours):
    return to_directions(neighbours.directions * neighbours.steps)


def nearest(neighbours, embeddings, k):
    log_p = np.zeros((len(embeddings), neighbours.n_groups))
    result = neighbours.query(log_p, embeddings, k)
    return result.indices, result.similarity
