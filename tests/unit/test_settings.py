from datetime import UTC, datetime
from pathlib import Path

import pytest

from recsysops.errors import SettingsError, SettingsNotFoundError
from recsysops.settings import MarketSettings, Settings, read_settings

LOGS = '[sources.impressions]\npath = "log/*.csv"\n'


def read(folder: Path, text: str, environment: dict[str, str] | None = None) -> Settings:
    path = folder / "recsysops.toml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path, environment or {})


def problems(folder: Path, text: str, environment: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        read(folder, text, environment)
    return caught.value.problems


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    settings = read(tmp_path, "")

    assert settings == Settings(folder=tmp_path)
    assert settings.treatment.horizons == (1, 7, 28)
    assert settings.channels == {"console": {"type": "console"}}
    assert (settings.api.port, settings.dashboard.port) == (8350, 8351)


def test_the_environment_of_the_process_is_read_unless_another_is_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "recsysops.toml"
    path.write_text("")
    monkeypatch.setenv("RECSYSOPS_SERVICE__NAME", "from the environment")

    settings = read_settings(path)

    assert settings.service.name == "from the environment"


def test_a_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsNotFoundError, match="does not exist"):
        read_settings(tmp_path / "recsysops.toml", {})


def test_a_folder_is_no_settings_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsNotFoundError):
        read_settings(tmp_path, {})


@pytest.mark.parametrize("content", [b"[service", b"name = \xff\xfe"], ids=["cut", "not UTF-8"])
def test_what_is_no_toml_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "recsysops.toml"
    path.write_bytes(content)

    with pytest.raises(SettingsError, match="no valid TOML"):
        read_settings(path, {})


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        '[service]\nnmae = "x"\n[model]\nseed = "many"\n[api]\nhost = "0.0.0.0"\n',
        {"RECSYSOPS_NOTHING": "1"},
    )

    assert len(found) == 4
    assert any("RECSYSOPS_NOTHING" in problem for problem in found)
    assert any(problem.startswith("service.nmae: ") for problem in found)
    assert any(problem.startswith("model.seed: ") and "'many'" in problem for problem in found)
    assert any(problem.startswith("api.host: ") for problem in found)


def test_the_value_of_an_unknown_entry_is_not_repeated_since_it_may_be_a_secret(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, '[service]\npassword = "hunter2"\n')

    assert found == "service.password: is no known entry"


def test_a_long_wrong_value_is_cut(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, f'[model]\nseed = "{"x" * 5000}"\n')

    assert len(found) < 300


def test_a_missing_entry_is_reported_without_a_found_value(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "[sources.titles]\nformat = 'csv'\n[treatment]\nmeasures = []\n")

    assert found == "sources.titles: needs either path (files) or url and query (a database)"


def test_relative_paths_start_at_the_settings_file(tmp_path: Path) -> None:
    settings = read(tmp_path, '[service]\ndata = "state"\n')

    assert settings.folder == tmp_path
    assert settings.data_folder == tmp_path / "state"
    assert settings.store_url == f"sqlite:///{tmp_path / 'state' / 'recsysops.sqlite'}"


def test_a_store_of_ones_own_is_used_as_it_stands(tmp_path: Path) -> None:
    settings = read(tmp_path, '[service]\nstore = "postgresql://db/x"\n')

    assert settings.store_url == "postgresql://db/x"


def test_as_of_is_put_into_utc(tmp_path: Path) -> None:
    settings = read(tmp_path, "[service]\nas_of = 2026-03-02T01:00:00+02:00\n")

    assert settings.service.as_of == datetime(2026, 3, 1, 23, tzinfo=UTC)
    assert settings.service.as_of.tzinfo is UTC


def test_as_of_may_be_absent(tmp_path: Path) -> None:
    assert read(tmp_path, "[service]\n").service.as_of is None


def test_as_of_without_a_zone_is_refused(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "[service]\nas_of = 2026-03-02T01:00:00\n")

    assert "has no time zone" in found


def test_a_zone_nobody_knows_is_refused(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, '[markets.de]\ntime_zone = "Europe/Entenhausen"\n')

    assert found.startswith('markets.de.time_zone: "Europe/Entenhausen" is no IANA time zone')


def test_a_market_has_its_own_settings_else_those_of_all_else_none(tmp_path: Path) -> None:
    both = read(tmp_path, '[markets.all]\ntime_zone = "UTC"\n[markets.de]\ntime_zone = "Europe/Berlin"\n')
    neither = read(tmp_path, "")

    assert both.market("de").time_zone == "Europe/Berlin"
    assert both.market("fr").time_zone == "UTC"
    assert neither.market("de") == MarketSettings()


