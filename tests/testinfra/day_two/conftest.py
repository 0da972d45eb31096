"""A platform that has been in use for a while, and what it tells of itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from ..conftest import names_lead_to
from ..logged import Logged, Store

if TYPE_CHECKING:
    from ..conftest import Platform

OTHER = "onprem-mlflow-lab-day-two-nas"
RUNS = 3


@pytest.fixture(scope="session")
def store(platform: Platform) -> Iterator[Store]:
    with names_lead_to(platform.address, ("mlflow.lab",)):
        yield Store(platform, platform.password("admin"))


@pytest.fixture(scope="session")
def logged(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Logged:
    """What is to be there at the end."""
    return store.log_runs(tmp_path_factory.mktemp("logged"), RUNS)
