"""[shadow]: how the recommender is asked what it would do with upcoming titles."""

from typing import Annotated

from pydantic import Field

from recsysops.settings._section import Section


class ShadowSettings(Section):
    """[shadow]; without a [recommender] nobody is asked."""

    members: Annotated[int, Field(ge=50, le=1_000_000)] = 2000
    """Members asked about per market and surface: a sample, larger for those who come often."""
    active_days: Annotated[int, Field(ge=1, le=90)] = 14
    """Members are sampled from those active in so many days before the run."""
    slots: Annotated[int, Field(ge=1, le=1000)] = 10
    """A title counts as shown to a member when it would rank among so many first."""
    window_days: Annotated[float, Field(gt=0, le=28)] = 3
    """Upcoming titles that launch within so many days of each other are asked about together."""
    dropped_share: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Share of titles that are asked about again without some of their metadata, so that models learn what that costs;
    only a recommender with the ability changed_metadata is asked so."""
    dropped_limit: Annotated[int, Field(ge=0)] = 500
    """At most about so many such questions in one run: a launch and a field left out."""
    members_per_call: Annotated[int, Field(ge=1)] = 500
    """Members in one call to the recommender."""
    titles_per_call: Annotated[int, Field(ge=1)] = 1000
    """Titles in one call to the recommender."""
    timeout_seconds: Annotated[float, Field(gt=0)] = 10
    """The recommender's time for one call; then the call has failed."""
    total_seconds: Annotated[float, Field(gt=0)] = 300
    """The recommender's time for one run; what is not answered by then is predicted without it."""
    what_if_seconds: Annotated[float, Field(gt=0)] = 20
    """The recommender's time for one what-if, as somebody waits; what takes longer is judged by the model alone."""
