"""Differently shaped services: what `init` guesses of each; an ingest then takes nearly every row without an edit."""

import gzip
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsysops.bootstrap import write_starter, writing
from recsysops.clock import fixed_clock
from recsysops.service.run import ingest_as_run
from recsysops.settings import read_settings
from recsysops.simulation import WorldConfig, simulate
from recsysops.sources import read_requirements
from recsysops.sources.guess import guess
from recsysops.sources.guesses import Guesses

START = datetime(2026, 3, 1, tzinfo=UTC)
N = 60
WORDS = (
    "night", "harbour", "river", "quiet", "winter", "letter", "garden", "signal", "mountain", "train", "mirror",
    "island",
)  # fmt: skip
GENRES = ("Drama", "Comedy", "Crime", "Documentary", "Family")


@dataclass(frozen=True)
class Service:
    """A made-up service: its files, and what a person would write into the settings."""

    name: str
    write: Callable[[Path], None]
    truth: dict[str, dict[str, str]]
    """Table to our column to theirs, as a person would map them."""
    entries: dict[str, dict[str, object]] = field(default_factory=dict)
    """Table to other entries of its source."""
    ignored: dict[str, set[str]] = field(default_factory=dict)
    is_hard: bool = False
    """Whether nobody expects it to be read without an edit."""


def titles() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "id": [f"tt{1000 + k:05d}" for k in range(N)],
            "name": [f"The {WORDS[k % 12].title()} {WORDS[(k * 5 + 1) % 12].title()} {k}" for k in range(N)],
            "text": [" ".join(rng.choice(WORDS, 18)) + "." for _ in range(N)],
            "genres": ["|".join(sorted(rng.choice(GENRES, 2, replace=False))) for _ in range(N)],
            "minutes": rng.integers(40, 150, N).astype(str),
            "studio": [("North", "South", "Harbour & Sons")[k % 3] for k in range(N)],
            "launch": [START + timedelta(days=int(k % 28) - 14, hours=9) for k in range(N)],
        }
    )


