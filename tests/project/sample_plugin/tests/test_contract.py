"""The promises every plug-in makes, checked by what RecSysOps ships for that."""

import pytest
from recsysops_sample import logbook, quiet_hours

from recsysops.testing.channels import CHANNEL_CHECKS
from recsysops.testing.detectors import DETECTOR_CHECKS


@pytest.mark.parametrize("check", DETECTOR_CHECKS, ids=lambda check: check.__name__)
def test_the_detector_keeps_the_contract(check):
    check(quiet_hours.DETECTOR)


@pytest.mark.parametrize("check", CHANNEL_CHECKS, ids=lambda check: check.__name__)
def test_the_channel_keeps_the_contract(check, tmp_path):
    check(logbook.CHANNEL, logbook.LogbookSettings(path=tmp_path / "logbook.txt"))
