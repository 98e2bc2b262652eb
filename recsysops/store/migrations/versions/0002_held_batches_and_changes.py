"""What batches looked like, held batches and decisions on them, files seen, changes. Only adds tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_batches()
    _create_changes()
    _protect_decisions()


def downgrade() -> None:
    for table in ("held_decision", "held_batch", "batch_profile", "seen_file", "change"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_held_decision()")


def _text(names: str, *, nullable: bool = False) -> list["sa.Column[Any]"]:
    kind = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return [sa.Column(name, kind, nullable=nullable) for name in names.split()]


def _whole(names: str) -> list["sa.Column[Any]"]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names.split()]


def _sequence(table: str) -> list[Any]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return [sa.Column("sequence", kind, nullable=False), sa.PrimaryKeyConstraint("sequence", name=op.f(f"pk_{table}"))]


def _batch_reference(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["batch_id"], ["batch.batch_id"], name=op.f(f"fk_{table}_batch_id"), deferrable=True, initially="DEFERRED"
    )


def _create_batches() -> None:
    op.create_table(
        "batch_profile",
        *_text("batch_id profile"),
        _batch_reference("batch_profile"),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_batch_profile")),
    )
    op.create_table(
        "held_batch",
        *_sequence("held_batch"),
        *_text("batch_id table_name content_hash files drifts profile state"),
        *_whole("rows_in accepted quarantined held_at"),
        sa.UniqueConstraint("batch_id", name=op.f("uq_held_batch_batch_id")),
    )
    op.create_index("ix_held_batch_table_name_state", "held_batch", ["table_name", "state"])
    op.create_table(
        "held_decision",
        *_sequence("held_decision"),
        *_text("batch_id state decided_by reason"),
        *_whole("at"),
        sa.ForeignKeyConstraint(["batch_id"], ["held_batch.batch_id"], name=op.f("fk_held_decision_batch_id")),
    )
    op.create_index("ix_held_decision_batch_id", "held_decision", ["batch_id"])
    op.create_table(
        "seen_file",
        *_text("table_name path content_hash"),
        *_whole("size mtime_ns seen_at"),
        sa.PrimaryKeyConstraint("table_name", "path", name=op.f("pk_seen_file")),
    )


def _create_changes() -> None:
    op.create_table(
        "change",
        *_sequence("change"),
        *_text("row_hash batch_id kind what"),
        *_text("title_id market", nullable=True),
        *_whole("loaded_at ts"),
        _batch_reference("change"),
        sa.UniqueConstraint("row_hash", name=op.f("uq_change_row_hash")),
    )
    op.create_index("ix_change_title_id_ts", "change", ["title_id", "ts"])
    op.create_index("ix_change_ts", "change", ["ts"])


def _protect_decisions() -> None:
    # Dropped with its table; a later migration that rebuilds the table must make the triggers again.
    why = "decisions on held batches are append-only"
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER held_decision_no_{verb.lower()} BEFORE {verb} ON held_decision "
                f"BEGIN SELECT RAISE(ABORT, '{why}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_held_decision() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{why}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER held_decision_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON held_decision "
        "EXECUTE FUNCTION refuse_held_decision()"
    )
