"""An object store of four servers, and the server that has everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .. import rustfs_admin
from ..conftest import INVENTORY, Platform

if TYPE_CHECKING:
    from ..rustfs_admin import Ask

STORES = 4


@pytest.fixture(scope="session")
def platform() -> Platform:
    """The server that clients come to."""
    return Platform(INVENTORY, "mlflow_proxy")


@pytest.fixture(scope="session")
def stores() -> list[Platform]:
    return [Platform(INVENTORY, "mlflow_object_store", number) for number in range(STORES)]


@pytest.fixture(scope="session")
def administrator(platform: Platform, stores: list[Platform]) -> Ask:
    """Ask RustFS's admin API as MLflow's server reaches it, by the one name of all servers."""
    return rustfs_admin.administrator(platform, stores[1], "https://rustfs:9000", "/etc/mlflow-platform/s3_ca.pem")
