"""How the titles are described: names, synopses, genres, tags, people, languages, ratings, artwork.

Writes the complete and correct metadata of every title from its truth. Not for what is missing or wrong: that is for
`versions` and `faults`.
"""

import re
from typing import Final

import numpy as np
import pandas as pd

from recsysops.columns import PROVIDER, SERIES_ID
from recsysops.simulation import _fields as f
from recsysops.simulation._words import (
    FAMILY_NAMES,
    FRANCHISES,
    GIVEN_NAMES,
    N_TOPICS,
    PLACES,
    PROVIDERS,
    SENTENCES,
    TOPICS,
)
from recsysops.simulation.catalogue import Titles
from recsysops.simulation.embeddings import embed
from recsysops.simulation.planning import BACK, Slate
from recsysops.simulation.world import LANGUAGES, MARKETS, Bools, Floats, Ints, WorldConfig, stream

RATING_LABELS: Final = ("0+", "6+", "12+", "16+", "18+")
_A_BEFORE_VOWEL: Final = re.compile(r"(?<=\b[Aa])(?= [aeiou])")
USUAL_ARTWORK: Final = 0.65
"""Quality of the mean artwork."""
_NUMBERS: Final = (f.RUNTIME, f.ARTWORK_WIDTH, f.ARTWORK_HEIGHT, f.ARTWORK_QUALITY)
_SIZES: Final = ((1920, 1080), (2560, 1440), (1280, 720))


def person_name(person: int) -> str:
    """Return the name of a person, different for each."""
    given = GIVEN_NAMES[person % len(GIVEN_NAMES)]
    return f"{given} {FAMILY_NAMES[(person // len(GIVEN_NAMES) + 7 * (person % len(GIVEN_NAMES))) % len(FAMILY_NAMES)]}"


def describe(config: WorldConfig, slate: Slate, titles: Titles) -> pd.DataFrame:
    """Return the complete metadata of every title, one row each in the order of the slate.

    Columns: `FIELDS` and the German overrides; text, NaN where a field does not apply.
    """
    rng = stream(config, 4)
    n = len(slate.item_id)
    topics = _drawn_topics(rng, titles.content, 48)
    frame = pd.DataFrame({f.ITEM_NAME: _names(rng, titles, topics)})
    frame[SERIES_ID] = [f"series-{s:04d}" if s >= 0 else None for s in titles.series]
    frame[PROVIDER] = np.array(PROVIDERS)[titles.provider]
    frame[f.FRANCHISE] = [FRANCHISES[k] if k >= 0 else None for k in titles.franchise]
    frame[f.SYNOPSIS] = _synopses(rng, topics)
    frame[f.EMBEDDING] = [embed(text) for text in frame[f.SYNOPSIS]]
    frame[f.GENRES] = _genres(rng, titles.content)
    frame[f.TAGS] = _tags(rng, topics)
    frame[f.CAST] = ["|".join(person_name(p) for p in people) for people in titles.cast]
    frame[f.DIRECTOR] = [person_name(p) for p in titles.director]
    frame[f.LANGUAGE] = np.array(LANGUAGES)[titles.language]
    frame[f.RATING] = np.array(RATING_LABELS)[titles.rating]
    frame[f.RATING_DE] = [
        RATING_LABELS[d] if d != g else None for d, g in zip(titles.rating_de, titles.rating, strict=True)
    ]
    frame[f.RUNTIME] = np.clip(rng.normal(104, 22, n), 22, 210).round()
    _describe_audio(frame, rng, titles)
    _describe_assets(frame, rng, slate, _artwork_quality(config, titles.provider))
    frame[f.MARKETS_FIELD] = _joined([(market.code, titles.in_market[:, m]) for m, market in enumerate(MARKETS)])
    dates = np.array([config.date_of(int(day)).isoformat() for day in range(slate.launch_day.min(), config.n_days + 1)])
    frame[f.AVAILABLE_FROM] = dates[slate.launch_day - slate.launch_day.min()]
    years = np.where((titles.provider == 0) | (slate.role == BACK), 0, rng.integers(1, 6, n))
    frame[f.AVAILABLE_UNTIL] = [
        f"{int(date[:4]) + y}-12-31" if y else None for date, y in zip(frame[f.AVAILABLE_FROM], years, strict=True)
    ]
    text = [column for column in frame if column not in _NUMBERS]
    return frame.astype(dict.fromkeys(text, "str"))


def _drawn_topics(rng: np.random.Generator, content: Floats, size: int) -> Ints:
    """Draw `size` topics for each title in proportion to its content, with a little noise; title x size."""
    noisy = 0.93 * content + 0.07 / N_TOPICS
    cumulative = np.cumsum(noisy / noisy.sum(axis=1, keepdims=True), axis=1)
    draws = rng.random((len(content), size))
    return np.asarray(np.minimum((draws[:, :, None] > cumulative[:, None, :]).sum(axis=2), N_TOPICS - 1))


