"""What words in the names of columns and files mean: synonyms, compounds, plurals. Not for what the cells hold."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from recsysops import columns as c

_VOCABULARY: Final = """
title: title item content movie film show asset product video program programme vod imdb tmdb titel inhalt artikel
    sendung werk sku media track song book podcast game course news article clip tconst entity eidr isan asin ean
id: id key code nr nummer number no kennung uid uuid guid ref identifier ids schluessel pk num kuerzel
    eidr isan asin ean tconst
member: user member viewer subscriber customer profile account nutzer kunde mitglied benutzer abonnent household
    haushalt visitor client person listener reader player profil konto msisdn zuschauer uid
time: ts time timestamp at date datetime datum zeit zeitpunkt zeitstempel day when tag epoch dt on uhrzeit
event: event served serve shown occurred impression play log logged request created recorded happened ereignis view
    viewed watched rated click session
launch: launch release premiere publish published live erscheinung erscheinen veroeffentlichung golive go start
    premiered onair launching released debut erst
available: available availability window verfuegbar verfuegbarkeit
from: from begin ab von since
until: until to end expiry expires bis ende
observed: observed updated modified changed snapshot extracted exported stand geaendert aktualisiert asof version
    edited known export extract lastmod revision reported
market: market country territory region land markt geo cc locale laender territorium
surface: surface page screen placement platform app channel oberflaeche widget zone plattform seite kanal bereich feed
    module carousel
position: position pos rank slot index idx platz rang ordinal place
name: name bezeichnung label caption heading headline
provider: provider studio distributor licensor supplier partner anbieter vendor lieferant publisher network verleih
series: series show franchise serie parent reihe staffel season
low: low lower min lo pessimistic untere unter minimum floor worst p10 mindestens q10 niedrig
best: best expected plan target forecast mid median p50 erwartet ziel goal likely mode expectation planned mean q50
    estimate erwartung prognose
high: high upper max hi optimistic obere ober maximum ceiling p90 hoechstens q90 hoch
measure: measure metric kpi kennzahl messgroesse reach share uptake reichweite
horizon: horizon horizont window zeitraum days tage period
unit: unit einheit units
confidence: confidence conf sicherheit level probability
author: author autor ersteller planner planned owner by creator team verantwortlich
status: status state zustand
kind: kind type event action aktion typ art category kategorie verb
what: what description message summary detail details beschreibung text note notes aenderung comment subject
outcome: views plays clicks votes revenue popularity likes streams downloads boxoffice watchtime completions gross
    aufrufe umsatz stimmen bewertungen sales ctr conversions engagement popularitaet impressions hits starts
count: count num total n sum anzahl number avg average mean cnt summe
rating: rating ratings vote review reviews score stars bewertung
maturity: maturity age parental certification fsk mpaa content
box: box
office: office
watch: watch watched viewing view play stream
duration: duration minutes seconds hours dauer hrs
request: request req propensity row response experiment
titles: titles catalog catalogue items movies films shows filme katalog metadata content assets titel products videos
    inhalte programme programmes stammdaten library
launches: launches launch schedule schedules release releases premiere premieres premieren calendar kalender
    starttermine termine availability rollout slate
expectations: expectations expectation plan plans targets forecast forecasts goals ziele erwartungen planung planwerte
    predictions estimates
impressions: impressions impression served shown exposures exposure einblendungen anzeigen recs recommendations slates
    displays ausspielungen serves
interactions: interactions interaction plays ratings events clicks views streams watches wiedergaben bewertungen
    sessions playback abrufe history viewing starts aktionen
