"""Text to a few numbers: TF-IDF and truncated SVD, stored as plain arrays. Not for choosing fields."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd

from recsysops.model._asof import Floats

_MIN_TEXTS: Final = 20
_MAX_WORDS: Final = 3000
_BETWEEN: Final = "\x1f"
"""Stands between two texts; no word holds it."""
_TOKENS: Final = re.compile(rf"\w\w+|{_BETWEEN}")


@dataclass(frozen=True)
class TextModel:
    """Words, their weights and their directions; `words` empty where there was too little text."""

    words: tuple[str, ...]
    idf: Floats
    """Shape (n words,)."""
    components: Floats
    """Shape (n dimensions, n words)."""

    @classmethod
    def fit(cls, texts: Sequence[str], n_dimensions: int, seed: int) -> "TextModel":
        """Learn words and directions from texts; an empty text teaches nothing."""
        filled = [text for text in texts if text]
        if len(filled) < _MIN_TEXTS:
            return cls((), np.zeros(0), np.zeros((0, 0)))
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectoriser = TfidfVectorizer(
            min_df=3, max_df=0.5, max_features=_MAX_WORDS, sublinear_tf=True, stop_words="english"
        )
        try:
            weights = vectoriser.fit_transform(filled)
        except ValueError:  # no word is left
            return cls((), np.zeros(0), np.zeros((0, 0)))
        n = min(n_dimensions, weights.shape[1] - 1, len(filled) - 1)
        if n < 1:
            return cls((), np.zeros(0), np.zeros((0, 0)))
        svd = TruncatedSVD(n_components=n, n_iter=4, random_state=seed).fit(weights)
        return cls(tuple(vectoriser.get_feature_names_out()), vectoriser.idf_, svd.components_)

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Return one row of length one (zero where no word is known) per text, shape (n texts, n dimensions)."""
        if not self.words:
            return np.zeros((len(texts), 0))
        counts: Any = self._counts(texts)
        counts.data = (1 + np.log(counts.data)) * self.idf[counts.indices]
        lengths = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
        projected = np.asarray(counts @ self.components.T, dtype=np.float64)
        return np.asarray(projected / np.where(lengths > 0, lengths, 1.0)[:, None], dtype=np.float64)

    def _counts(self, texts: Sequence[str]) -> Any:  # noqa: ANN401 - the library ships no types
        """Return how often each text has each word, as TfidfVectorizer reads texts: all of them in one go."""
        from scipy.sparse import csr_array

        joined = _BETWEEN.join(text.replace(_BETWEEN, " ") for text in texts).lower()
        tokens = np.array([*_TOKENS.findall(joined), ""], dtype=object)[:-1]
        place = self._places.get_indexer(pd.Index(tokens))
        text = np.cumsum(tokens == _BETWEEN)
        known = place >= 0
        shape, ones = (len(texts), len(self.words)), np.ones(int(known.sum()))
        counts = csr_array((ones, (text[known], place[known])), shape=shape)
        counts.sort_indices()
        return counts

    @cached_property
    def _places(self) -> "pd.Index[str]":
        return pd.Index(self.words, dtype=object)
