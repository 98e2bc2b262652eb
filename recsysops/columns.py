"""Every column and table name, once.

Not for logic. Frames that pass between parts are described by the tuples at the end: their columns, in that order.
"""

from typing import Final

# Tables a user brings.
TITLES: Final = "titles"
LAUNCHES: Final = "launches"
EXPECTATIONS: Final = "expectations"
IMPRESSIONS: Final = "impressions"
INTERACTIONS: Final = "interactions"
CHANGES: Final = "changes"

# Tables detectors read (with TITLES and EXPECTATIONS).
CELLS: Final = "cells"
PREDICTIONS: Final = "predictions"
CHECKS: Final = "checks"
REQUIREMENTS: Final = "requirements"
FEEDS: Final = "feeds"
EARLIER: Final = "earlier"
"""Who titles were in versions before the last: TITLE_ID, NAME, SERIES_ID, PROVIDER, newest first."""
GROUPS: Final = "groups"
"""Titles that may be compared with each other: TITLE_ID, GROUP. Without this table all may."""
RULES: Final = "rules"
RULED: Final = "ruled"
RULE_FAILURES: Final = "rule_failures"

ALL: Final = "all"
"""Market or surface of a table without such a column; title, market and surface of what concerns the whole service."""

# Keys.
TITLE_ID: Final = "title_id"
MARKET: Final = "market"
SURFACE: Final = "surface"
MEASURE: Final = "measure"
HORIZON: Final = "horizon"
"""Days after launch over which treatment is counted: 1, 7 or 28."""
LEAD: Final = "lead"
"""Days before launch at which a prediction is made: 14, 7, 3 or 1."""
FIELD: Final = "field"
DETECTOR: Final = "detector"
RULE: Final = "rule"
CHECK: Final = "check"

# Times (aware UTC).
OBSERVED_AT: Final = "observed_at"
"""When the source knew."""
LOADED_AT: Final = "loaded_at"
"""When we knew."""
LAUNCH_AT: Final = "launch_at"
PREVIOUS_LAUNCH_AT: Final = "previous_launch_at"
"""The launch time before the last move; missing when it never moved."""
KNOWN_AT: Final = "known_at"
"""When an outcome may be learned from: launch plus horizon."""
AS_OF: Final = "as_of"
TS: Final = "ts"
DUE_AT: Final = "due_at"
LATEST_SAFE_FIX_AT: Final = "latest_safe_fix_at"
START_AT: Final = "start_at"

# Titles.
NAME: Final = "name"
SERIES_ID: Final = "series_id"
PROVIDER: Final = "provider"
FIELDS: Final = "fields"
"""Metadata of a stored title version, a mapping of field to text, number or list."""

# Launches.
LAUNCH_STATUS: Final = "launch_status"
PLANNED: Final = "planned"
CANCELLED: Final = "cancelled"

# Expectations.
LOW: Final = "low"
BEST: Final = "best"
HIGH: Final = "high"
CONFIDENCE: Final = "confidence"
UNIT: Final = "unit"
AUTHOR: Final = "author"
COMPARABLE_TITLES: Final = "comparable_titles"
"""Author of an expectation, or predictor of a prediction, that rests on comparable titles alone."""

# Logs.
MEMBER_ID: Final = "member_id"
POSITION: Final = "position"
REQUEST_ID: Final = "request_id"
ROW_ID: Final = "row_id"
SCORE: Final = "score"
PROPENSITY: Final = "propensity"
MODEL_VERSION: Final = "model_version"
KIND: Final = "kind"
SOURCE: Final = "source"
RANK: Final = "rank"

