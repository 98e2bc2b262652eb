"""The first schema. Names and types stand here as they were: a later change of the models must not change this."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_CURRENT = sa.text("superseded_by IS NULL")


def upgrade() -> None:
    _create_input()
    _create_results()
    _create_followed()
    _protect_history()


def downgrade() -> None:
    for table in reversed(_TABLES.split()):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_issue_event()")


def _needed(names: str, kind: type[Any]) -> list["sa.Column[Any]"]:
    return [sa.Column(name, _kind(kind), nullable=False) for name in names.split()]


def _optional(names: str, kind: type[Any]) -> list["sa.Column[Any]"]:
    return [sa.Column(name, _kind(kind), nullable=True) for name in names.split()]


def _kind(kind: type[Any]) -> Any:
    # Sorted by code point everywhere: what comes in order from one store must come in the same order from another.
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql") if kind is sa.Text else kind()


def _quantiles() -> list["sa.Column[Any]"]:
    return _optional(" ".join(f"q{p:02d}" for p in range(5, 100, 5)), sa.Double)


def _result() -> list["sa.Column[Any]"]:
    return [
        _sequence(),
        *_needed("run_id", sa.Text),
        *_needed("as_of", sa.BigInteger),
        *_needed("title_id market surface", sa.Text),
    ]


def _version() -> list["sa.Column[Any]"]:
    return [
        _sequence(),
        *_needed("row_hash batch_id", sa.Text),
        *_needed("loaded_at observed_at", sa.BigInteger),
        *_needed("title_id market", sa.Text),
    ]


def _key(table: str, names: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*names.split(), name=op.f(f"pk_{table}"))


def _unique(table: str, names: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*names.split(), name=op.f(f"uq_{table}_{names.replace(' ', '_')}"))


def _batch_reference(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["batch_id"], ["batch.batch_id"], name=op.f(f"fk_{table}_batch_id"), deferrable=True, initially="DEFERRED"
    )


def _index(table: str, names: str) -> None:
    op.create_index(f"ix_{table}_{names.replace(' ', '_')}", table, names.split())


def _sequence() -> "sa.Column[Any]":
    return sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def _protect_history() -> None:
    # Dropped with its table; a later migration that rebuilds the table must make the triggers again.
    why = "the history of issues is append-only"
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER issue_event_no_{verb.lower()} BEFORE {verb} ON issue_event "
                f"BEGIN SELECT RAISE(ABORT, '{why}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_issue_event() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{why}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER issue_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON issue_event "
        "EXECUTE FUNCTION refuse_issue_event()"
    )


def _create_input() -> None:
    op.create_table(
        "activity",
        *_needed("signal market surface", sa.Text),
        *_needed("start_at horizon n_active n_events", sa.BigInteger),
        *_needed("is_partial", sa.Boolean),
        sa.CheckConstraint("horizon > 0", name=op.f("ck_activity_horizon_positive")),
        _key("activity", "signal market surface start_at horizon"),
    )
    op.create_table(
        "batch",
        _sequence(),
        *_needed("batch_id table_name content_hash files", sa.Text),
        *_needed("rows_in accepted duplicate quarantined loaded_at", sa.BigInteger),
        *_needed("as_of_label codes", sa.Text),
        sa.CheckConstraint("rows_in = accepted + duplicate + quarantined", name=op.f("ck_batch_adds_up")),
        sa.CheckConstraint("accepted >= 0 AND duplicate >= 0 AND quarantined >= 0", name=op.f("ck_batch_not_negative")),
        _key("batch", "sequence"),
        _unique("batch", "batch_id"),
        _unique("batch", "table_name content_hash"),
    )
    op.create_table(
        "treatment_day",
        *_needed("title_id market surface signal", sa.Text),
        *_needed("day launch_at events new_members", sa.BigInteger),
        *_optional("position_p10 position_p50 position_p90", sa.Double),
        *_needed("is_partial", sa.Boolean),
        _key("treatment_day", "title_id market surface signal day"),
    )
    op.create_table(
        "expectation_version",
        *_needed("surface measure", sa.Text),
        *_needed("horizon", sa.BigInteger),
        *_optional("low best high confidence", sa.Double),
        *_optional("unit author", sa.Text),
        *_version(),
        _batch_reference("expectation_version"),
        _key("expectation_version", "sequence"),
        _unique("expectation_version", "row_hash"),
    )
    op.create_index(
        "ix_expectation_version_key",
        "expectation_version",
        ["title_id", "market", "surface", "measure", "horizon", "observed_at"],
    )
    op.create_table(
        "launch_version",
        *_needed("surface", sa.Text),
        *_optional("launch_at", sa.BigInteger),
        *_needed("launch_status", sa.Text),
        *_version(),
        _batch_reference("launch_version"),
        _key("launch_version", "sequence"),
        _unique("launch_version", "row_hash"),
    )
    _index("launch_version", "title_id market surface observed_at")
    op.create_table(
        "log_file",
        _sequence(),
        *_needed("batch_id table_name path content_hash", sa.Text),
        *_optional("declared_day", sa.Date),
        *_optional("first_at last_at", sa.BigInteger),
        *_needed("rows", sa.BigInteger),
        *_needed("mapping", sa.Text),
        *_optional("superseded_by", sa.Text),
        _batch_reference("log_file"),
        _key("log_file", "sequence"),
    )
    op.create_index(
        "uq_log_file_current_day",
        "log_file",
        ["table_name", "declared_day"],
        unique=True,
        sqlite_where=_CURRENT,
        postgresql_where=_CURRENT,
    )
    op.create_index(
        "uq_log_file_current_path",
        "log_file",
        ["table_name", "path"],
        unique=True,
        sqlite_where=_CURRENT,
        postgresql_where=_CURRENT,
    )
    op.create_table(
        "quarantined_row",
        _sequence(),
        *_needed("batch_id file", sa.Text),
        *_needed("row", sa.BigInteger),
        *_needed("column_name code value rule fix", sa.Text),
        _batch_reference("quarantined_row"),
        _key("quarantined_row", "sequence"),
    )
    _index("quarantined_row", "batch_id")
    op.create_table(
        "title_version",
        *_optional("name series_id provider", sa.Text),
        *_needed("fields", sa.Text),
        *_version(),
        _batch_reference("title_version"),
        _key("title_version", "sequence"),
        _unique("title_version", "row_hash"),
    )
    _index("title_version", "title_id market observed_at")


def _create_results() -> None:
    op.create_table(
        "cell",
        *_optional("launch_at previous_launch_at", sa.BigInteger),
        *_needed("launch_status", sa.Text),
        *_optional("name series_id provider", sa.Text),
        *_needed("status", sa.Text),
        *_optional("class why remedy severity", sa.Text),
        *_needed("n_findings", sa.BigInteger),
        *_needed("has_expectation", sa.Boolean),
        *_result(),
        *_optional("worth worth_low worth_high", sa.Double),
        *_optional("worth_unit", sa.Text),
        *_optional("latest_safe_fix_at", sa.BigInteger),
        _key("cell", "sequence"),
    )
    _index("cell", "as_of class")
    _index("cell", "as_of launch_at")
    _index("cell", "as_of market surface")
    _index("cell", "as_of status")
    op.create_index(
        "uq_cell_as_of_title_id_market_surface", "cell", ["as_of", "title_id", "market", "surface"], unique=True
    )
    op.create_table(
        "check_result",
        *_needed("field check outcome", sa.Text),
        *_optional("value detail suite", sa.Text),
        *_result(),
        _key("check_result", "sequence"),
    )
    _index("check_result", "as_of title_id")
    op.create_table(
        "expectation",
        *_needed("measure", sa.Text),
        *_needed("horizon", sa.BigInteger),
        *_optional("low best high confidence", sa.Double),
        *_optional("author", sa.Text),
        *_optional("observed_at", sa.BigInteger),
        *_optional("denominator", sa.Double),
        *_result(),
        *_quantiles(),
        _key("expectation", "sequence"),
    )
    _index("expectation", "as_of title_id")
    op.create_table(
        "finding",
        *_needed("finding_key detector rule", sa.Text),
        *_optional("field measure", sa.Text),
        *_needed("severity class why remedy", sa.Text),
        *_optional("score", sa.Double),
        *_needed("evidence", sa.Text),
        *_result(),
        *_optional("worth worth_low worth_high", sa.Double),
        *_optional("worth_unit", sa.Text),
        *_optional("latest_safe_fix_at", sa.BigInteger),
        _key("finding", "sequence"),
    )
    _index("finding", "as_of severity")
    _index("finding", "as_of title_id")
    op.create_table(
        "prediction",
        *_needed("measure", sa.Text),
        *_needed("horizon lead", sa.BigInteger),
        *_optional("launch_at", sa.BigInteger),
        *_needed("predictor", sa.Text),
        *_needed("is_served", sa.Boolean),
        *_optional("abstains label", sa.Text),
        *_optional("denominator", sa.Double),
        *_optional("model_id", sa.Text),
        *_result(),
        *_quantiles(),
        _key("prediction", "sequence"),
    )
    _index("prediction", "as_of title_id")
    op.create_table(
        "result_set",
        *_needed("table_name", sa.Text),
        *_needed("as_of", sa.BigInteger),
        *_needed("run_id", sa.Text),
        _key("result_set", "table_name as_of"),
    )
    op.create_table(
        "verdict",
        *_needed("detector rule outcome", sa.Text),
        *_optional("reason", sa.Text),
        *_optional("margin", sa.Double),
        *_optional("data", sa.Text),
        *_result(),
        _key("verdict", "sequence"),
    )
    _index("verdict", "as_of title_id")


def _create_followed() -> None:
    op.create_table(
        "backtest",
        _sequence(),
        *_needed("run_id", sa.Text),
        _key("backtest", "sequence"),
        _unique("backtest", "run_id"),
    )
    op.create_table(
        "issue",
        *_needed("issue_id", sa.Text),
        *_needed("episode opened_at updated_at", sa.BigInteger),
        *_optional("resolved_at", sa.BigInteger),
        *_optional("resolution", sa.Text),
        *_needed("finding_key detector rule title_id market surface field measure severity class why remedy", sa.Text),
        *_optional("worth worth_low worth_high", sa.Double),
        *_needed("worth_unit", sa.Text),
        *_optional("latest_safe_fix_at", sa.BigInteger),
        *_needed("score", sa.Double),
        *_needed("evidence", sa.Text),
        sa.CheckConstraint("episode >= 1", name=op.f("ck_issue_episode_positive")),
        sa.CheckConstraint("(resolved_at IS NULL) = (resolution IS NULL)", name=op.f("ck_issue_resolved_with_reason")),
        _key("issue", "issue_id"),
        _unique("issue", "finding_key episode"),
    )
    _index("issue", "resolved_at")
    _index("issue", "title_id")
    op.create_table(
        "model",
        *_needed("model_id measure", sa.Text),
        *_needed("horizon trained_as_of n_titles n_rows", sa.BigInteger),
        *_needed("folder manifest_sha256 serves reason scores label", sa.Text),
        _key("model", "model_id"),
        _unique("model", "model_id measure horizon"),
    )
    op.create_table(
        "run",
        *_needed("run_id verb", sa.Text),
        *_needed("as_of started_at", sa.BigInteger),
        *_optional("finished_at", sa.BigInteger),
        *_needed("is_followed", sa.Boolean),
        *_needed("inputs models counts settings_hash", sa.Text),
        _key("run", "run_id"),
    )
    _index("run", "is_followed as_of")
    _index("run", "started_at")
    op.create_table(
        "active_model",
        *_needed("measure", sa.Text),
        *_needed("horizon", sa.BigInteger),
        *_needed("model_id", sa.Text),
        sa.ForeignKeyConstraint(
            ["model_id", "measure", "horizon"],
            ["model.model_id", "model.measure", "model.horizon"],
            name=op.f("fk_active_model_model_id_measure_horizon"),
        ),
        _key("active_model", "measure horizon"),
    )
    op.create_table(
        "backtest_score",
        *_needed("backtest position", sa.BigInteger),
        *_needed("measure", sa.Text),
        *_needed("horizon lead", sa.BigInteger),
        *_needed("predictor metric", sa.Text),
        *_optional("value low high", sa.Double),
        *_needed("n", sa.BigInteger),
        sa.ForeignKeyConstraint(
            ["backtest"], ["backtest.sequence"], name=op.f("fk_backtest_score_backtest"), ondelete="CASCADE"
        ),
        _key("backtest_score", "backtest position"),
    )
    op.create_table(
        "issue_event",
        _sequence(),
        *_needed("issue_id", sa.Text),
        *_needed("at", sa.BigInteger),
        *_needed("kind severity why", sa.Text),
        *_optional("resolution", sa.Text),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.issue_id"], name=op.f("fk_issue_event_issue_id")),
        _key("issue_event", "sequence"),
    )
    _index("issue_event", "at")
    _index("issue_event", "issue_id")
    op.create_table(
        "run_step",
        *_needed("run_id", sa.Text),
        *_needed("position", sa.BigInteger),
        *_needed("kind name outcome reason", sa.Text),
        *_needed("seconds", sa.Double),
        *_needed("n", sa.BigInteger),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name=op.f("fk_run_step_run_id"), ondelete="CASCADE"),
        _key("run_step", "run_id position"),
    )


_TABLES = (
    "activity batch treatment_day expectation_version launch_version log_file "
    "quarantined_row title_version cell check_result expectation finding "
    "prediction result_set verdict backtest issue model "
    "run active_model backtest_score issue_event run_step "
)
