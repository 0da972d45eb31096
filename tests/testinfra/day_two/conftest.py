"""A platform that has been in use for a while, and what it tells of itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from ..conftest import PROJECT, names_lead_to
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
    found = Logged()
    folder = tmp_path_factory.mktemp("logged")
    runs = [store.log(folder, number, found) for number in range(RUNS)]
    store.register(runs[0], found)
    return found


def state(platform: Platform) -> dict[str, Any]:
    """What the server tells of its backups."""
    read: dict[str, Any] = json.loads(platform.host.file(f"{PROJECT}/backups/last.json").content_string)
    return read
