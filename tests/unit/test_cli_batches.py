"""The verbs around batches, from the command line: list, release, discard, prune."""

import json
from pathlib import Path

import pytest

HEAD = "title_id,name,observed_at\n"


def write_titles(folder: Path, n: int, day: int) -> None:
    rows = "".join(f"t{number},Name {number},2026-01-0{day}T00:00:00Z\n" for number in range(n))
    (folder / "titles.csv").write_text(HEAD + rows)


@pytest.fixture
def service(ask, tmp_path):
    settings = tmp_path / "recsysops.toml"
    settings.write_text('[service]\nname = "t"\n[sources.titles]\npath = "titles.csv"\n')

    def verb(*words: str) -> tuple[int, str, str]:
        return ask("--settings", str(settings), *words)

    write_titles(tmp_path, 100, 1)
    assert verb("ingest", "-q")[0] == 0
    return verb


@pytest.fixture
def held(service, tmp_path) -> str:
    write_titles(tmp_path, 40, 2)
    code, out, _ = service("ingest", "--json")
    assert code == 0
    return json.loads(out)["held"][0]["batch_id"]


def test_a_held_batch_is_told_by_the_ingest_and_listed_with_its_reason(service, tmp_path):
    write_titles(tmp_path, 40, 2)

    code, out, _ = service("ingest", "-q")
    listed = service("batches", "--held")[1]

    assert code == 0
    assert "Held: titles from titles.csv" in out
    assert "60% fewer than the usual 100" in listed
    assert "recsysops release BATCH --by NAME --reason TEXT" in listed


def test_batches_are_listed_with_their_accounts(service):
    code, out, _ = service("batches")

    assert code == 0
    assert "titles.csv" in out
    assert "100" in out
    assert "No batch is held." in service("batches", "--held")[1]


def test_a_list_that_is_cut_says_so(service, tmp_path):
    write_titles(tmp_path, 101, 2)
    service("ingest", "-q")

    assert "and 1 older ones" in service("batches", "--limit", "1")[1]


def test_a_release_publishes_and_stays_on_record(service, held):
    code, out, _ = service("release", held, "--by", "Ann", "--reason", "Really so few.")

    assert (code, out) == (0, f"{held} is published: 40 rows.\n")
    assert "released by Ann" in service("batches", "--held", "--all")[1]
    assert json.loads(service("batches", "--json")[1])["rows"][0]["released_by"] == "Ann"


def test_a_discarded_batch_cannot_be_released_any_more(service, held):
    assert service("discard", held, "--by", "Ann", "--reason", "Wrong file.")[0] == 0

    code, _, err = service("release", held, "--by", "Ben", "--reason", "Why not?")

    assert code == 2
    assert "Traceback" not in err


def test_a_release_of_nothing_is_one_clear_error(service):
    code, _, err = service("release", "titles-nothing", "--by", "Ann", "--reason", "x")

    assert code == 2
    assert 'No batch "titles-nothing" was ever held' in err


def test_pruning_says_what_it_removed(service):
    code, out, _ = service("prune")

    assert (code, out) == (0, "Nothing is older than it need be: nothing was removed.\n")


def test_no_batch_yet_says_what_to_run(ask, tmp_path):
    settings = tmp_path / "recsysops.toml"
    settings.write_text('[service]\nname = "t"\n')
    ask("--settings", str(settings), "ingest", "-q")

    assert "Run `recsysops ingest`" in ask("--settings", str(settings), "batches")[1]
