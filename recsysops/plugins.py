"""Finds detectors, channels and recommenders by entry point. One that cannot be loaded is reported, and stops none."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from recsysops.contract.channel import AnyChannel, Channel, ChannelSettings
from recsysops.contract.detector import AnyDetector, Detector, Params
from recsysops.contract.recommender import Adapter, AnyAdapter, RecommenderSettings
from recsysops.errors import PluginError, SettingsError
from recsysops.settings import FILE_NAME, Settings

DETECTORS: Final = "recsysops.detectors"
CHANNELS: Final = "recsysops.channels"
RECOMMENDERS: Final = "recsysops.recommenders"
UNKNOWN_DISTRIBUTION: Final = "unknown"

EntryPoints = Callable[[str], Iterable[metadata.EntryPoint]]
"""Entry-point group to its entry points."""


@dataclass(frozen=True, kw_only=True)
class LoadedDetector:
    """A detector with its parameters filled from the settings."""

    detector: AnyDetector
    params: Params
    distribution: str


@dataclass(frozen=True, kw_only=True)
class LoadedChannel:
    """A channel instance with its settings."""

    instance: str
    channel: AnyChannel
    settings: ChannelSettings
    distribution: str


@dataclass(frozen=True, kw_only=True)
class LoadedRecommender:
    """The adapter by which the recommender is asked, with its settings. Not connected yet."""

    adapter: AnyAdapter
    settings: RecommenderSettings
    distribution: str


@dataclass(frozen=True, kw_only=True)
class RefusedPlugin:
    """A plug-in that is installed and cannot be used."""

    group: str
    name: str
    distribution: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PluginReport:
    """What is installed, and what became of it; each by name."""

    detectors: tuple[LoadedDetector, ...] = ()
    channels: tuple[LoadedChannel, ...] = ()
    recommender: LoadedRecommender | None = None
    """None where the settings name nobody, switch it off, or name an adapter that was refused."""
    refused_recommender: str = ""
    """Why the adapter the settings name could not be loaded; empty where it could, or none is named."""
    refused: tuple[RefusedPlugin, ...] = ()
    disabled: tuple[str, ...] = ()
    """What the settings switch off: `detectors.<name>`, `channels.<instance>` or `recommender`."""


def installed(group: str) -> Iterable[metadata.EntryPoint]:
    """Return the entry points of a group in the running environment."""
    return metadata.entry_points(group=group)


def load_plugins(settings: Settings, entry_points: EntryPoints = installed) -> PluginReport:
    """Load every detector, and every channel and the recommender the settings name.

    Args:
        settings: `[detectors.<name>]` fills a detector's parameters, `[channels.<instance>]` makes a channel of its
            `type`, `[recommender]` asks by the adapter of its `type`; `enabled = false` switches any off.
        entry_points: Where plug-ins are found.

    Raises:
        PluginError: Two distributions offer one name.
        SettingsError: A section cannot be used; lists every problem of every section at once.
    """
    problems: list[str] = []
    detectors, refused_detectors = _load_group(entry_points, DETECTORS, Detector)
    channels, refused_channels = _load_group(entry_points, CHANNELS, Channel)
    adapters, refused_adapters = _load_group(entry_points, RECOMMENDERS, Adapter)
    loaded_detectors = _fill_detectors(settings, detectors, {plugin.name for plugin in refused_detectors}, problems)
    loaded_channels = _fill_channels(settings, channels, {plugin.name for plugin in refused_channels}, problems)
    recommender = _fill_recommender(settings, adapters, {plugin.name for plugin in refused_adapters}, problems)
    if problems:
        raise SettingsError(str(settings.folder / FILE_NAME), problems)
    sections = {"detectors": settings.detectors, "channels": settings.channels}
    return PluginReport(
        detectors=loaded_detectors,
        channels=loaded_channels,
        recommender=recommender,
        refused_recommender=_refused_recommender(settings, refused_adapters),
        refused=(*refused_detectors, *refused_channels, *refused_adapters),
        disabled=(
            *(f"{kind}.{name}" for kind, found in sections.items() for name in sorted(found) if _is_off(found[name])),
            *(["recommender"] if _is_off(settings.recommender) else []),
        ),
    )


def _load_group(
    entry_points: EntryPoints, group: str, wanted: type[Any]
) -> tuple[dict[str, tuple[Any, str]], tuple[RefusedPlugin, ...]]:
    """Return name to (plug-in, distribution), and what could not be loaded."""
    loaded: dict[str, tuple[Any, str]] = {}
    refused = []
    for name, point in sorted(_by_name(entry_points(group), group).items()):
        distribution = _distribution(point)
        try:
            loaded[name] = (_checked(point, wanted), distribution)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's module may raise anything when imported
            reason = f"{type(error).__name__}: {error}"
            refused.append(RefusedPlugin(group=group, name=name, distribution=distribution, reason=reason))
    return loaded, tuple(refused)


def _by_name(points: Iterable[metadata.EntryPoint], group: str) -> dict[str, metadata.EntryPoint]:
    found: dict[str, metadata.EntryPoint] = {}
    for point in points:
        other = found.setdefault(point.name, point)
        if _distribution(other) != _distribution(point):
            first, second = sorted((_distribution(other), _distribution(point)))
            raise PluginError(
                f'Plug-in "{point.name}" of {group} is offered twice: by "{first}" and by "{second}" (one name, one '
                "plug-in). Uninstall one of the two distributions."
            )
    return found


def _distribution(point: metadata.EntryPoint) -> str:
    return point.dist.name if point.dist is not None else UNKNOWN_DISTRIBUTION


def _checked(point: metadata.EntryPoint, wanted: type[Any]) -> object:
    plugin = point.load()
    if not isinstance(plugin, wanted):
        raise TypeError(f'"{point.value}" is a {type(plugin).__name__} (a {wanted.__name__} is needed).')
    if plugin.name != point.name:
        raise ValueError(f'it calls itself "{plugin.name}" (its entry point is "{point.name}"; both must be equal).')
    return plugin


def _fill_detectors(
    settings: Settings, found: Mapping[str, tuple[Any, str]], refused: Collection[str], problems: list[str]
) -> tuple[LoadedDetector, ...]:
    have = ", ".join(found) or "none"
    unknown = sorted(set(settings.detectors) - set(found) - set(refused))
    problems.extend(f"detectors.{name}: no such detector is installed (installed: {have})" for name in unknown)
    loaded = []
    for name, (detector, distribution) in found.items():
        entries = settings.detectors.get(name, {})
        params = _fill(f"detectors.{name}", detector.params, entries, problems)
        if isinstance(params, Params) and not _is_off(entries):
            loaded.append(LoadedDetector(detector=detector, params=params, distribution=distribution))
    return tuple(loaded)


def _fill_channels(
    settings: Settings, found: Mapping[str, tuple[Any, str]], refused: Collection[str], problems: list[str]
) -> tuple[LoadedChannel, ...]:
    loaded = []
    for instance, entries in sorted(settings.channels.items()):
        where = f"channels.{instance}"
        kind = entries.get("type")
        if isinstance(kind, str) and kind in refused:
            continue  # reported with the reason why it could not be loaded
        if not isinstance(kind, str) or kind not in found:
            said = f'type "{kind}" is not installed' if isinstance(kind, str) else "has no type"
            problems.append(f"{where}: {said} (installed: {', '.join(found) or 'none'})")
            continue
        channel, distribution = found[kind]
        rest = {name: value for name, value in entries.items() if name != "type"}
        filled = _fill(where, channel.settings, rest, problems)
        if isinstance(filled, ChannelSettings) and not _is_off(entries):
            loaded.append(LoadedChannel(instance=instance, channel=channel, settings=filled, distribution=distribution))
    return tuple(loaded)


def _fill_recommender(
    settings: Settings, found: Mapping[str, tuple[Any, str]], refused: Collection[str], problems: list[str]
) -> LoadedRecommender | None:
    entries = settings.recommender
    kind = entries.get("type")
    if not entries or (isinstance(kind, str) and kind in refused):
        return None  # nobody, or reported with the reason why it could not be loaded
    if not isinstance(kind, str) or kind not in found:
        said = f'type "{kind}" is not installed' if isinstance(kind, str) else "has no type"
        problems.append(f"recommender: {said} (installed: {', '.join(found) or 'none'})")
        return None
    adapter, distribution = found[kind]
    rest = {name: value for name, value in entries.items() if name != "type"}
    filled = _fill("recommender", adapter.settings, rest, problems)
    if not isinstance(filled, RecommenderSettings) or _is_off(entries):
        return None
    return LoadedRecommender(adapter=adapter, settings=filled, distribution=distribution)


def _refused_recommender(settings: Settings, refused: Iterable[RefusedPlugin]) -> str:
    kind = settings.recommender.get("type")
    reason = next((plugin.reason for plugin in refused if plugin.name == kind), "")
    return "" if _is_off(settings.recommender) else reason


def _is_off(entries: Mapping[str, Any]) -> bool:
    return entries.get("enabled", True) is False


def _fill(where: str, model: type[BaseModel], entries: Mapping[str, Any], problems: list[str]) -> BaseModel | None:
    """Return the settings of one plug-in, or add to `problems` what is wrong with them."""
    if not isinstance(entries.get("enabled", True), bool):
        problems.append(f"{where}.enabled: must be true or false")
    try:
        return model.model_validate({name: value for name, value in entries.items() if name != "enabled"})
    except ValidationError as error:
        # Never the value itself: it may be a secret, or stand beside one.
        problems += [f"{'.'.join([where, *map(str, e['loc'])])}: {_words(e['type'], e['msg'])}" for e in error.errors()]
        return None


def _words(kind: str, message: str) -> str:
    return "is no known entry" if kind == "extra_forbidden" else message.removeprefix("Value error, ")
