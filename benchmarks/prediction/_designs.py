"""How the peers read the matrix: dense numbers for trees, sparse ones for ridge and nearest neighbours.

Everything that is learned here (vocabulary, means, text components) is learned from the training rows alone.
"""

from collections import Counter

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

Y, KNOWN, WEEK, LAUNCH = "y", "known_at", "week", "launch_at"
MISSING = "miss:"


def columns(frame: pd.DataFrame, *prefixes: str) -> list[str]:
    """Return the columns of these kinds."""
    return [name for name in frame.columns if name.startswith(tuple(f"{prefix}:" for prefix in prefixes))]


def texts(frame: pd.DataFrame) -> list[str]:
    """Return all sentences of each row as one text."""
    named = columns(frame, "text")
    if not named:
        return [""] * len(frame)
    return [" ".join(parts) for parts in zip(*(frame[name].astype(str) for name in named), strict=True)]


def row_tokens(frame: pd.DataFrame) -> list[list[str]]:
    """Return the named values of each row: `field=value`, market and surface among them."""
    rows: list[list[str]] = [[] for _ in range(len(frame))]
    for name in [*columns(frame, "cat", "list"), "market", "surface"]:
        field, is_list = name.partition(":")[2] or name, name.startswith("list:")
        for row, value in zip(rows, frame[name].astype(str), strict=True):
            row += [f"{field}={part}" for part in (value.split("|") if is_list else [value]) if part]
    return rows


class Dense:
    """Numbers, flags, calendar, histories, the commonest values and sixteen components of the text."""

    def __init__(self, train: pd.DataFrame, seed: int, *, with_shadow: bool = False) -> None:
        self._numbers = columns(train, "num", "miss", "cal", "hist", *(["shadow"] if with_shadow else []))
        counts = Counter(token for row in row_tokens(train) for token in set(row))
        common = [(token, n) for token, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if n >= 5]
        self._place = {token: at for at, (token, _) in enumerate(common[:150])}
        self._tfidf, self._svd = _text_parts(train, seed)

    def __call__(self, frame: pd.DataFrame) -> np.ndarray:
        """Return shape (n rows, n features), missing numbers as NaN."""
        flags = np.zeros((len(frame), len(self._place)))
        for at, row in enumerate(row_tokens(frame)):
            flags[at, [self._place[token] for token in row if token in self._place]] = 1
        parts = [frame[self._numbers].to_numpy(dtype=float), flags]
        if self._tfidf is not None and self._svd is not None:
            parts.append(self._svd.transform(self._tfidf.transform(texts(frame))))
        return np.hstack(parts)


def _text_parts(train: pd.DataFrame, seed: int) -> tuple[TfidfVectorizer | None, TruncatedSVD | None]:
    try:
        tfidf = TfidfVectorizer(min_df=3, max_features=5_000, sublinear_tf=True, stop_words="english")
        seen = tfidf.fit_transform(texts(train))
    except ValueError:  # no words
        return None, None
    if seen.shape[1] <= 16:
        return None, None
    return tfidf, TruncatedSVD(16, random_state=seed).fit(seen)


class Sparse:
    """TF-IDF of text and of all values, standardised numbers (the mean where missing), histories and missing flags."""

    def __init__(self, train: pd.DataFrame, *, token_weight: float = 1.0) -> None:
        self._numbers = columns(train, "num", "miss", "cal", "hist")
        numbers = train[self._numbers].to_numpy(dtype=float)
        finite = np.isfinite(numbers)
        counts = np.maximum(finite.sum(axis=0), 1)
        self._mean = np.where(finite, numbers, 0.0).sum(axis=0) / counts
        variance = np.where(finite, (numbers - self._mean) ** 2, 0.0).sum(axis=0) / counts
        self._scale = np.where(variance > 1e-12, np.sqrt(variance), 1.0)
        self._weight = token_weight
        self._values = TfidfVectorizer(analyzer=_same, min_df=2).fit(row_tokens(train))
        self._texts = self._words(train)

    def __call__(self, frame: pd.DataFrame) -> sparse.csr_matrix:
        """Return shape (n rows, n features)."""
        numbers = frame[self._numbers].to_numpy(dtype=float)
        numbers = np.where(np.isfinite(numbers), (numbers - self._mean) / self._scale, 0.0)
        values = self._values.transform(row_tokens(frame)) * self._weight
        parts = [sparse.csr_matrix(np.clip(numbers, -5, 5) * 0.3), values]
        if self._texts is not None:
            parts.append(self._texts.transform(texts(frame)))
        return sparse.hstack(parts).tocsr()

    @staticmethod
    def _words(train: pd.DataFrame) -> TfidfVectorizer | None:
        words = TfidfVectorizer(min_df=2, max_features=20_000, sublinear_tf=True, stop_words="english")
        try:
            return words.fit(texts(train))
        except ValueError:  # no words
            return None


def _same(row: list[str]) -> list[str]:
    return row
