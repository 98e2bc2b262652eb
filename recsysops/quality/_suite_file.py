"""Suites as users write them: one TOML file per group of rules. Reads and checks them; judges nothing."""

import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from recsysops.columns import ALL, FEED_KINDS
from recsysops.errors import SettingsError, SettingsNotFoundError

Relation = Literal["filled_together", "in_set_when", "includes", "not_after", "same_title", "twin_id", "reused_id"]
IDENTITY: Final = ("same_title", "twin_id", "reused_id")
FEED_FIELDS: Final = (
    "cadences_since_new", "cadences_since_new_while_found", "cadences_since_new_while_not_found", "rows_ratio",
    "n_held",
)  # fmt: skip
"""What rules with `finds` may look at: see `_feeds`."""
_NEEDS_OTHER: Final = ("filled_together", "in_set_when", "includes", "not_after")


def _known_finding(value: str) -> str:
    if value and value not in FEED_KINDS:
        raise ValueError(f"is none of {', '.join(FEED_KINDS)}")
    return value


class SuiteRule(BaseModel):
    """[[rule]] of a suite."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, str_strip_whitespace=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,79}$")]
    """What the rule is called: small letters, digits and underscores; one name, one rule."""
    field: str = ""
    """Metadata field it looks at, as the titles have it after the mapping."""
    fields: tuple[str, ...] = ()
    """Instead of `field`: several, each judged by itself (of `same_title`: those that make up a title)."""
    other: str = ""
    """Of relations: the second field; `launch_at` is the launch."""
    expectation: str = ""
    """Expectation of Great Expectations by its own name."""
    kwargs: dict[str, Any] = Field(default={})
    """Its arguments, without `column`."""
    relation: Relation | None = None
    """Instead of `expectation`: a relation between fields, titles or versions."""
    when: tuple[str | int | float | bool, ...] = ()
    """Of relations: only where `field` is one of these; empty for any value."""
    allowed: tuple[str | int | float | bool, ...] = ()
    """Of `in_set_when`: what `other` may be then."""
    slack_days: Annotated[float, Field(ge=0, le=36500)] = 0
    """Of `not_after`: days by which it may come after all the same."""
    finds: Annotated[str, AfterValidator(_known_finding)] = ""
    """Of rules on feeds: what a failure means."""
    severity: Literal["critical", "warning", "info"] = "warning"
    """The worst severity a finding may have."""
    markets: tuple[str, ...] = (ALL,)
    """Markets it holds in."""
    surfaces: tuple[str, ...] = (ALL,)
    """Surfaces it holds on."""
    says: Annotated[str, Field(min_length=1, max_length=300)]
    """What must be true, as the end of a sentence: `must be a language code, such as en or pt-BR`."""
    remedy: str = ""
    """What to do."""
    owner: str = ""
    """Who does it."""
    days_to_fix: Annotated[float, Field(ge=0, le=365)] = 3
    """Days its owner usually needs."""
    optional: bool = False
    """Whether the rule is passed over where no title has the field; else it counts as not run."""
    enabled: bool = True
    """Whether it is on."""

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if bool(self.expectation) == bool(self.relation):
            raise ValueError("needs either expectation or relation")
        if self.field and self.fields:
            raise ValueError("needs either field or fields, not both")
        if self.relation not in IDENTITY and not self.looks_at:
            raise ValueError("needs a field")
        if self.relation in _NEEDS_OTHER and not self.other:
            raise ValueError(f"relation {self.relation} needs other")
        if self.relation == "in_set_when" and not self.allowed:
            raise ValueError("relation in_set_when needs allowed")
        if self.relation == "same_title" and not self.looks_at:
            raise ValueError("relation same_title needs fields")
        if self.finds and (self.relation or not set(self.looks_at) <= set(FEED_FIELDS)):
            raise ValueError(f"a rule on feeds is an expectation on one of {', '.join(FEED_FIELDS)}")
        if "column" in self.kwargs:
            raise ValueError("kwargs.column is the field already")
        return self

    @property
    def looks_at(self) -> tuple[str, ...]:
        """Return its fields."""
        return self.fields or ((self.field,) if self.field else ())


class Suite(BaseModel):
    """A suite file."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str = ""
    """Of the group: the file's name without .toml."""
    about: str = ""
    """What its rules have in common."""
    rule: tuple[SuiteRule, ...] = ()


def read_suites(folder: Path | None) -> tuple[Suite, ...]:
    """Read every suite of a folder, by name; the bundled ones without a folder.

    Raises:
        SettingsNotFoundError: There is no such folder.
        SettingsError: Some file cannot be used; lists all problems of all files at once.
    """
    if folder is not None and not folder.is_dir():
        raise SettingsNotFoundError.at(str(folder))
    problems: list[str] = []
    found = (
        bundled_suites() if folder is None else {file.name: file.read_bytes() for file in sorted(folder.glob("*.toml"))}
    )
    suites = tuple(_suite(name, content, problems) for name, content in found.items())
    problems += _repeated(suites)
    if folder is not None and not found:
        problems.append("there is no .toml file in this folder (expected: one per group of rules)")
    if problems:
        raise SettingsError(str(folder or "bundled suites"), problems)
    return suites


def bundled_suites() -> Mapping[str, bytes]:
    """Return the suites that come with RecSysOps by file name: a start for one's own."""
    folder = resources.files("recsysops.quality") / "suites"
    return _contents(file for file in folder.iterdir() if file.name.endswith(".toml"))


def _contents(files: Iterable[Traversable]) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(files, key=lambda file: file.name)}


def _suite(file: str, content: bytes, problems: list[str]) -> Suite:
    """Return a suite; what is wrong with it is added to `problems`."""
    try:
        entries = tomllib.loads(content.decode("utf-8"))
        return Suite.model_validate({**entries, "name": file.removesuffix(".toml")})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{file}: it is no valid TOML: {error}")
    except ValidationError as error:
        problems += [f"{file}, {_where(each['loc'])}: {_said(each)}" for each in error.errors()]
    return Suite(name=file.removesuffix(".toml"))


def _where(place: tuple[int | str, ...]) -> str:
    named = [f"rule {part + 1}" if isinstance(part, int) and at == 1 else str(part) for at, part in enumerate(place)]
    return ".".join(named[1:] if len(named) > 1 and named[0] == "rule" else named)


def _said(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "is no known entry"
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "missing" or isinstance(error["input"], (dict, list)):
        return message
    return f"{message} (found: {repr(error['input'])[:100]})"


def _repeated(suites: Iterable[Suite]) -> list[str]:
    seen: dict[str, str] = {}
    problems = []
    for suite in suites:
        for rule in suite.rule:
            if rule.name in seen:
                problems.append(f'{suite.name}.toml: a rule "{rule.name}" stands in {seen[rule.name]}.toml already')
            seen.setdefault(rule.name, suite.name)
    return problems
