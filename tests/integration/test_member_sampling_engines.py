"""Both engines draw the same members (fixture `engine`)."""

import hashlib
from datetime import UTC, datetime, timedelta

from recsysops.events import EngineLimits, IbisMemberSampler
from recsysops.settings import SourceSettings
from recsysops.sources import FileReader

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_every_engine_draws_the_same_members(engine, tmp_path):
    rows = [
        f"{(START + timedelta(days=day, hours=1)).isoformat()},m{m},t,us,home"
        for m in range(60)
        for day in range(14)
        if m % 3 == 0 or day == m % 14
    ]
    (tmp_path / "log.csv").write_text("\n".join(["ts,member_id,title_id,market,surface", *rows]) + "\n")
    source = SourceSettings(path="log.csv")
    file = FileReader(tmp_path).check_log("impressions", tmp_path / "log.csv", source, "h", "b").file
    limits = EngineLimits(spark_master=engine, memory_mb=600, threads=1, folder=tmp_path / "engine")

    found = IbisMemberSampler(limits).sample(
        [file], [("us", "home"), ("all", "all")], START + timedelta(days=14), n=24, active_days=14
    )

    sample = found["us", "home"]
    assert sample.sizes.tolist() == [40, 20]
    everyone = sorted((f"m{m}" for m in range(60)), key=lambda member: hashlib.md5(f"1 {member}".encode()).hexdigest())
    rare = [member for member in everyone if int(member[1:]) % 3][:4]
    assert set(sample.members) == {*rare, *(f"m{m}" for m in range(0, 60, 3))}
    assert found["all", "all"].members == sample.members