def _names(rng: np.random.Generator, titles: Titles, topics: Ints) -> list[str]:
    picks = rng.integers(0, 1 << 30, (len(topics), 3))
    seen: dict[str, int] = {}
    names = []
    for row, (which, series) in enumerate(zip(picks, titles.series, strict=True)):
        adjectives, nouns = TOPICS[topics[row, 0]].adjectives, TOPICS[topics[row, 1]].nouns
        name = f"The {adjectives[which[0] % 6].title()} {nouns[which[1] % 10].title()}"
        if titles.franchise[row] >= 0:
            name = f"{FRANCHISES[titles.franchise[row]]}: {nouns[which[1] % 10].title()}"
        if series >= 0:
            name += f", Season {titles.season[row]}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def _synopses(rng: np.random.Generator, topics: Ints) -> list[str]:
    """Write four or five sentences per title whose nouns and adjectives come from its topics."""
    n = len(topics)
    pick = rng.integers(0, 1 << 30, (n, 48))
    order = rng.permuted(np.tile(np.arange(len(SENTENCES)), (n, 1)), axis=1)
    length = rng.integers(4, 6, n)
    texts = []
    for row in range(n):
        who = GIVEN_NAMES[pick[row, 0] % len(GIVEN_NAMES)]
        sentences = []
        for k in range(length[row]):
            at = 2 + 5 * k
            words = [TOPICS[t] for t in topics[row, at : at + 5]]
            chosen = pick[row, at : at + 5]
            sentences.append(
                SENTENCES[order[row, k]].format(
                    n0=words[0].nouns[chosen[0] % 10], n1=words[1].nouns[chosen[1] % 10],
                    n2=words[2].nouns[chosen[2] % 10],
                    a0=words[3].adjectives[chosen[3] % 6], a1=words[4].adjectives[chosen[4] % 6],
                    who=who, place=PLACES[(pick[row, 1] + k) % len(PLACES)],
                )
            )  # fmt: skip
        text = " ".join(s[0].upper() + s[1:] for s in sentences)
        texts.append(_A_BEFORE_VOWEL.sub("n", text))
    return texts


def _genres(rng: np.random.Generator, content: Floats) -> list[str]:
    """Name the one to three topics a title is most about, as an editor would, with a little disagreement."""
    judged = content + rng.normal(0.0, 0.03, content.shape)
    order = np.argsort(-judged, axis=1, kind="stable")[:, :3]
    strong = np.take_along_axis(judged, order, axis=1) > 0.14
    strong[:, 0] = True
    pairs = zip(order, strong, strict=True)
    return ["|".join(TOPICS[t].genre for t, is_strong in zip(*pair, strict=True) if is_strong) for pair in pairs]


def _tags(rng: np.random.Generator, topics: Ints) -> list[str]:
    pick = rng.integers(0, 5, (len(topics), 5))
    tags = []
    for row in range(len(topics)):
        chosen = [TOPICS[t].tags[p] for t, p in zip(topics[row, -5:], pick[row], strict=True)]
        tags.append("|".join(dict.fromkeys(chosen)))
    return tags


def _describe_audio(frame: pd.DataFrame, rng: np.random.Generator, titles: Titles) -> None:
    """Fill dubs and subtitles: the general row says what the United States get, the override what Germany gets."""
    spanish = rng.random(len(frame)) < 0.6
    english, german = titles.dubbed[:, 0] & (titles.language != 0), titles.dubbed[:, 1] & (titles.language != 1)
    frame[f.DUBS] = _joined([("en", english), ("es", spanish & (titles.language != LANGUAGES.index("es")))])
    frame[f.DUBS_DE] = _joined([("de", german)])
    frame[f.SUBTITLES] = _joined([("en", titles.subtitled[:, 0]), ("es", spanish)])
    frame[f.SUBTITLES_DE] = _joined([("de", titles.subtitled[:, 1])])


def _joined(parts: list[tuple[str, Bools]]) -> list[str | None]:
    rows = zip(*(flags for _, flags in parts), strict=True)
    return ["|".join(code for (code, _), has in zip(parts, row, strict=True) if has) or None for row in rows]


def _describe_assets(frame: pd.DataFrame, rng: np.random.Generator, slate: Slate, quality: Floats) -> None:
    size = np.array(_SIZES)[rng.choice(3, len(frame), p=[0.7, 0.2, 0.1])]
    local = rng.random(len(frame)) < 0.25
    frame[f.ARTWORK] = [f"https://img.example.com/{item}/wide.jpg" for item in slate.item_id]
    localised = [f"https://img.example.com/{item}/wide.de.jpg" for item in slate.item_id]
    frame[f.ARTWORK_DE] = [url if has else None for url, has in zip(localised, local, strict=True)]
    frame[f.ARTWORK_WIDTH] = size[:, 0].astype(np.float64)
    frame[f.ARTWORK_HEIGHT] = size[:, 1].astype(np.float64)
    frame[f.ARTWORK_QUALITY] = quality
    frame[f.TRAILER] = [f"https://video.example.com/{item}/trailer.mp4" for item in slate.item_id]


def _artwork_quality(config: WorldConfig, provider: Ints) -> Floats:
    """Return what a vision model thinks of each artwork: most are fair, those of better providers a little better."""
    mean = USUAL_ARTWORK + 0.011 * (5.5 - provider)
    return np.round(stream(config, 12).beta(9.0 * mean, 9.0 * (1.0 - mean)), 2).astype(np.float64)
