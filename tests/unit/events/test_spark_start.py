import pytest

from recsysops.errors import EngineError
from recsysops.events import EngineLimits, _spark


@pytest.fixture
def limits(tmp_path) -> EngineLimits:
    return EngineLimits(folder=tmp_path, spark_master="local[1]")


def test_without_pyspark_the_error_says_what_to_install(limits, monkeypatch):
    monkeypatch.setattr(_spark, "find_spec", lambda name: None)

    with pytest.raises(
        EngineError, match=r'no package pyspark. Install it with pip install "recsysops\[spark\]" and Java'
    ):
        _spark.spark_session(limits)


def test_without_java_the_error_says_so(limits, monkeypatch, tmp_path):
    pytest.importorskip("pyspark", reason='pip install "recsysops[spark]"')
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(EngineError, match=r"there is no Java .* Java 17"):
        _spark.spark_session(limits)


def test_a_spark_that_does_not_start_is_an_error_that_names_its_master(limits, monkeypatch):
    pytest.importorskip("pyspark", reason='pip install "recsysops[spark]"')

    def fails(master: str, options: dict[str, str]) -> None:
        raise RuntimeError("no such host")

    monkeypatch.setattr(_spark, "_session", fails)
    monkeypatch.setenv("JAVA_HOME", "/java")

    with pytest.raises(EngineError, match=r'master "local\[1\]": no such host'):
        _spark.spark_session(limits)
