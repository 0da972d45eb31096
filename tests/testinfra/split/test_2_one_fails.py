"""One of two servers of MLflow dies, restarts or is changed while clients write and read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..load import WRITERS, assert_nothing_lost, under_load

if TYPE_CHECKING:
    from ..conftest import Platform
    from .conftest import Servers

DEAD_SECONDS = 8
HEALTHY = "docker inspect --format '{{.State.Health.Status}}' mlflow-mlflow-1 2>/dev/null"


def wait_until_healthy(server: Platform, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while server.host.run(HEALTHY).stdout.strip() != "healthy":
        assert time.monotonic() < deadline, server.name
        time.sleep(1)


def test_one_is_killed(platform: Platform, servers: Servers) -> None:
    server = servers.trackers[0]
    with under_load(platform) as seen:
        time.sleep(3)
        server.host.check_output("docker kill mlflow-mlflow-1")
        time.sleep(DEAD_SECONDS)
        server.host.check_output("docker start mlflow-mlflow-1")
        wait_until_healthy(server)
    assert_nothing_lost(platform, seen, DEAD_SECONDS)
    assert len(seen.failed) <= WRITERS, "what it had when it died"


def test_one_server_restarts_its_engine(platform: Platform, servers: Servers) -> None:
    """Its ports are guarded again, and MLflow comes back by itself; a lab server that restarts gets another address."""
    server = servers.trackers[1]
    with under_load(platform) as seen:
        time.sleep(3)
        server.host.check_output("systemctl stop docker.socket docker.service mlflow-ports.service")
        assert server.host.run("nft list table inet onprem_mlflow").rc != 0
        time.sleep(DEAD_SECONDS)
        server.host.check_output("systemctl start docker.service")
        wait_until_healthy(server)
        time.sleep(3)
    assert_nothing_lost(platform, seen, DEAD_SECONDS)
    assert len(seen.failed) <= WRITERS, "what it had when it went"
    assert "drop" in server.host.check_output("nft list table inet onprem_mlflow")


def test_a_change_is_made_to_one_after_the_other(platform: Platform, servers: Servers) -> None:
    before = [tracker.container("mlflow")["Id"] for tracker in servers.trackers]
    started = time.monotonic()
    with under_load(platform) as seen:
        made = platform.site(mlflow_memory="1500m")
        seconds = time.monotonic() - started
    made.assert_ok()
    assert seen.failed == []
    assert_nothing_lost(platform, seen, seconds)
    after = [tracker.container("mlflow")["Id"] for tracker in servers.trackers]
    assert all(old != new for old, new in zip(before, after, strict=True))
