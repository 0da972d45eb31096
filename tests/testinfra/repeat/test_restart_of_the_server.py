"""After the server restarts, everything answers again without Ansible, an operator's own service too."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..conftest import Platform

PROJECT = "/opt/mlflow"
# On two cores, beside other work; MLflow's four workers take most of it.
LIMIT = 180


OVERRIDE = f"{PROJECT}/compose.override.yml"
# What an operator may add: a service beside ours, and a key of one of ours.
OWN = """\
services:
  own:
    image: nginx:1.30
    entrypoint: [sleep, infinity]
    restart: unless-stopped
    networks: [back]
  nginx:
    labels:
      org.example.owner: lab
"""


@pytest.fixture(scope="module", autouse=True)
def _own_service(platform: Platform) -> Iterator[None]:
    platform.write(OVERRIDE, OWN)
    platform.compose("up", "--detach", "--wait", "own", "nginx")
    yield
    assert platform.host.file(OVERRIDE).content_string == OWN, "ours to leave alone"
    platform.compose("rm", "--stop", "--force", "own")
    platform.host.check_output("rm %s", OVERRIDE)


def answers(platform: Platform) -> bool:
    """MLflow answers from its database, through the proxy, with a login."""
    try:
        return (
            platform.login_status("anna", platform.variables["nginx_virtual_hosts"][0]["users"][1]["password"]) == 200
        )
    except OSError:
        return False


def test_everything_answers_again(platform: Platform) -> None:
    assert answers(platform)
    subprocess.run(["docker", "restart", platform.machine], check=True, capture_output=True)
    del platform.address
    started = time.monotonic()
    while not answers(platform):
        assert time.monotonic() - started < LIMIT, platform.compose("ps", "--all")
        time.sleep(1)
    print(f"answers {time.monotonic() - started:.0f} s after the restart")


@pytest.mark.parametrize("check", [True, False], ids=["check mode", "for real"])
def test_nothing_changes_when_nothing_changed(platform: Platform, check: bool) -> None:
    before = platform.containers()
    result = platform.site(check=check)
    result.assert_ok()
    assert not result.changed
    assert platform.containers() == before


def test_an_operators_own_service_is_left_alone(platform: Platform) -> None:
    assert platform.container("own")["State"]["Running"]
    assert platform.container("nginx")["Config"]["Labels"]["org.example.owner"] == "lab"
