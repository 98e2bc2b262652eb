"""Every registered channel keeps the contract, and every check can fail."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from recsysops.contract.channel import Channel, ChannelSettings, Refused, Sent
from recsysops.plugins import load_plugins
from recsysops.settings import Settings
from recsysops.testing import channels as checks
from recsysops.testing.builders import notification
from recsysops_alerts.console import CHANNEL, ConsoleSettings, render

LOADED = load_plugins(Settings(channels={"console": {"type": "console"}})).channels


class LoudSettings(ChannelSettings):
    """No descriptions on purpose."""

    token: SecretStr = SecretStr("token")
    max_lines: int = 120


def _console(settings):
    return ConsoleSettings(max_lines=min(settings.max_lines, 120))


def _loud(**changes):
    values = {
        "name": "console",
        "summary": "A toy.",
        "settings": LoudSettings,
        "render": lambda told, settings: render(told, _console(settings)),
        "send": lambda message, told, settings: Sent(told.run_id),
    }
    return Channel(**(values | changes))


def _impure():
    calls = iter(range(100))
    return _loud(render=lambda told, settings: f"{next(calls)}")


BROKEN = {
    checks.check_no_secret_is_shown: _loud(render=lambda told, settings: settings.token.get_secret_value()),
    checks.check_the_size_limit_is_kept_and_the_cut_counted: _loud(
        render=lambda told, settings: render(told, ConsoleSettings(max_lines=10_000))
    ),
    checks.check_hostile_text_is_made_harmless: _loud(
        render=lambda told, settings: told.service + render(told, _console(settings))
    ),
    checks.check_every_state_is_told: _loud(
        render=lambda told, settings: render(replace(told, fixed=()), _console(settings))
    ),
    checks.check_the_worst_comes_first: _loud(
        render=lambda told, settings: " ".join(n.title_name for n in told.opened)
    ),
    checks.check_nothing_new_is_said: _loud(render=lambda told, settings: "\n"),
    checks.check_rendering_is_pure: _impure(),
    checks.check_it_is_described: _loud(),
    checks.check_the_name_is_its_entry_point: _loud(),
    checks.check_copies_have_one_key: _loud(send=lambda message, told, settings: Sent("always")),
}


@pytest.mark.parametrize("loaded", LOADED, ids=lambda loaded: loaded.channel.name)
@pytest.mark.parametrize("check", checks.CHANNEL_CHECKS, ids=lambda check: check.__name__)
def test_every_registered_channel_keeps_the_contract(loaded, check):
    check(loaded.channel, loaded.settings)


@pytest.mark.parametrize("check", checks.CHANNEL_CHECKS, ids=lambda check: check.__name__)
def test_every_check_finds_its_broken_toy(check):
    with pytest.raises(AssertionError, match='Channel "console"'):
        check(BROKEN[check], LoudSettings())


def test_a_cut_that_is_not_counted_is_found():
    broken = _loud(render=lambda told, settings: "\n".join(n.title_name for n in told.opened[:20]))

    with pytest.raises(AssertionError, match="leaves out 980 issues"):
        checks.check_the_size_limit_is_kept_and_the_cut_counted(broken, LoudSettings())


def test_a_channel_without_a_limit_is_found():
    class Endless(ChannelSettings):
        pass

    with pytest.raises(AssertionError, match="declares no limit"):
        checks.check_the_size_limit_is_kept_and_the_cut_counted(_loud(settings=Endless), LoudSettings())


def test_a_channel_that_loses_foreign_text_is_found():
    broken = _loud(render=lambda told, settings: "?")

    with pytest.raises(AssertionError, match="foreign"):
        checks.check_hostile_text_is_made_harmless(broken, LoudSettings())


def test_a_refusal_is_found():
    broken = _loud(send=lambda message, told, settings: Refused("no", retry=True))

    with pytest.raises(AssertionError, match="refuses: no"):
        checks.check_copies_have_one_key(broken, LoudSettings())


def test_settings_of_another_channel_are_found():
    with pytest.raises(AssertionError, match="another channel"):
        checks.check_it_is_described(CHANNEL, LoudSettings())


def test_a_notification_of_nothing_has_no_news():
    assert notification().opened == ()
