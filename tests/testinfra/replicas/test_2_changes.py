"""Whatever changes, it changes on one server after the other, and clients see nothing of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from ..load import assert_nothing_lost, under_load

if TYPE_CHECKING:
    from ..conftest import Platform

SERVERS = ("mlflow", "mlflow-2")


def identities(platform: Platform) -> dict[str, str]:
    return {service: platform.container(service)["Id"] for service in SERVERS}


@contextmanager
def nothing_is_lost(platform: Platform) -> Iterator[None]:
    """Not a request fails, of whatever sort."""
    started = time.monotonic()
    with under_load(platform) as seen:
        yield
        time.sleep(2)
        seconds = time.monotonic() - started
    assert seen.failed == []
    assert_nothing_lost(platform, seen, seconds)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"mlflow_memory": "1500m"}, id="limit"),
        # The same version under another name, as packages that were added would have it.
        pytest.param({"mlflow_image_name": "onprem/mlflow-other"}, id="image"),
    ],
)
def test_a_change_is_made_to_one_after_the_other(platform: Platform, change: dict[str, Any]) -> None:
    before = identities(platform)
    predicted = platform.site(check=True, **change)
    predicted.assert_ok()
    assert predicted.changed
    with nothing_is_lost(platform):
        made = platform.site(**change)
    made.assert_ok()
    after = identities(platform)
    assert all(before[service] != after[service] for service in SERVERS)
    assert not [name for name in made.changed if "stop |" in name]
    again = platform.site(**change)
    again.assert_ok()
    assert again.changed == []


def test_a_run_that_is_killed_in_the_middle_is_made_good(platform: Platform) -> None:
    """Back to the inventory's limits and image; nginx leads to one server only when the run dies."""
    with nothing_is_lost(platform):
        platform.play_until("site.yml", "up | Start mlflow", "--extra-vars", "mlflow_cpus=1.5")
        down = platform.host.check_output("grep -c ' down;' /opt/mlflow/config/nginx/nginx.conf")
        assert int(down) == 1
        made = platform.site()
        made.assert_ok()
    assert platform.host.run("grep -q ' down;' /opt/mlflow/config/nginx/nginx.conf").rc == 1
    again = platform.site()
    again.assert_ok()
    assert again.changed == []


def test_one_is_taken_away_and_added_again(platform: Platform) -> None:
    first = platform.container("mlflow")["Id"]
    with nothing_is_lost(platform):
        platform.site(mlflow_replicas=1).assert_ok()
        assert platform.host.run("docker inspect mlflow-mlflow-2-1").rc != 0
        platform.site().assert_ok()
    assert platform.container("mlflow")["Id"] == first
    assert platform.container("mlflow-2")["State"]["Health"]["Status"] == "healthy"
