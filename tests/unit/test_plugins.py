"""Discovery of plug-ins by entry point."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from recsysops.contract.channel import Channel, ChannelSettings, Sent
from recsysops.errors import PluginError, SettingsError
from recsysops.plugins import CHANNELS, DETECTORS, RECOMMENDERS, load_plugins
from recsysops.settings import Settings
from recsysops.shadow.http import ADAPTER
from recsysops_alerts.console import CHANNEL
from recsysops_detectors.missing_metadata import DETECTOR


class Distribution:
    def __init__(self, name):
        self.name = name


class EntryPoint:
    """An entry point that loads what it was given, or raises it."""

    def __init__(self, name, plugin, distribution="ours"):
        self.name, self.value, self._plugin = name, f"module:{name}", plugin
        self.dist = Distribution(distribution) if distribution else None

    def load(self):
        if isinstance(self._plugin, BaseException):
            raise self._plugin
        return self._plugin


class TokenSettings(ChannelSettings):
    token: SecretStr
    retries: int = 3


TOKEN = Channel(name="token", summary="s", settings=TokenSettings, render=lambda told, _: "", send=lambda *_: Sent("k"))


def _load(detectors=(), channels=(), recommenders=(), *, params=None, configured=None, asked=None):
    groups = {DETECTORS: detectors, CHANNELS: channels, RECOMMENDERS: recommenders}
    settings = Settings(detectors=params or {}, channels=configured or {}, recommender=asked or {})
    return load_plugins(settings, lambda group: groups[group])


def _named(name):
    return replace(DETECTOR, name=name)


def test_detectors_are_loaded_with_default_parameters():
    report = _load([EntryPoint("missing_metadata", DETECTOR)])

    (loaded,) = report.detectors
    assert loaded.detector is DETECTOR
    assert loaded.params == DETECTOR.params()
    assert loaded.distribution == "ours"
    assert report.refused == ()


def test_parameters_come_from_the_settings():
    report = _load([EntryPoint("missing_metadata", DETECTOR)], params={"missing_metadata": {"grace_days": 2}})

    assert report.detectors[0].params.grace_days == 2


def test_a_detector_is_switched_off_by_name():
    report = _load([EntryPoint("missing_metadata", DETECTOR)], params={"missing_metadata": {"enabled": False}})

    assert report.detectors == ()
    assert report.disabled == ("detectors.missing_metadata",)


@pytest.mark.parametrize(
    ("plugin", "reason"),
    [
        (ImportError("no module"), "ImportError: no module"),
        (SystemExit("bye"), "SystemExit: bye"),
        ("not a detector", "is a str"),
        (_named("other"), 'calls itself "other"'),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_reported_and_stops_no_other(plugin, reason):
    report = _load([EntryPoint("broken", plugin, "theirs"), EntryPoint("missing_metadata", DETECTOR)])

    (refused,) = report.refused
    assert (refused.group, refused.name, refused.distribution) == (DETECTORS, "broken", "theirs")
    assert reason in refused.reason
    assert [loaded.detector.name for loaded in report.detectors] == ["missing_metadata"]


def test_settings_of_a_detector_that_cannot_be_loaded_are_no_error():
    report = _load([EntryPoint("broken", ImportError("x"))], params={"broken": {"limit": 1}})

    assert [refused.name for refused in report.refused] == ["broken"]


def test_two_distributions_with_one_name_are_an_error_that_names_both():
    points = [EntryPoint("missing_metadata", DETECTOR, "theirs"), EntryPoint("missing_metadata", DETECTOR, "ours")]

    with pytest.raises(PluginError, match='by "ours" and by "theirs"'):
        _load(points)


def test_one_distribution_seen_twice_is_no_error():
    points = [EntryPoint("missing_metadata", DETECTOR), EntryPoint("missing_metadata", DETECTOR)]

    assert len(_load(points).detectors) == 1


def test_a_plugin_without_a_distribution_is_loaded():
    assert _load([EntryPoint("missing_metadata", DETECTOR, None)]).detectors[0].distribution == "unknown"


def test_all_errors_are_reported_at_once():
    with pytest.raises(SettingsError) as caught:
        _load(
            [EntryPoint("missing_metadata", DETECTOR)],
            [EntryPoint("console", CHANNEL), EntryPoint("token", TOKEN)],
            params={"missing_metadata": {"grace_days": -1, "gracedays": 1, "enabled": "no"}, "unheard_of": {}},
            configured={"a": {"type": "pigeon"}, "b": {}, "c": {"type": "token", "retries": "x"}, "d": {"type": ["x"]}},
        )

    said = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 9
    for part in (
        "detectors.missing_metadata.grace_days", "detectors.missing_metadata.gracedays: is no known entry",
        "detectors.missing_metadata.enabled: must be true or false", "detectors.unheard_of: no such detector",
        'channels.a: type "pigeon" is not installed', "channels.b: has no type",
        "channels.c.token", "channels.c.retries",
        "channels.d: has no type",
    ):  # fmt: skip
        assert part in said


def test_a_secret_is_never_quoted_in_an_error():
    with pytest.raises(SettingsError) as caught:
        _load(channels=(EntryPoint("token", TOKEN),), configured={"c": {"type": "token", "token": 4711}})

    assert "4711" not in str(caught.value)


def test_channels_are_made_by_instance():
    report = _load(
        channels=[EntryPoint("console", CHANNEL)],
        configured={"wide": {"type": "console", "width": 200}, "off": {"type": "console", "enabled": False}},
    )

    (loaded,) = report.channels
    assert (loaded.instance, loaded.settings.width, loaded.distribution) == ("wide", 200, "ours")
    assert report.disabled == ("channels.off",)


def test_a_channel_whose_type_cannot_be_loaded_is_reported():
    report = _load(channels=[EntryPoint("console", ImportError("x"))], configured={"c": {"type": "console"}})

    assert report.channels == ()
    assert [refused.name for refused in report.refused] == ["console"]


def test_our_own_plugins_are_found_in_this_environment():
    report = load_plugins(Settings())

    assert {loaded.detector.name for loaded in report.detectors} >= {"expectation_gap", "missing_metadata"}
    assert [loaded.instance for loaded in report.channels] == ["console"]
    assert report.refused == ()


HTTP = EntryPoint("http", ADAPTER)


def test_the_recommender_is_asked_by_the_adapter_of_its_type():
    report = _load(recommenders=[HTTP], asked={"type": "http", "url": "https://recommender.example/", "enabled": True})

    assert report.recommender.adapter is ADAPTER
    assert report.recommender.settings.url == "https://recommender.example"
    assert report.recommender.distribution == "ours"
    assert report.disabled == ()


def test_without_a_recommender_nobody_is_asked():
    report = _load(recommenders=[HTTP])

    assert (report.recommender, report.refused_recommender, report.disabled) == (None, "", ())


def test_the_recommender_is_switched_off_and_its_settings_checked_all_the_same():
    off = {"type": "http", "url": "https://recommender.example", "enabled": False}
    report = _load(recommenders=[HTTP], asked=off)

    assert report.recommender is None
    assert report.disabled == ("recommender",)
    with pytest.raises(SettingsError, match=r"recommender\.url"):
        _load(recommenders=[HTTP], asked={"type": "http", "enabled": False})


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"url": "https://x"}, "recommender: has no type (installed: http)"),
        ({"type": "pigeon"}, 'recommender: type "pigeon" is not installed (installed: http)'),
        ({"type": "http", "url": "nowhere"}, "recommender.url: must be an http or https address"),
        ({"type": "http", "url": "https://x", "retries": 1}, "recommender.retries: is no known entry"),
        ({"type": "http", "url": "https://x", "enabled": "no"}, "recommender.enabled: must be true or false"),
        ({"type": "http", "url": "http://far.example", "token": "s3cret"}, "use https"),
    ],
)
def test_a_wrong_recommender_is_an_error_that_quotes_no_value(asked, said):
    with pytest.raises(SettingsError) as caught:
        _load(recommenders=[HTTP], asked=asked)

    assert said in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_an_adapter_that_cannot_be_loaded_is_reported_and_stops_nothing():
    report = _load(
        detectors=[EntryPoint("missing_metadata", DETECTOR)],
        recommenders=[EntryPoint("own", ImportError("no torch"), "theirs"), HTTP],
        asked={"type": "own", "whatever": 1},
    )

    assert [(refused.group, refused.name) for refused in report.refused] == [(RECOMMENDERS, "own")]
    assert report.recommender is None
    assert "no torch" in report.refused_recommender
    assert len(report.detectors) == 1


def test_what_is_no_adapter_is_refused():
    assert "is a Channel" in _load(recommenders=[EntryPoint("token", TOKEN)]).refused[0].reason
