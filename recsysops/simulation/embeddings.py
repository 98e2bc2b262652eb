"""The text encoder of the simulated service: a synopsis to a short vector, as text the catalogue's CSV can carry.

Not for what the recommender makes of it (`recommender`) or when it is computed (`versions`).
"""

import re
from typing import Final

import numpy as np

from recsysops.simulation._words import N_TOPICS, TOPICS
from recsysops.simulation.world import Floats

SEPARATOR: Final = "|"
_WORDS_FOR_TRUST: Final = 10
_TOKEN: Final = re.compile(r"[a-z][a-z-]+")
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d{1,2})?")
_WORD_TOPIC: Final = {word: t for t, topic in enumerate(TOPICS) for word in (*topic.nouns, *topic.adjectives)}


def _rotation() -> Floats:
    """Return an orthogonal matrix that mixes all topics into each number, so that none of them is a topic by itself."""
    matrix = np.ones((1, 1), dtype=np.float32)
    while len(matrix) < N_TOPICS:
        matrix = np.kron(matrix, np.array([[1, 1], [1, -1]], dtype=np.float32))
    return np.asarray(matrix / np.sqrt(np.float32(N_TOPICS)), dtype=np.float32)


_ROTATION: Final = _rotation()


def topics_of(text: str) -> Floats:
    """Return how much of each topic a text speaks of, shape (topics,), sum 0 to 1: less than 1 where it says little."""
    topics = [_WORD_TOPIC[word] for word in _TOKEN.findall(text.lower()) if word in _WORD_TOPIC]
    counts = np.bincount(np.array(topics, dtype=np.int64), minlength=N_TOPICS).astype(np.float32)
    return np.asarray(counts / np.float32(max(len(topics), _WORDS_FOR_TRUST)))


def embed(text: str) -> str:
    """Return the embedding of a text, written as numbers with three decimals."""
    return written(topics_of(text))


def written(topics: Floats) -> str:
    """Return topics as the encoder writes them."""
    return SEPARATOR.join(f"{value:.3f}" for value in topics @ _ROTATION + np.float32(0.0))


def read_embedding(text: str) -> Floats:
    """Return the topics an embedding speaks of, shape (topics,), 0 or more, sum at most 1; nothing where it is none."""
    values = np.array([float(number) for number in _NUMBER.findall(text)], dtype=np.float64)
    # The encoder writes nothing beyond 1.
    if len(values) != N_TOPICS or np.abs(values).max() > 1.0:
        return np.zeros(N_TOPICS, dtype=np.float32)
    topics = np.maximum(values @ _ROTATION.T, np.float32(0.0))
    # What three decimals cut off would else be read as a little of every topic.
    topics = np.where(topics < 0.005, np.float32(0.0), topics)
    return np.asarray(topics / max(float(topics.sum()), 1.0), dtype=np.float32)
