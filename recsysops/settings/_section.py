"""What every section has in common. Not for entries."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section of the settings file: unknown entries are refused, and it never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
