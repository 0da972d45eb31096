"""After the server restarts, everything answers again without Ansible."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..conftest import Platform

# On two cores, beside other work; MLflow's four workers take most of it.
LIMIT = 180


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
    subprocess.run(["docker", "restart", platform.name], check=True, capture_output=True)
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