def log(n: int = 1500, days: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    ts = [START + timedelta(seconds=int(s)) for s in np.sort(rng.integers(0, days * 86_400, n))]
    return pd.DataFrame(
        {
            "member": [f"u{k:04d}" for k in rng.integers(0, 120, n)],
            "title": titles()["id"].to_numpy()[rng.integers(0, N - 10, n)],
            "ts": ts,
            "place": rng.choice(["US", "DE"], n),
            "page": rng.choice(["home", "browse"], n),
            "position": rng.integers(1, 40, n),
            "rating": rng.integers(1, 11, n),
        }
    )


def iso(times: "pd.Series[pd.Timestamp]") -> "pd.Series[str]":
    return pd.to_datetime(times, utc=True).dt.strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch(times: "pd.Series[pd.Timestamp]", per_second: int) -> "pd.Series[int]":
    return (pd.to_datetime(times, utc=True) - pd.Timestamp("1970-01-01", tz="UTC")).dt.total_seconds().astype(
        "int64"
    ) * per_second


def jsonl(path: Path, frame: pd.DataFrame) -> None:
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in frame.to_dict("records"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(lines.encode()) if path.suffix == ".gz" else lines.encode())


def by_day(frame: pd.DataFrame, column: str = "ts") -> list[tuple[str, pd.DataFrame]]:
    return [(str(day), rows) for day, rows in frame.groupby(frame[column].dt.strftime("%Y-%m-%d"))]


def snake(folder: Path) -> None:
    t = titles()
    (folder / "plays").mkdir()
    t[["id", "name", "text", "genres", "minutes", "studio"]].set_axis(
        ["movie_id", "movie_title", "synopsis", "genres", "runtime_minutes", "studio"], axis=1
    ).assign(updated_at=iso(t["launch"] - timedelta(days=70))).to_csv(folder / "movies.csv", index=False)
    places = pd.concat([t.assign(place=place) for place in ("US", "DE")])
    pd.DataFrame(
        {
            "movie_id": places["id"],
            "country": places["place"],
            "release_date": iso(places["launch"]),
            "last_modified": iso(places["launch"] - timedelta(days=60)),
        }
    ).to_csv(folder / "release_schedule.csv", index=False)
    for day, rows in by_day(log()):
        pd.DataFrame(
            {
                "user_id": rows["member"],
                "movie_id": rows["title"],
                "played_at": iso(rows["ts"]),
                "country": rows["place"],
            }
        ).to_csv(folder / "plays" / f"plays_{day}.csv", index=False)


def camel(folder: Path) -> None:
    t = titles()
    jsonl(
        folder / "catalog.jsonl.gz",
        pd.DataFrame(
            {
                "itemId": t["id"],
                "displayName": t["name"],
                "longDescription": t["text"],
                "genreList": t["genres"].str.split("|"),
                "runtimeMinutes": t["minutes"].astype(int),
                "lastModified": iso(t["launch"] - timedelta(days=70)),
            }
        ),
    )
    jsonl(
        folder / "launches.jsonl",
        pd.DataFrame(
            {
                "itemId": t["id"],
                "launchTime": epoch(t["launch"], 1000),
                "updatedAt": iso(t["launch"] - timedelta(days=60)),
            }
        ),
    )
    for day, rows in by_day(log()):
        jsonl(
            folder / "impressions" / f"{day}.jsonl.gz",
            pd.DataFrame(
                {
                    "viewerId": rows["member"],
                    "itemId": rows["title"],
                    "servedAt": epoch(rows["ts"], 1000),
                    "slot": rows["position"],
                    "pageName": rows["page"],
                    "modelVersion": "v3",
                }
            ),
        )


def german(folder: Path) -> None:
    t = titles()
    pd.DataFrame(
        {
            "Titelnummer": t["id"],
            "Bezeichnung": t["name"],
            "Inhaltsangabe": t["text"],
            "Anbieter": t["studio"],
            "Gattung": t["genres"].str.replace("|", ";"),
            "Erscheinungsdatum": t["launch"].dt.strftime("%Y-%m-%d"),
            "Aktualisiert": iso(t["launch"] - timedelta(days=65)),
        }
    ).to_csv(folder / "Katalog.tsv", index=False, sep="\t")
    rows = log()
    pd.DataFrame(
        {
            "Nutzerkennung": rows["member"],
            "Titelnummer": rows["title"],
            "Zeitstempel": iso(rows["ts"]),
            "Dauer": rows["position"],
        }
    ).to_csv(folder / "Wiedergaben.tsv", index=False, sep="\t")


def lake(folder: Path) -> None:
    t = titles()
    pd.DataFrame(
        {
            "content_id": t["id"],
            "content_name": t["name"],
            "plot": t["text"],
            "tags": t["genres"].str.split("|"),
            "observed_at": pd.to_datetime(t["launch"], utc=True) - pd.Timedelta(days=70),
        }
    ).to_parquet(folder / "content.parquet", index=False)
    pd.DataFrame(
        {
            "content_id": t["id"],
            "territory": "US",
            "available_from": pd.to_datetime(t["launch"], utc=True),
            "available_until": pd.to_datetime(t["launch"], utc=True) + pd.Timedelta(days=900),
            "status": "planned",
        }
    ).to_parquet(folder / "availability.parquet", index=False)
    for number, (day, rows) in enumerate(by_day(log().query("place == 'US'"))):
        place = folder / "served" / f"day={day}"
        place.mkdir(parents=True)
        pd.DataFrame(
            {
                "ts": pd.to_datetime(rows["ts"], utc=True),
                "subscriber_id": rows["member"],
                "content_id": rows["title"],
                "territory": rows["place"],
                "rank": rows["position"].astype("int32"),
            }
        ).to_parquet(place / f"part-0000{number}-5b2c8c9e-0f4c-4b5a-9b59-3f5c2a7d1e0{number}.parquet", index=False)


def one_file(folder: Path) -> None:
    t, rows = titles(), log()
    pd.DataFrame(
        {
            "imdbId": t["id"].str[2:],
            "primaryTitle": t["name"],
            "overview": t["text"],
            "genres": t["genres"],
            "releaseDate": t["launch"].dt.strftime("%Y-%m-%d"),
            "ratingCount": range(N),
            "avgVote": 7.5,
            "revenue": 1000,
        }
    ).to_csv(folder / "movies.csv.gz", index=False)
    pd.DataFrame(
        {
            "userId": range(1, len(rows) + 1),
            "movieId": rows["title"].str[2:],
            "rating": rows["rating"],
            "timestamp": epoch(rows["ts"], 1),
        }
    ).assign(userId=rows["member"].str[1:].astype(int) + 1).to_csv(folder / "ratings.csv", index=False)


def capitals(folder: Path) -> None:
    t, rows = titles(), log()
    pd.DataFrame(
        {
            "ITEM_KEY": t["id"],
            "ITEM_LABEL": t["name"],
            "BLURB": t["text"],
            "LAST_UPDATED_TS": epoch(t["launch"] - timedelta(days=70), 1000),
            "POPULARITY_SCORE": 0.5,
        }
    ).to_csv(folder / "ITEMS.csv", index=False)
    pd.DataFrame(
        {
            "ITEM_KEY": t["id"],
            "REGION": "US",
            "GO_LIVE_TS": epoch(t["launch"], 1000),
            "LAST_UPDATED_TS": epoch(t["launch"] - timedelta(days=50), 1000),
        }
    ).to_csv(folder / "LAUNCH_CALENDAR.csv", index=False)
    pd.DataFrame(
        {
            "EVENT_TS": epoch(rows["ts"], 1000),
            "ACCOUNT_ID": rows["member"],
            "ITEM_KEY": rows["title"],
            "EVENT_TYPE": "play",
            "REGION": "US",
            "WATCH_SECONDS": rows["position"],
        }
    ).to_csv(folder / "EVENTS.csv", index=False)


def crowded(folder: Path) -> None:
    t, rows = titles(), log()
    code = "10.5240/" + t["id"].str.upper()
    pd.DataFrame(
        {
            "row_number": range(1, N + 1),
            "eidr": code,
            "parent_show_id": "s" + (t.index // 4).astype(str),
            "headline": t["name"],
            "summary_long": t["text"],
            "poster_url": "https://img.example.com/" + t["id"],
            "created_by": "desk",
            "total_views": range(N),
            "dubs": "en|de",
            "observed_at": iso(t["launch"] - timedelta(days=80)),
        }
    ).to_csv(folder / "titles_export.csv", index=False)
    pd.DataFrame(
        {
            "eidr": code,
            "premiere_at": iso(t["launch"]),
            "market": "US",
            "known_since": "x",
        }
    ).to_csv(folder / "premieres.csv", index=False)
    pd.DataFrame(
        {
            "request_id": [f"r{k // 4}" for k in range(len(rows))],
            "served_at": iso(rows["ts"]),
            "viewer_hash": rows["member"],
            "content_ref": "10.5240/" + rows["title"].str.upper(),
            "slot_position": rows["position"],
            "experiment": "B",
            "screen": rows["page"],
            "market": rows["place"],
        }
    ).to_csv(folder / "served_slots.csv", index=False)
    members = rows["member"].drop_duplicates()
    pd.DataFrame({"viewer_hash": members, "age_band": "30-39", "signup_market": "US"}).to_csv(
        folder / "viewers.csv", index=False
    )
    pd.DataFrame(
        {
            "eidr": code,
            "market": "US",
            "screen": "home",
            "reach_p10": 0.1,
            "reach_p50": 0.2,
            "reach_p90": 0.4,
            "planner": "ann",
            "created": "soon",
        }
    ).to_csv(folder / "reach_forecast.csv", index=False)
    pd.DataFrame(
        {
            "timestamp": iso(pd.Series([START, START + timedelta(days=1)] * 6)),
            "type": ["deploy", "model push"] * 6,
            "description": [f"ranker {k}" for k in range(12)],
        }
    ).to_csv(folder / "deployments.csv", index=False)


def planned(folder: Path) -> None:
    t = titles()
    t[["id", "name", "text"]].set_axis(["asset_id", "asset_title", "description"], axis=1).to_csv(
        folder / "assets.csv", index=False
    )
    pd.DataFrame(
        {
            "asset_id": t["id"],
            "premiere_date": t["launch"].dt.strftime("%Y-%m-%d"),
            "territory": "DE",
            "placement": "home",
        }
    ).to_csv(folder / "premieren.csv", index=False)
    (folder / "plans").mkdir()
    for part, rows in (("q1", t[:30]), ("q2", t[30:])):
        pd.DataFrame(
            {
                "asset_id": rows["id"],
                "territory": "DE",
                "placement": "home",
                "metric": "reach",
                "window_days": 7,
                "unit": "share",
                "min_reach": 0.1,
                "target_reach": 0.2,
                "max_reach": 0.35,
                "planned_by": "team",
                "updated": iso(rows["launch"] - timedelta(days=40)),
            }
        ).to_csv(folder / "plans" / f"plan_{part}.csv", index=False)
    rows = log().query("place == 'DE'")
    pd.DataFrame(
        {
            "member_id": rows["member"],
            "asset_id": rows["title"],
            "impression_time": iso(rows["ts"]),
            "placement": rows["page"],
            "territory": rows["place"],
            "pos": rows["position"],
        }
    ).to_csv(folder / "impressions_log.csv", index=False)


def french(folder: Path) -> None:
    t, rows = titles(), log()
    pd.DataFrame(
        {
            "film_id": t["id"],
            "nom": t["name"],
            "resume": t["text"],
            "date_sortie": t["launch"].dt.strftime("%Y-%m-%d"),
        }
    ).to_csv(folder / "films.csv", index=False)
    pd.DataFrame(
        {
            "utilisateur": rows["member"],
            "film_id": rows["title"],
            "horodatage": iso(rows["ts"]),
        }
    ).to_csv(folder / "lectures.csv", index=False)


def opaque(folder: Path) -> None:
    t, rows = titles(), log()
    pd.DataFrame({"c1": t["id"], "c2": t["name"], "c3": iso(t["launch"])}).to_csv(folder / "a.csv", index=False)
    pd.DataFrame({"k": rows["title"], "w": rows["member"], "z": iso(rows["ts"])}).to_csv(folder / "b.csv", index=False)


SERVICES = (
    Service(
        "english snake_case, daily CSV",
        snake,
        {
            "titles": {
                "title_id": "movie_id",
                "name": "movie_title",
                "provider": "studio",
                "observed_at": "updated_at",
            },
            "launches": {
                "title_id": "movie_id",
                "market": "country",
                "launch_at": "release_date",
                "observed_at": "last_modified",
            },
            "interactions": {"title_id": "movie_id", "member_id": "user_id", "ts": "played_at", "market": "country"},
        },
        {
            "interactions": {"day": r"(?P<day>\d{4}-\d{2}-\d{2})", "path": "plays/plays_*.csv"},
            "titles": {"lists": {"genres": "|"}},
        },
    ),
    Service(
        "camelCase JSON Lines, epoch ms",
        camel,
        {
            "titles": {"title_id": "itemId", "name": "displayName", "observed_at": "lastModified"},
            "launches": {"title_id": "itemId", "launch_at": "launchTime", "observed_at": "updatedAt"},
            "impressions": {
                "title_id": "itemId",
                "member_id": "viewerId",
                "ts": "servedAt",
                "position": "slot",
                "surface": "pageName",
            },
        },
        {"impressions": {"epoch_unit": "ms", "day": r"(?P<day>\d{4}-\d{2}-\d{2})"}, "launches": {"epoch_unit": "ms"}},
    ),
    Service(
        "German, TSV, launches in the catalogue",
        german,
        {
            "titles": {
                "title_id": "Titelnummer",
                "name": "Bezeichnung",
                "provider": "Anbieter",
                "observed_at": "Aktualisiert",
            },
            "launches": {"title_id": "Titelnummer", "launch_at": "Erscheinungsdatum", "observed_at": "Aktualisiert"},
            "interactions": {"title_id": "Titelnummer", "member_id": "Nutzerkennung", "ts": "Zeitstempel"},
        },
        {"titles": {"lists": {"Gattung": ";"}}, "launches": {"launches_from": "Erscheinungsdatum"}},
    ),
    Service(
        "Parquet lake, day partitions",
        lake,
        {
            "titles": {"title_id": "content_id", "name": "content_name", "observed_at": "observed_at"},
            "launches": {
                "title_id": "content_id",
                "launch_at": "available_from",
                "market": "territory",
                "launch_status": "status",
            },
            "impressions": {
                "title_id": "content_id",
                "member_id": "subscriber_id",
                "ts": "ts",
                "position": "rank",
                "market": "territory",
            },
        },
        {"impressions": {"path": "served/day=*/part-*.parquet"}, "launches": {"observed_at": "assume:launch-60d"}},
    ),
    Service(
        "one catalogue file, ratings, epoch s",
        one_file,
        {
            "titles": {"title_id": "imdbId", "name": "primaryTitle"},
            "launches": {"title_id": "imdbId", "launch_at": "releaseDate"},
            "interactions": {"title_id": "movieId", "member_id": "userId", "ts": "timestamp"},
        },
        {
            "titles": {"observed_at": "assume:launch-60d", "launches_from": "releaseDate", "lists": {"genres": "|"}},
            "interactions": {"epoch_unit": "s"},
        },
        {"titles": {"ratingCount", "avgVote", "revenue"}},
    ),
    Service(
        "CAPITALS, epoch ms everywhere",
        capitals,
        {
            "titles": {"title_id": "ITEM_KEY", "name": "ITEM_LABEL", "observed_at": "LAST_UPDATED_TS"},
            "launches": {
                "title_id": "ITEM_KEY",
                "launch_at": "GO_LIVE_TS",
                "observed_at": "LAST_UPDATED_TS",
                "market": "REGION",
            },
            "interactions": {"title_id": "ITEM_KEY", "member_id": "ACCOUNT_ID", "ts": "EVENT_TS", "market": "REGION"},
        },
        {"interactions": {"epoch_unit": "ms"}, "titles": {"epoch_unit": "ms"}},
        {"titles": {"POPULARITY_SCORE"}},
    ),
    Service(
        "many extra columns and files",
        crowded,
        {
            "titles": {
                "title_id": "eidr",
                "name": "headline",
                "series_id": "parent_show_id",
                "observed_at": "observed_at",
            },
            "launches": {"title_id": "eidr", "launch_at": "premiere_at", "market": "market"},
            "impressions": {
                "title_id": "content_ref",
                "member_id": "viewer_hash",
                "ts": "served_at",
                "position": "slot_position",
                "market": "market",
                "surface": "screen",
            },
            "expectations": {
                "title_id": "eidr",
                "low": "reach_p10",
                "best": "reach_p50",
                "high": "reach_p90",
                "market": "market",
                "surface": "screen",
                "author": "planner",
            },
            "changes": {"ts": "timestamp", "kind": "type", "what": "description"},
        },
        {"expectations": {"defaults": {"measure": "reach", "horizon": 7, "unit": "share"}}},
        {"titles": {"total_views"}},
    ),
    Service(
        "plans in two files, dates without time",
        planned,
        {
            "titles": {"title_id": "asset_id", "name": "asset_title"},
            "launches": {
                "title_id": "asset_id",
                "launch_at": "premiere_date",
                "market": "territory",
                "surface": "placement",
            },
            "expectations": {
                "title_id": "asset_id",
                "low": "min_reach",
                "best": "target_reach",
                "high": "max_reach",
                "measure": "metric",
                "horizon": "window_days",
                "unit": "unit",
                "market": "territory",
                "surface": "placement",
                "author": "planned_by",
                "observed_at": "updated",
            },
            "impressions": {
                "title_id": "asset_id",
                "member_id": "member_id",
                "ts": "impression_time",
                "position": "pos",
                "market": "territory",
                "surface": "placement",
            },
        },
        {"expectations": {"path": "plans/plan_q*.csv"}},
    ),
    Service(
        "French: words nobody taught it",
        french,
        {
            "titles": {"title_id": "film_id", "name": "nom"},
            "launches": {"title_id": "film_id", "launch_at": "date_sortie"},
            "interactions": {"title_id": "film_id", "member_id": "utilisateur", "ts": "horodatage"},
        },
        is_hard=True,
    ),
    Service(
        "names without meaning",
        opaque,
        {
            "titles": {"title_id": "c1", "name": "c2"},
            "launches": {"title_id": "c1", "launch_at": "c3"},
            "interactions": {"title_id": "k", "member_id": "w", "ts": "z"},
        },
        is_hard=True,
    ),
)
EASY = [service for service in SERVICES if not service.is_hard]


def name_of(service: Service) -> str:
    return service.name


def guessed(service: Service, folder: Path) -> Guesses:
    folder.mkdir(parents=True, exist_ok=True)
    service.write(folder)
    return guess(folder)


def marks(service: Service, guesses: Guesses) -> tuple[list[str], list[str], list[str]]:
    """Return the columns mapped right, mapped wrong (or mapped where nothing should be), and not guessed."""
    right, wrong, absent = [], [], []
    for table, truth in service.truth.items():
        found = guesses.table(table)
        live = {each.ours: each.theirs for each in found.columns if each.is_sure} if found else {}
        for ours in truth.keys() | live.keys():
            said = f"{table}.{ours}: {live.get(ours)} ({truth.get(ours)})"
            (absent if ours not in live else right if live[ours] == truth.get(ours) else wrong).append(said)
    return right, wrong, absent


@pytest.mark.parametrize("service", EASY, ids=name_of)
def test_every_column_of_a_service_with_telling_names_is_mapped_right(service, tmp_path):
    right, wrong, absent = marks(service, guessed(service, tmp_path))

    assert (wrong, absent) == ([], [])
    assert right


@pytest.mark.parametrize("service", EASY, ids=name_of)
def test_lists_units_days_paths_and_leaks_are_found(service, tmp_path):
    guesses = guessed(service, tmp_path)

    for table, entries in service.entries.items():
        found = guesses.table(table)
        lists = {each.theirs: each.ours for each in found.lists}
        assert {name: lists if name == "lists" else getattr(found, name) for name in entries} == entries
    for table, ignored in service.ignored.items():
        assert {each.theirs for each in guesses.table(table).ignore if each.is_sure} == ignored


@pytest.mark.parametrize("service", EASY, ids=name_of)
def test_init_and_then_ingest_takes_nearly_every_row_without_an_edit(service, tmp_path):
    service.write(tmp_path)

    write_starter(tmp_path, service.name, force=False)
    report = ingest(tmp_path)

    assert report.errors == ()
    assert {receipt.table for receipt in report.receipts} == set(service.truth)
    for table in service.truth:
        receipts = [receipt for receipt in report.receipts if receipt.table == table]
        rows_in = sum(receipt.rows_in for receipt in receipts)
        assert sum(receipt.accepted for receipt in receipts) > 0.95 * rows_in > 0


def ingest(folder: Path):
    clock = fixed_clock(START + timedelta(days=3))
    with writing(folder / "recsysops.toml", "ingest", clock=clock) as ports:
        return ingest_as_run(ports)


@pytest.mark.parametrize("service", SERVICES, ids=name_of)
def test_what_is_written_can_be_read_whatever_was_guessed(service, tmp_path):
    service.write(tmp_path)

    write_starter(tmp_path, service.name, force=False)

    settings = read_settings(tmp_path / "recsysops.toml", {})
    assert settings.service.name == service.name
    assert len(read_requirements(tmp_path / "metadata.toml"))


def test_a_file_of_members_is_left_alone_and_told(tmp_path):
    guesses = guessed(next(service for service in SERVICES if service.write is crowded), tmp_path)

    assert [each.path for each in guesses.left] == ["viewers.csv"]
    assert "none of our tables looks like it" in guesses.left[0].reason


def test_the_simulated_service_is_guessed_whole(tmp_path):
    simulate(WorldConfig.small(), tmp_path, lambda what, part: None)
    write_starter(tmp_path, "simulated", force=False)

    report = ingest(tmp_path)

    accepted = sum(receipt.accepted + receipt.duplicate for receipt in report.receipts)
    assert report.errors == ()
    assert {receipt.table for receipt in report.receipts} == {
        "titles",
        "launches",
        "expectations",
        "impressions",
        "interactions",
    }
    assert accepted > 0.999 * sum(receipt.rows_in for receipt in report.receipts)


def test_movietweetings_is_mapped_as_a_person_mapped_it(shared_data, tmp_path, project_root):
    folder = shared_data / "movietweetings"
    person = read_settings(project_root / "examples" / "movietweetings" / "recsysops.toml", {})

    write_starter(tmp_path, "MovieTweetings", [str(folder)], force=False)

    written = read_settings(tmp_path / "recsysops.toml", {})
    assert set(written.sources) == set(person.sources)
    assert written.sources["titles"].columns == person.sources["titles"].columns
    assert written.sources["interactions"].columns == person.sources["interactions"].columns
    assert written.sources["interactions"].epoch_unit == "s"
    assert written.sources["titles"].observed_at == person.sources["titles"].observed_at
    assert written.sources["launches"].launches_from == "release_date"
    assert person.sources["titles"].lists.items() <= written.sources["titles"].lists.items()
    assert written.sources["titles"].ignore == ("genres",)
    assert all(
        f'# perhaps ignore "{name}"' in (tmp_path / "recsysops.toml").read_text()
        for name in person.sources["titles"].ignore[1:]
    )
    assert written.treatment.measures == person.treatment.measures


def test_how_often_it_is_right(tmp_path):
    table = [f"{'service':<45}{'right':>7}{'wrong':>7}{'not guessed':>13}"]
    counts = {True: [0, 0, 0], False: [0, 0, 0]}
    for number, service in enumerate(SERVICES):
        said = marks(service, guessed(service, tmp_path / str(number)))
        table.append(
            f"{service.name:<45}" + "".join(f"{len(each):>{w}}" for each, w in zip(said, (7, 7, 13), strict=True))
        )
        counts[service.is_hard] = [a + len(b) for a, b in zip(counts[service.is_hard], said, strict=True)]

    sys.stdout.write("\n".join(table) + "\n")
    right, wrong, absent = counts[False]
    assert right >= 0.98 * (right + wrong + absent)
    assert counts[True][1] == 0, "a wrong entry is worse than none"