@pytest.mark.parametrize("value", ["assume:launch-0d", "assume:launch-60d"])
def test_an_assumed_time_of_observation_is_days_before_launch(tmp_path: Path, value: str) -> None:
    settings = read(
        tmp_path, f'[sources.titles]\npath = "t.csv"\nobserved_at = "{value}"\n[treatment]\nmeasures = []\n'
    )

    assert settings.sources["titles"].observed_at == value


@pytest.mark.parametrize(
    "value", ["assume:launch-60", "assume:launch-d", "assume:launch-x1d", "2020-01-01", "seen", "²"]
)
def test_anything_else_as_a_time_of_observation_is_refused(tmp_path: Path, value: str) -> None:
    (found,) = problems(
        tmp_path, f'[sources.titles]\npath = "t.csv"\nobserved_at = "{value}"\n[treatment]\nmeasures = []\n'
    )

    assert "assume:launch-60d" in found


def test_the_declared_day_of_a_log_is_found_by_a_named_group(tmp_path: Path) -> None:
    settings = read(tmp_path, LOGS + "day = 'log-(?P<day>[0-9-]{10})'\n")

    assert settings.sources["impressions"].day == "log-(?P<day>[0-9-]{10})"


@pytest.mark.parametrize(("pattern", "said"), [("log-(", "no regular expression"), ("log-(.*)", "no group named day")])
def test_a_pattern_that_cannot_find_a_day_is_refused(tmp_path: Path, pattern: str, said: str) -> None:
    (found,) = problems(tmp_path, LOGS + f"day = '{pattern}'\n")

    assert said in found


def test_a_measure_without_the_log_it_is_counted_from_is_refused(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, LOGS + '[treatment]\nmeasures = ["uptake"]\n')

    assert 'treatment.measures names "uptake"' in found
    assert "[sources.interactions]" in found


@pytest.mark.parametrize(
    ("logs", "measures"),
    [("", ()), (LOGS, ("reach", "impression_share")), ('[sources.interactions]\npath = "i.csv"\n', ("uptake",))],
)
def test_measures_follow_the_logs_there_are(tmp_path: Path, logs: str, measures: tuple[str, ...]) -> None:
    settings = read(tmp_path, '[sources.titles]\npath = "t.csv"\n' + logs)

    assert settings.treatment.measures == measures


def test_measures_with_their_logs_are_accepted(tmp_path: Path) -> None:
    settings = read(tmp_path, LOGS + '[treatment]\nmeasures = ["reach", "impression_share"]\n')

    assert settings.treatment.measures == ("reach", "impression_share")


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        '[service]\nname = "file"\nlock_wait_seconds = 5\n[api]\nhost = "localhost"\n',
        {
            "RECSYSOPS_SERVICE__NAME": "environment",
            "RECSYSOPS_API__PORT": "0",
            "RECSYSOPS_DASHBOARD__PORT": "9000",
            "RECSYSOPS_SETTINGS": "read elsewhere",
            "RECSYSOPS_TRACEBACK": "1",
            "HOME": "not ours",
        },
    )

    assert (settings.service.name, settings.service.lock_wait_seconds) == ("environment", 5)
    assert (settings.api.host, settings.api.port, settings.dashboard.port) == ("localhost", 0, 9000)


def test_a_section_with_some_entries_keeps_the_defaults_of_the_others(tmp_path: Path) -> None:
    settings = read(tmp_path, '[api]\nhost = "localhost"\n[dashboard]\nhost = "localhost"\n')

    assert (settings.api.port, settings.dashboard.port) == (8350, 8351)


@pytest.mark.parametrize("name", ["RECSYSOPS_STORE", "RECSYSOPS_SERVICE__STOER", "RECSYSOPS_MODEL__SEED"])
def test_an_environment_variable_that_overrides_nothing_is_an_error(tmp_path: Path, name: str) -> None:
    (found,) = problems(tmp_path, "", {name: "x"})

    assert f"environment variable {name} overrides nothing" in found


def test_a_section_that_is_no_table_is_an_error_also_where_the_environment_overrides_it(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "service = 3\n", {"RECSYSOPS_SERVICE__NAME": "x"})

    assert found.startswith("service: ")


def test_the_fingerprint_changes_with_what_can_change_a_result_and_with_nothing_else(tmp_path: Path) -> None:
    plain = read(tmp_path, "")

    assert read(tmp_path, "[api]\nport = 1\n[dashboard]\nport = 2\n[channels]\n").fingerprint() == plain.fingerprint()
    assert plain.model_copy(update={"folder": Path("elsewhere")}).fingerprint() == plain.fingerprint()
    assert read(tmp_path, "[model]\nseed = 2\n").fingerprint() != plain.fingerprint()
    assert read(tmp_path, "[detectors.x]\nlimit = 1\n").fingerprint() != plain.fingerprint()
