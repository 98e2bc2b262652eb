"""The column names of the simulated service's own files, as its engineers chose them, and its metadata fields.

Not the names RecSysOps uses inside: where a user's name is the same as ours it comes from `recsysops.columns`.
"""

from typing import Final

from recsysops.columns import MARKET, OBSERVED_AT, PROVIDER, SERIES_ID

ITEM_ID: Final = "item_id"
ITEM_NAME: Final = "item_name"
FRANCHISE: Final = "franchise"
SYNOPSIS: Final = "synopsis"
EMBEDDING: Final = "embedding"
"""Of the synopsis, by the service's text encoder; computed when a text arrives, and a version late when it changes."""
GENRES: Final = "genres"
TAGS: Final = "tags"
CAST: Final = "cast"
DIRECTOR: Final = "director"
LANGUAGE: Final = "original_language"
DUBS: Final = "dub_languages"
SUBTITLES: Final = "subtitle_languages"
RATING: Final = "maturity_rating"
RUNTIME: Final = "runtime_minutes"
ARTWORK: Final = "artwork_url"
ARTWORK_WIDTH: Final = "artwork_width"
ARTWORK_HEIGHT: Final = "artwork_height"
ARTWORK_QUALITY: Final = "artwork_quality"
"""What a vision model thinks of the artwork, 0 to 1."""
TRAILER: Final = "trailer_url"
MARKETS_FIELD: Final = "markets"
AVAILABLE_FROM: Final = "available_from"
AVAILABLE_UNTIL: Final = "available_until"

FIELDS: Final = (
    ITEM_NAME, SERIES_ID, PROVIDER, FRANCHISE, SYNOPSIS, EMBEDDING, GENRES, TAGS, CAST, DIRECTOR, LANGUAGE, DUBS,
    SUBTITLES, RATING, RUNTIME, ARTWORK, ARTWORK_WIDTH, ARTWORK_HEIGHT, ARTWORK_QUALITY, TRAILER, MARKETS_FIELD,
    AVAILABLE_FROM, AVAILABLE_UNTIL,
)  # fmt: skip
"""Metadata fields of the catalogue, in the order of the file."""
CATALOGUE: Final = (ITEM_ID, MARKET, OBSERVED_AT, *FIELDS)
"""Columns of the catalogue file."""

DUBS_DE: Final = "dub_languages_de"
SUBTITLES_DE: Final = "subtitle_languages_de"
RATING_DE: Final = "maturity_rating_de"
ARTWORK_DE: Final = "artwork_url_de"
OVERRIDES: Final = {DUBS_DE: DUBS, SUBTITLES_DE: SUBTITLES, RATING_DE: RATING, ARTWORK_DE: ARTWORK}
"""German override of a field, and the field: they become rows of the catalogue of their own, with a market."""

TITLE: Final = "title_row"
"""Row number of a title in the slate, inside the simulation only."""
REACH_WITHOUT_FAULTS: Final = "reach_without_faults"
REACH: Final = "reach"
REPEAT: Final = "repeat"
"""Number of a repeat of a first day, from 0."""
REPEATED_REACH: Final = "repeated_reach"
REPEATED_ACTIVE: Final = "repeated_active"
IS_HIDDEN: Final = "is_hidden"
"""Whether a title has a fault that nothing known before launch shows: it reaches the candidate index late."""
MATERIAL: Final = "material"
"""Whether a fault costs at least 0.4 logit of first-day reach."""
