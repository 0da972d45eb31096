"""The servers of a platform that is spread over five."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ..conftest import INVENTORY, Platform


@pytest.fixture(scope="session")
def platform() -> Platform:
    """The server that clients come to."""
    return Platform(INVENTORY, "mlflow_proxy")


@dataclass(frozen=True)
class Servers:
    """Each by its duty."""

    database: Platform
    store: Platform
    trackers: tuple[Platform, Platform]
    proxy: Platform

    @property
    def every(self) -> tuple[Platform, ...]:
        return (self.database, self.store, *self.trackers, self.proxy)


@pytest.fixture(scope="session")
def servers(platform: Platform) -> Servers:
    return Servers(
        Platform(INVENTORY, "mlflow_database"),
        Platform(INVENTORY, "mlflow_object_store"),
        (Platform(INVENTORY, "mlflow_tracking", 0), Platform(INVENTORY, "mlflow_tracking", 1)),
        platform,
    )
