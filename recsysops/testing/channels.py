"""What every channel must hold, whoever wrote it: run each of `CHANNEL_CHECKS` on yours, with settings that work.

A check returns nothing, or raises AssertionError with what was found and what was expected. The last one sends: let the
settings name a receiver of your own.
"""

import re
import unicodedata
from collections.abc import Callable
from importlib import metadata
from typing import Final, NoReturn

from pydantic import SecretStr

from recsysops.contract.channel import AnyChannel, ChannelSettings, Notification, Sent
from recsysops.domain.issue import IssueEventKind, Resolution
from recsysops.domain.severity import Severity
from recsysops.plugins import CHANNELS
from recsysops.testing.builders import notice, notification

Check = Callable[[AnyChannel, ChannelSettings], None]

CANARY: Final = "canary-6c1f2d"
HOSTILE: Final = "Night\x1b[2J\x1b]0;x\x07\r\n\u202eniarT\u2028 \ud800 Ünïcödé 夜行列車 🚂 <b>&amp; *x* `x`"
"""Terminal escapes, a title's change, line breaks, reversed text, a surrogate, and text that must stay readable."""
_LIMITS: Final = ("max_lines", "max_characters", "max_bytes")
_HARMFUL: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_ALLOWED: Final = frozenset("\n\u200c\u200d")
_MANY: Final = 1000


def check_no_secret_is_shown(channel: AnyChannel, settings: ChannelSettings) -> None:
    """Neither the message nor the settings' repr holds a secret."""
    secrets = {
        name: SecretStr(CANARY)
        for name in channel.settings.model_fields
        if isinstance(getattr(settings, name), SecretStr)
    }
    armed = settings.model_copy(update=secrets)
    for where, text in (("message", channel.render(_full(), armed)), ("repr", repr(armed)), ("str", str(armed))):
        if CANARY in text:
            _fail(channel, f"shows a secret in its {where}")


def check_the_size_limit_is_kept_and_the_cut_counted(channel: AnyChannel, settings: ChannelSettings) -> None:
    """A thousand issues fit into the declared limit, and the message says how many were left out."""
    names = [f"Title{number:04d}x" for number in range(_MANY)]
    many = tuple(notice(f"t{number}", title_name=name) for number, name in enumerate(names))
    message = channel.render(notification(opened=many, n_open=_MANY), settings)
    sizes = {"max_lines": message.count("\n"), "max_characters": len(message), "max_bytes": len(message.encode())}
    declared = [name for name in _LIMITS if name in channel.settings.model_fields]
    if not declared:
        _fail(channel, f"declares no limit (one of {', '.join(_LIMITS)})")
    for name in declared:
        if sizes[name] > getattr(settings, name):
            _fail(channel, f"sends {sizes[name]}, which is above {name} = {getattr(settings, name)}")
    n_cut = _MANY - sum(name in message for name in names)
    if n_cut and not re.search(rf"(?<!\d){n_cut}(?!\d)", message):
        _fail(channel, f"leaves out {n_cut} issues and does not say so")


def check_hostile_text_is_made_harmless(channel: AnyChannel, settings: ChannelSettings) -> None:
    """Control characters of titles, reasons and links never reach the receiver; readable text does."""
    found = notice(title_name=HOSTILE, why=HOSTILE, remedy=HOSTILE, title_id=HOSTILE, market=HOSTILE)
    message = channel.render(notification(service=HOSTILE, opened=(found,), failed_steps=(HOSTILE,)), settings)
    left = {unicodedata.name(one, repr(one)) for one in message if _is_harmful(one)}
    if left:
        _fail(channel, f"lets through {', '.join(sorted(left))}")
    if "夜行列車" not in message or "Ünïcödé" not in message:
        _fail(channel, "loses text that is no more than foreign")


def check_every_state_is_told(channel: AnyChannel, settings: ChannelSettings) -> None:
    """New, worse, fixed and ended issues are named, and so are steps that did not run and what is unknown."""
    message = channel.render(_full(), settings)
    for wanted in ("Opened One", "Worse One", "Fixed One", "Ended One", "detector broken", "17"):
        if wanted not in message:
            _fail(channel, f'does not tell of "{wanted}"')


def check_the_worst_comes_first(channel: AnyChannel, settings: ChannelSettings) -> None:
    """A critical issue is told before a warning, whatever their order in the notification."""
    mild = notice("t1", title_name="Mild One", severity=Severity.WARNING)
    grave = notice("t2", title_name="Grave One", severity=Severity.CRITICAL)
    message = channel.render(notification(opened=(mild, grave), n_open=2), settings)
    if not -1 < message.find("Grave One") < message.find("Mild One"):
        _fail(channel, "does not put the worst issue first")


def check_nothing_new_is_said(channel: AnyChannel, settings: ChannelSettings) -> None:
    """A notification without news is a message, and names no issue."""
    message = channel.render(notification(), settings)
    if not message.strip():
        _fail(channel, "says nothing when nothing is new")


def check_rendering_is_pure(channel: AnyChannel, settings: ChannelSettings) -> None:
    """Twice the same notification, twice the same message."""
    if channel.render(_full(), settings) != channel.render(_full(), settings):
        _fail(channel, "renders one notification in two ways")


def check_it_is_described(channel: AnyChannel, settings: ChannelSettings) -> None:
    """Every setting says what it means, and there is a summary."""
    for name, field in channel.settings.model_fields.items():
        if not field.description:
            _fail(channel, f'does not say what its setting "{name}" means')
    if not isinstance(settings, channel.settings) or not channel.summary:
        _fail(channel, "lacks a summary, or was given settings of another channel")


def check_the_name_is_its_entry_point(channel: AnyChannel, settings: ChannelSettings) -> None:  # noqa: ARG001 - one shape
    """It is registered under its name in the group `recsysops.channels`."""
    if not any(point.load() is channel for point in metadata.entry_points(group=CHANNELS, name=channel.name)):
        _fail(channel, f"is not registered under its name in the entry-point group {CHANNELS}")


def check_copies_have_one_key(channel: AnyChannel, settings: ChannelSettings) -> None:
    """The same notification has the same delivery key however often it is sent; another run has another."""
    answers = []
    for run_id in ("run-1", "run-1", "run-2"):
        told = notification(run_id=run_id)
        answers.append(channel.send(channel.render(told, settings), told, settings))
    keys = [
        answer.key if isinstance(answer, Sent) else _fail(channel, f"refuses: {answer.reason}") for answer in answers
    ]
    if keys[0] != keys[1] or keys[0] == keys[2]:
        _fail(channel, f"gives the keys {keys} to two copies and another run")


def _full() -> Notification:
    return notification(
        opened=(notice("t1", title_name="Opened One"),),
        worsened=(notice("t2", IssueEventKind.WORSENED, title_name="Worse One", severity=Severity.CRITICAL),),
        fixed=(notice("t3", IssueEventKind.RESOLVED, title_name="Fixed One", resolution=Resolution.FIXED),),
        ended=(notice("t4", IssueEventKind.RESOLVED, title_name="Ended One", resolution=Resolution.LAUNCHED),),
        n_open=2,
        n_unknown=17,
        failed_steps=("detector broken: ValueError",),
    )


def _is_harmful(character: str) -> bool:
    return unicodedata.category(character) in _HARMFUL and character not in _ALLOWED


def _fail(channel: AnyChannel, problem: str) -> NoReturn:
    raise AssertionError(f'Channel "{channel.name}" {problem}.')


CHANNEL_CHECKS: Final[tuple[Check, ...]] = tuple(
    check for name, check in list(globals().items()) if name.startswith("check_")
)
"""All of them."""