# What a recommender said it would do with a cell when it was asked (shadow scoring).
SHADOW: Final = "shadow"
N_MEMBERS: Final = "n_members"
"""Sampled members it was asked about."""
ELIGIBLE_SHARE: Final = "eligible_share"
"""Share of active members to whom the title may be shown at all, in [0, 1]."""
CANDIDATE_SHARE: Final = "candidate_share"
"""Share of those members for whom it is a candidate."""
REACH_JOINT: Final = "reach_joint"
"""Share of active members it would be shown to, all titles of its launch window asked together."""
REACH_AS_IT_WAS: Final = "reach_as_it_was"
"""REACH_JOINT of the same asking with all metadata in its place."""
DROPPED: Final = "dropped"
"""Metadata fields left out when the recommender was asked: a list of names."""
REACH_ALONE: Final = "reach_alone"
"""The same with no other upcoming title: the difference is competition."""
STANDARD_ERROR: Final = "standard_error"
"""Of REACH_JOINT, from sampling members; a share."""
RANK_PERCENTILE: Final = "rank_percentile"
"""Mean over eligible members of 1 - rank / titles on offer, in [0, 1]."""
MARGIN_P10: Final = "margin_p10"
MARGIN_P50: Final = "margin_p50"
MARGIN_P90: Final = "margin_p90"
"""Quantiles over eligible members: score minus the score needed to be shown, in standard deviations of their scores."""

# Launches after the fact.
ACTUAL: Final = "actual"
"""Outcome, a share."""
PIT: Final = "pit"
"""Probability integral transform of the outcome, randomised, in [0, 1]: uniform where predictions are calibrated."""
CRPS: Final = "crps"
"""Continuous ranked probability score on the transformed scale; smaller is better."""
PINBALL: Final = "pinball"
ABSOLUTE_ERROR: Final = "absolute_error"
"""Of the median, on the transformed scale."""

# Changes (with TS, KIND, TITLE_ID, MARKET; the last two missing where a change concerns all).
WHAT: Final = "what"
"""What changed, in the words of who changed it."""

# Feeds: one row per source in the settings.
GROUP: Final = "group"
FEED: Final = "feed"
"""Name of the table a source delivers."""
EVERY_HOURS: Final = "every_hours"
"""How often it should deliver; missing where the settings do not say."""
LAST_SEEN_AT: Final = "last_seen_at"
"""When anything of it, new or not, was last found by an ingest; missing when never."""
LAST_NEW_AT: Final = "last_new_at"
"""When a batch with new content was last published; missing when never."""
LAST_DATA_AT: Final = "last_data_at"
"""The latest time its rows speak of: ts of logs and changes, observed_at of the others."""
N_BATCHES: Final = "n_batches"
LAST_ROWS: Final = "last_rows"
"""Rows of the batch published last."""
USUAL_ROWS: Final = "usual_rows"
"""Median rows of the batches before it, at most ten; missing with fewer than three."""
N_HELD: Final = "n_held"
"""Batches held that nobody has decided on."""
HELD_WHY: Final = "held_why"
"""Sentence of the oldest of these; missing without one."""

# Treatment by day, and activity.
SIGNAL: Final = "signal"
"""Which log: impressions or interactions."""
DAY: Final = "day"
"""24-hour day since launch, 0 to 27."""
EVENTS: Final = "events"
NEW_MEMBERS: Final = "new_members"
POSITION_P10: Final = "position_p10"
POSITION_P50: Final = "position_p50"
POSITION_P90: Final = "position_p90"
N_ACTIVE: Final = "n_active"
N_EVENTS: Final = "n_events"
IS_PARTIAL: Final = "is_partial"

# Outcomes.
VALUE: Final = "value"
NUMERATOR: Final = "numerator"
DENOMINATOR: Final = "denominator"
"""What a share is of: active members (reach, uptake) or impressions served (impression_share) in the window."""

# Predictions.
PREDICTOR: Final = "predictor"
"""`model`, `comparable_titles`, or `challenger`."""
MODEL: Final = "model"
CHALLENGER: Final = "challenger"
"""Predictor of what a model said that predicts beside the active one; never served."""
IS_SERVED: Final = "is_served"
"""Exactly one predictor is served per cell, measure and horizon; none when both abstain."""
ABSTAINS: Final = "abstains"
"""Why there is no number; missing where there is one."""
LABEL: Final = "label"
"""Words a reader must see beside the number: early, fallback, not point-in-time; empty otherwise."""
MODEL_ID: Final = "model_id"
QUANTILES: Final = tuple(f"q{p:02d}" for p in range(5, 100, 5))
"""Nineteen quantiles of the share, 0.05 to 0.95."""

