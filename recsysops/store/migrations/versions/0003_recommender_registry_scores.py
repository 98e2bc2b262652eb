"""What the recommender said, which model is champion and challenger and why, predictions held against outcomes."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_shadow_scores()
    _create_registry()
    _create_launch_scores()
    _protect_moves()


def downgrade() -> None:
    for table in ("model_move", "challenger", "model_recipe", "launch_score", "shadow_score"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_model_move()")


def _text(names: str, *, nullable: bool = False) -> list["sa.Column[Any]"]:
    kind = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return [sa.Column(name, kind, nullable=nullable) for name in names.split()]


def _whole(names: str, *, nullable: bool = False) -> list["sa.Column[Any]"]:
    return [sa.Column(name, sa.BigInteger(), nullable=nullable) for name in names.split()]


def _numbers(names: str) -> list["sa.Column[Any]"]:
    return [sa.Column(name, sa.Double(), nullable=True) for name in names.split()]


def _sequence(table: str) -> list[Any]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return [sa.Column("sequence", kind, nullable=False), sa.PrimaryKeyConstraint("sequence", name=op.f(f"pk_{table}"))]


def _create_shadow_scores() -> None:
    op.create_table(
        "shadow_score",
        *_sequence("shadow_score"),
        *_text("run_id title_id market surface"),
        *_text("model_version reason", nullable=True),
        *_whole("as_of launch_at n_members"),
        *_numbers("eligible_share candidate_share reach_joint reach_alone standard_error rank_percentile"),
        *_numbers("margin_p10 margin_p50 margin_p90"),
        sa.UniqueConstraint(
            "as_of", "title_id", "market", "surface", name=op.f("uq_shadow_score_as_of_title_id_market_surface")
        ),
    )
    op.create_index("ix_shadow_score_title_id", "shadow_score", ["title_id"])


def _create_registry() -> None:
    op.create_table(
        "model_recipe",
        *_text("model_id recipe"),
        sa.ForeignKeyConstraint(["model_id"], ["model.model_id"], name=op.f("fk_model_recipe_model_id")),
        sa.PrimaryKeyConstraint("model_id", name=op.f("pk_model_recipe")),
    )
    op.create_table(
        "challenger",
        *_text("measure model_id"),
        *_whole("horizon since"),
        sa.ForeignKeyConstraint(
            ["model_id", "measure", "horizon"],
            ["model.model_id", "model.measure", "model.horizon"],
            name=op.f("fk_challenger_model_id_measure_horizon"),
        ),
        sa.PrimaryKeyConstraint("measure", "horizon", name=op.f("pk_challenger")),
    )
    op.create_table(
        "model_move",
        *_sequence("model_move"),
        *_text("measure model_id kind actor reason"),
        *_text("previous_id", nullable=True),
        *_whole("horizon at"),
    )
    op.create_index("ix_model_move_measure_horizon", "model_move", ["measure", "horizon"])


def _create_launch_scores() -> None:
    op.create_table(
        "launch_score",
        *_sequence("launch_score"),
        *_text("row_hash title_id market surface measure predictor"),
        *_text("model_id", nullable=True),
        *_whole("horizon lead as_of launch_at known_at"),
        sa.Column("is_served", sa.Boolean(), nullable=False),
        *_numbers("actual denominator pit crps pinball absolute_error"),
        *_numbers(" ".join(f"q{k:02d}" for k in range(5, 100, 5))),
        sa.UniqueConstraint("row_hash", name=op.f("uq_launch_score_row_hash")),
    )
    op.create_index("ix_launch_score_title_id", "launch_score", ["title_id"])
    op.create_index("ix_launch_score_measure_horizon_lead", "launch_score", ["measure", "horizon", "lead"])


def _protect_moves() -> None:
    # Dropped with its table; a later migration that rebuilds the table must make the triggers again.
    why = "moves of models are append-only"
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER model_move_no_{verb.lower()} BEFORE {verb} ON model_move "
                f"BEGIN SELECT RAISE(ABORT, '{why}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_model_move() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{why}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER model_move_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON model_move "
        "EXECUTE FUNCTION refuse_model_move()"
    )
