"""What the recommender said of past launches without some of their metadata."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "relabelled_score",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        *_text("run_id title_id market surface dropped"),
        *_text("model_version reason", nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("as_of", "launch_at", "n_members")),
        *_numbers("eligible_share candidate_share reach_joint reach_alone standard_error rank_percentile"),
        *_numbers("margin_p10 margin_p50 margin_p90 reach_as_it_was"),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_relabelled_score")),
        sa.UniqueConstraint(
            "as_of", "title_id", "market", "surface", "dropped",
            name=op.f("uq_relabelled_score_as_of_title_id_market_surface_dropped"),
        ),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("relabelled_score")


def _text(names: str, *, nullable: bool = False) -> list["sa.Column[Any]"]:
    kind = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return [sa.Column(name, kind, nullable=nullable) for name in names.split()]


def _numbers(names: str) -> list["sa.Column[Any]"]:
    return [sa.Column(name, sa.Double(), nullable=True) for name in names.split()]