changes: changes change deploys deployments deploy changelog audit pushes aenderungen edits commits incidents
"""
"""Meaning: words that can have it. The last six are words of files and folders."""
_WORDS: Final[dict[str, frozenset[str]]] = {
    entry.partition(":")[0]: frozenset(entry.partition(":")[2].split())
    for entry in re.split(r"\n(?! )", _VOCABULARY.strip())
}
_MEANINGS: Final[dict[str, frozenset[str]]] = {
    word: frozenset(meaning for meaning, words in _WORDS.items() if word in words)
    for word in frozenset().union(*_WORDS.values())
}
_NEUTRAL: Final = frozenset(
    ["a", "anon", "current", "default", "external", "gmt", "hash", "hashed", "internal", "iso", "last", "local", "main",
     "ms", "my", "of", "original", "primary", "pseudonym", "sec", "the", "us", "utc"]
)  # fmt: skip
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})

Rule = tuple[frozenset[str], float]


def _rules(*said: tuple[str, float]) -> tuple[Rule, ...]:
    return tuple((frozenset(concepts.split()), score) for concepts, score in said)


_RULES: Final[dict[str, tuple[Rule, ...]]] = {
    c.TITLE_ID: _rules(("title id", 0.95), ("title", 0.6), ("id", 0.6), ("titles id", 0.9), ("titles", 0.45)),
    c.MEMBER_ID: _rules(("member id", 0.95), ("member", 0.8)),
    c.TS: _rules(("event time", 0.95), ("time", 0.85), ("event", 0.4)),
    c.LAUNCH_AT: _rules(
        ("launch time", 0.95), ("launch", 0.8), ("available from", 0.75), ("available time", 0.6), ("available", 0.5),
        ("time", 0.35), ("from", 0.35),
    ),
    c.OBSERVED_AT: _rules(("observed time", 0.95), ("observed", 0.75)),
    c.MARKET: _rules(("market", 0.95), ("market id", 0.95)),
    c.SURFACE: _rules(("surface", 0.9), ("surface id", 0.9), ("surface name", 0.85)),
    c.POSITION: _rules(("position", 0.9)),
    c.NAME: _rules(("title name", 0.95), ("name", 0.8), ("title", 0.75), ("titles", 0.6)),
    c.PROVIDER: _rules(("provider", 0.9), ("provider name", 0.9), ("provider id", 0.7)),
    c.SERIES_ID: _rules(("series id", 0.95), ("series", 0.5)),
    c.LOW: _rules(("low", 0.9), ("low measure", 0.9)),
    c.BEST: _rules(("best", 0.9), ("best measure", 0.9)),
    c.HIGH: _rules(("high", 0.9), ("high measure", 0.9)),
    c.MEASURE: _rules(("measure", 0.9), ("measure name", 0.9)),
    c.HORIZON: _rules(("horizon", 0.9), ("horizon time", 0.85)),
    c.UNIT: _rules(("unit", 0.9), ("measure unit", 0.9)),
    c.CONFIDENCE: _rules(("confidence", 0.9),),
    c.AUTHOR: _rules(("author", 0.8), ("author name", 0.8)),
    c.LAUNCH_STATUS: _rules(("launch status", 0.95), ("status", 0.8)),
    c.KIND: _rules(("kind", 0.9), ("event kind", 0.9)),
    c.WHAT: _rules(("what", 0.9), ("what kind", 0.6)),
}  # fmt: skip


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name in small letters: `releaseDate`, `release_date` and `Release-Date` are alike."""
    text = unicodedata.normalize("NFKC", name[:200])
    if not text.isupper():
        text = re.sub(r"(?<=[a-zäöüß0-9])(?=[A-ZÄÖÜ])", " ", text)
    text = text.lower().translate(_UMLAUTS)
    text = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    parts = re.findall(r"[a-z]+\d*|\d+", text)
    return tuple(word for part in parts for word in _split(part))


def _split(word: str) -> tuple[str, ...]:
    """Return a known word as it is, a compound of two known words as these (`itemid`, `titelnummer`)."""
    if _known(word):
        return (_known(word),)
    for at in range(len(word) - 2, 1, -1):
        head, tail = word[:at], word[at:]
        # German joins its compounds with an s or n: Erscheinungsdatum, Sendungstitel.
        first = _known(head) or (_known(head[:-1]) if head[-1:] in "sn" else "")
        if first and _known(tail):
            return (first, _known(tail))
    return (word,)


def _known(word: str) -> str:
    if word in _MEANINGS or word in _NEUTRAL:
        return word
    singular = word.removesuffix("s")
    return singular if len(singular) > 2 and singular in _MEANINGS else ""


def concepts_of(name: str) -> frozenset[str]:
    """Return everything the words of a name can mean."""
    return frozenset(meaning for word in words_of(name) for meaning in _MEANINGS.get(word, frozenset()))


@lru_cache(maxsize=65536)
def name_score(ours: str, theirs: str) -> float:
    """Return how well a name fits one of our columns: 1 the same name, 0 not at all.

    Every word that the meaning does not need makes it less likely: `item_id` is a title, `parent_item_id` hardly.
    """
    if theirs == ours:
        return 1.0
    words = [word for word in words_of(theirs) if word not in _NEUTRAL]
    return max((_rule_score(rule, words) for rule in _RULES.get(ours, ())), default=0.0)


def _rule_score(rule: Rule, words: list[str]) -> float:
    needed, score = rule
    meanings = [_MEANINGS.get(word, frozenset()) for word in words]
    if not words or not needed <= frozenset().union(*meanings):
        return 0.0
    used = [meaning & needed for meaning in meanings]
    if len(needed) > sum(bool(each) for each in used):
        return 0.0  # one word cannot stand for two
    return float(score * 0.75 ** sum(not each for each in used))


def is_about(name: str, *concepts: str) -> bool:
    """Say whether the name of a file or column holds a word of one of these meanings."""
    return not concepts_of(name).isdisjoint(concepts)


def outcome_reason(name: str) -> str:
    """Return why a field of titles looks like an outcome, which must not be learned from; empty where it does not."""
    meant = concepts_of(name)
    words = words_of(name)
    if "maturity" in meant and "outcome" not in meant:
        return ""
    if "outcome" in meant:
        return "counts what members did"
    if {"rating", "count"} <= meant or ({"rating"} <= meant and words[-1:] in (("score",), ("stars",))):
        return "rates what members did"
    return "counts what members did" if {"box", "office"} <= meant or {"watch", "duration"} <= meant else ""
