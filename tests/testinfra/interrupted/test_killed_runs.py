"""A run of site.yml that is killed at any task can simply be run again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..conftest import RUN

if TYPE_CHECKING:
    from ..conftest import Platform

# In the order of the first run, so that each kill hits what the one before left undone.
MOMENTS = [
    "install | Install the packages of a Debian-like distribution",
    "Write the project's files",
    "up | Start mysql",
    "secrets | Keep the server's secrets",
    "build | Build onprem/mlflow",
    "run | Run mlflow-db-upgrade",
    "up | Start mlflow",
    "up | Start nginx",
    "reload | Check the configuration",
]
# Later: what a run with another option does to a platform that stands.
CHANGE: dict[str, Any] = {"nginx_timeout": 1234}


@pytest.mark.parametrize("task", MOMENTS)
def test_first_run_is_killed(platform: Platform, task: str) -> None:
    platform.play_until("site.yml", task)
    assert platform.host.file(RUN).exists, "a killed run does not let the server go"


def test_next_run_finishes_the_work(platform: Platform) -> None:
    platform.site().assert_ok()
    assert platform.login_status("admin", platform.password("admin")) == 200
    assert not platform.host.file(RUN).exists


def test_and_the_one_after_it_changes_nothing(platform: Platform) -> None:
    again = platform.site()
    again.assert_ok()
    assert again.changed == []


def test_a_reload_that_was_killed_is_made_up_for(platform: Platform) -> None:
    configuration = "/opt/mlflow/config/nginx/nginx.conf"
    before = platform.container("nginx")["State"]["StartedAt"]
    platform.play_until(
        "site.yml", "loaded | Compare the configuration with the one that nginx has", "-e", "nginx_timeout=1234"
    )
    assert "1234s" in platform.host.file(configuration).content_string

    again = platform.site(**CHANGE)

    again.assert_ok()
    assert "onprem.mlflow.nginx : reload | Reload nginx" in again.changed
    assert platform.container("nginx")["State"]["StartedAt"] == before
    assert platform.site(**CHANGE).changed == []


def test_settings_that_the_engine_has_not_loaded_are_made_up_for(platform: Platform) -> None:
    """As a run leaves it that is killed between writing daemon.json and restarting the engine."""
    platform.host.check_output("touch /etc/docker/daemon.json")
    started = platform.host.check_output("systemctl show docker --property=ActiveEnterTimestampMonotonic")

    result = platform.site(**CHANGE)

    result.assert_ok()
    assert result.changed[0] == "onprem.mlflow.docker_host : Run and enable the engine"
    assert platform.host.check_output("systemctl show docker --property=ActiveEnterTimestampMonotonic") != started
