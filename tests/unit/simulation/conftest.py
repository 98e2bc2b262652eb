"""A small simulated service, built once for all tests of the simulation."""

import pandas as pd
import pytest

from recsysops.simulation import SimulationReport, WorldConfig, simulate
from recsysops.simulation.runner import World, build_world


@pytest.fixture(scope="session")
def small_config() -> WorldConfig:
    return WorldConfig.small()


@pytest.fixture(scope="session")
def small_world(small_config: WorldConfig) -> World:
    return build_world(small_config)


@pytest.fixture(scope="session")
def small_service(small_config: WorldConfig, tmp_path_factory: pytest.TempPathFactory) -> SimulationReport:
    return simulate(small_config, tmp_path_factory.mktemp("small_service"))


@pytest.fixture(scope="session")
def small_impressions(small_service: SimulationReport) -> pd.DataFrame:
    return pd.read_parquet(small_service.impressions)


@pytest.fixture(scope="session")
def small_treatment(small_service: SimulationReport) -> pd.DataFrame:
    return pd.read_parquet(small_service.truth_treatment)