# Checks and verdicts.
OUTCOME: Final = "outcome"
SUITE: Final = "suite"
IS_FILLED: Final = "is_filled"
"""The check whether a required field is there; every other check is a rule of a suite."""
DETAIL: Final = "detail"
REASON: Final = "reason"
MARGIN: Final = "margin"
"""How far a verdict is from turning, in the rule's own unit (days, probability); negative when failed."""
DATA: Final = "data"
"""What a verdict rests on, in words."""

# Requirements of metadata.
DUE_DAYS: Final = "due_days"
DAYS_TO_FIX: Final = "days_to_fix"
OWNER: Final = "owner"
MAX_SEVERITY: Final = "max_severity"

# Findings.
FINDING_KEY: Final = "finding_key"
SEVERITY: Final = "severity"
CLASS: Final = "class"
WHY: Final = "why"
REMEDY: Final = "remedy"
WORTH: Final = "worth"
WORTH_LOW: Final = "worth_low"
WORTH_HIGH: Final = "worth_high"
WORTH_UNIT: Final = "worth_unit"
EVIDENCE: Final = "evidence"
STATUS: Final = "status"

# The board.
N_FINDINGS: Final = "n_findings"
"""Findings of every severity on a cell."""
HAS_EXPECTATION: Final = "has_expectation"
"""Whether a plan was known for the cell."""

