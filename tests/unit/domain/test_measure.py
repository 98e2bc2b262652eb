import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsysops.domain.measure import HORIZONS, LEADS, Measure, inverse, lead_for, transform

MEASURES = tuple(Measure)
shares = st.floats(0, 1)
denominators = st.floats(1, 1e8)


def test_uptake_is_counted_from_interactions_and_the_others_from_impressions() -> None:
    assert {measure: measure.signal for measure in Measure} == {
        Measure.REACH: "impressions",
        Measure.IMPRESSION_SHARE: "impressions",
        Measure.UPTAKE: "interactions",
    }


def test_a_shortfall_of_impression_share_is_counted_in_impressions_and_others_in_members() -> None:
    assert {measure: measure.worth_unit for measure in Measure} == {
        Measure.REACH: "members",
        Measure.IMPRESSION_SHARE: "impressions",
        Measure.UPTAKE: "members",
    }


@pytest.mark.parametrize(
    ("measure", "share", "denominator", "expected"),
    [
        ("reach", 0.5, 1000, 0.0),
        ("reach", 0.0, 1000, np.log(0.5 / 1000.5)),
        ("reach", 1.0, 1000, np.log(1000.5 / 0.5)),
        ("impression_share", 0.02, 1000, np.log(0.0205)),
        ("uptake", 0.01, 1000, np.log(11)),
        ("uptake", 0.0, 1000, 0.0),
    ],
)
def test_the_scale_is_logit_log_or_log1p_of_members(
    measure: str, share: float, denominator: float, expected: float
) -> None:
    assert transform(measure, share, denominator) == pytest.approx(expected)


@given(st.sampled_from(MEASURES), shares, denominators)
def test_the_inverse_undoes_the_transformation(measure: str, share: float, denominator: float) -> None:
    back = inverse(measure, transform(measure, share, denominator), denominator)

    assert back == pytest.approx(share, rel=1e-6, abs=1e-7)


@given(st.sampled_from(MEASURES), shares, shares, denominators)
def test_a_larger_share_never_lies_lower_on_the_scale(
    measure: str, first: float, second: float, denominator: float
) -> None:
    low, high = sorted([first, second])

    assert transform(measure, low, denominator) <= transform(measure, high, denominator)


@given(st.sampled_from(MEASURES), st.floats(-50, 50), denominators)
def test_the_inverse_is_always_a_share(measure: str, value: float, denominator: float) -> None:
    assert 0 <= inverse(measure, value, denominator) <= 1


@pytest.mark.parametrize("measure", MEASURES)
def test_missing_stays_missing_and_shapes_broadcast(measure: str) -> None:
    share = np.array([[0.1, np.nan], [0.2, 0.3]])

    scaled = transform(measure, share, np.array([[100.0], [200.0]]))

    assert np.isnan(scaled).tolist() == [[False, True], [False, False]]
    assert np.isnan(inverse(measure, scaled, np.array([[100.0], [200.0]]))).tolist() == [[False, True], [False, False]]


def test_a_measure_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="exposure"):
        transform("exposure", 0.1, 100)
    with pytest.raises(ValueError, match="exposure"):
        inverse("exposure", 0.1, 100)


@pytest.mark.parametrize(
    ("days", "lead"),
    [
        (400, 14),
        (14.01, 14),
        (14, 14),
        (13.9, 14),
        (7.01, 14),
        (7, 7),
        (3.5, 7),
        (3, 3),
        (1.5, 3),
        (1, 1),
        (0, 1),
        (-2, 1),
    ],
)
def test_a_run_between_two_leads_uses_the_longer_one(days: float, lead: int) -> None:
    assert lead_for(days) == lead


def test_horizons_and_leads_are_those_of_the_design() -> None:
    assert HORIZONS == (1, 7, 28)
    assert LEADS == (14, 7, 3, 1)
