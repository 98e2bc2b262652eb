from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsysops.domain.batch import BatchReceipt

AT = datetime(2026, 3, 2, tzinfo=UTC)
counts = st.integers(0, 10**9)


def receipt(rows_in: int, accepted: int, duplicate: int, quarantined: int) -> BatchReceipt:
    return BatchReceipt(
        batch_id="b1",
        table="titles",
        content_hash="0" * 64,
        files=("titles.csv",),
        rows_in=rows_in,
        accepted=accepted,
        duplicate=duplicate,
        quarantined=quarantined,
        loaded_at=AT,
    )


@given(counts, counts, counts)
def test_an_account_that_adds_up_is_accepted(accepted: int, duplicate: int, quarantined: int) -> None:
    assert receipt(accepted + duplicate + quarantined, accepted, duplicate, quarantined).accepted == accepted


@pytest.mark.parametrize("rows_in", [5, 7])
def test_an_account_that_does_not_add_up_is_refused_with_its_numbers(rows_in: int) -> None:
    with pytest.raises(ValueError, match=f"b1 does not add up: {rows_in} rows in, 3 accepted, 2 duplicate, 1 quarant"):
        receipt(rows_in, 3, 2, 1)