# Frames, by columns.
CELL_KEY: Final = (TITLE_ID, MARKET, SURFACE)
TARGET_KEY: Final = (*CELL_KEY, MEASURE, HORIZON)
CELL: Final = (*CELL_KEY, LAUNCH_AT, PREVIOUS_LAUNCH_AT, LAUNCH_STATUS, NAME, SERIES_ID, PROVIDER)
"""A title that launches in a market on a surface: what a run judges."""
TITLE_VERSION: Final = (TITLE_ID, MARKET, OBSERVED_AT, NAME, SERIES_ID, PROVIDER, FIELDS)
LAUNCH_VERSION: Final = (*CELL_KEY, OBSERVED_AT, LAUNCH_AT, LAUNCH_STATUS)
EXPECTATION_VERSION: Final = (*TARGET_KEY, OBSERVED_AT, LOW, BEST, HIGH, CONFIDENCE, UNIT, AUTHOR)
TREATMENT_DAY: Final = (
    *CELL_KEY, SIGNAL, LAUNCH_AT, DAY, EVENTS, NEW_MEMBERS, POSITION_P10, POSITION_P50, POSITION_P90, IS_PARTIAL,
)  # fmt: skip
ACTIVITY: Final = (MARKET, SURFACE, SIGNAL, START_AT, HORIZON, N_ACTIVE, N_EVENTS, IS_PARTIAL)
OUTCOMES: Final = (*TARGET_KEY, LAUNCH_AT, KNOWN_AT, VALUE, NUMERATOR, DENOMINATOR, IS_PARTIAL)
"""What the recommender did over a horizon: treatment days summed, as a share of the window's denominator."""
PREDICTION: Final = (
    *TARGET_KEY, LEAD, AS_OF, LAUNCH_AT, PREDICTOR, IS_SERVED, ABSTAINS, LABEL, DENOMINATOR, MODEL_ID, *QUANTILES,
)  # fmt: skip
EXPECTATION: Final = (*TARGET_KEY, LOW, BEST, HIGH, CONFIDENCE, AUTHOR, OBSERVED_AT, DENOMINATOR, *QUANTILES)
"""An expectation read as a distribution of a share, ready to be compared with a prediction."""
CHANGE: Final = (TS, KIND, WHAT, TITLE_ID, MARKET)
FEED_STATE: Final = (
    FEED, EVERY_HOURS, LAST_SEEN_AT, LAST_NEW_AT, LAST_DATA_AT, N_BATCHES, LAST_ROWS, USUAL_ROWS, N_HELD, HELD_WHY,
)  # fmt: skip
CHECK_RESULT: Final = (*CELL_KEY, FIELD, CHECK, OUTCOME, VALUE, DETAIL, SUITE)
INVALID_VALUE: Final = "invalid_value"
CONTRADICTION: Final = "contradiction"
IMPOSSIBLE_DATE: Final = "impossible_date"
MISTAKEN_IDENTITY: Final = "mistaken_identity"
RULE_KINDS: Final = (INVALID_VALUE, CONTRADICTION, IMPOSSIBLE_DATE, MISTAKEN_IDENTITY)
"""What a rule of a suite finds in titles; as columns of RULED, the number of rules of the kind that judged a cell."""
ABSENT: Final = "absent"
FROZEN: Final = "frozen"
LATE: Final = "late"
SHORT: Final = "short"
HELD_BATCH: Final = "held_batch"
FEED_KINDS: Final = (ABSENT, FROZEN, LATE, SHORT, HELD_BATCH)
"""What a rule of a suite finds in feeds."""
RULE_STATE: Final = (
    CHECK, SUITE, KIND, FIELD, MARKET, SURFACE, OUTCOME, DETAIL, SEVERITY, WHY, REMEDY, OWNER, DAYS_TO_FIX,
)  # fmt: skip
"""A rule on one field in one market on one surface: whether it ran (passed), could not (not_run), or has no field."""
RULE_FAILURE: Final = (*CELL_KEY, CHECK, FIELD, VALUE, DETAIL)
"""A cell, or a feed (title, market and surface `all`), that breaks a rule; those that keep it have no row."""
RULED_CELL: Final = (*CELL_KEY, *RULE_KINDS)
REQUIREMENT: Final = (FIELD, MARKET, SURFACE, DUE_DAYS, DAYS_TO_FIX, OWNER, MAX_SEVERITY)
VERDICT: Final = (*CELL_KEY, DETECTOR, RULE, OUTCOME, REASON, MARGIN, DATA)
FINDING: Final = (
    FINDING_KEY, DETECTOR, RULE, *CELL_KEY, FIELD, MEASURE, SEVERITY, CLASS, WHY, REMEDY,
    WORTH, WORTH_LOW, WORTH_HIGH, WORTH_UNIT, LATEST_SAFE_FIX_AT, SCORE, EVIDENCE,
)  # fmt: skip
BOARD_CELL: Final = (
    *CELL, STATUS, CLASS, WHY, REMEDY, SEVERITY, WORTH, WORTH_LOW, WORTH_HIGH, WORTH_UNIT, LATEST_SAFE_FIX_AT,
    N_FINDINGS, HAS_EXPECTATION,
)  # fmt: skip
"""A cell as judged: its status and what its worst finding says; text is missing where nothing was found."""
SHADOW_SCORE: Final = (
    *CELL_KEY, AS_OF, LAUNCH_AT, N_MEMBERS, ELIGIBLE_SHARE, CANDIDATE_SHARE, REACH_JOINT, REACH_ALONE, STANDARD_ERROR,
    RANK_PERCENTILE, MARGIN_P10, MARGIN_P50, MARGIN_P90, MODEL_VERSION, REASON,
)  # fmt: skip
"""What the recommender said at AS_OF it would do with a cell on its launch; numbers are missing where it could not be
asked, REASON then says why. MODEL_VERSION is the recommender's."""
RELABELLED: Final = (*SHADOW_SCORE, DROPPED, REACH_AS_IT_WAS)
"""SHADOW_SCORE of a past launch asked about with fields dropped, and what it was with them: what to learn from a title
as it would have been without these fields. One row per cell and set of fields dropped."""
LAUNCH_SCORE: Final = (
    *TARGET_KEY, LEAD, AS_OF, LAUNCH_AT, PREDICTOR, MODEL_ID, IS_SERVED, ACTUAL, DENOMINATOR, PIT, CRPS, PINBALL,
    ABSOLUTE_ERROR, KNOWN_AT, *QUANTILES,
)  # fmt: skip
"""A prediction held against what happened: one row per target, lead, predictor and model. QUANTILES are shares."""
