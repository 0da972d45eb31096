"""The engine that was there stays, and Debian 12's own Python modules do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

    from ...conftest import Platform


def version(server: Host, package: str) -> str:
    return str(server.check_output("dpkg-query --show --showformat='${Version}' %s", package))


def test_the_server_is_a_debian_12(server: Host) -> None:
    assert server.file("/etc/os-release").contains('^VERSION_ID="12"$')
    assert version(server, "libc6").startswith("2.36-")


def test_the_engine_is_the_one_that_was_there(server: Host) -> None:
    assert version(server, "docker.io").startswith("26.1.")
    assert not server.package("docker-ce").is_installed
    assert not server.file("/etc/apt/sources.list.d/docker.sources").exists


@pytest.mark.parametrize(
    ("module", "expected"), [("boto3", "1.26."), ("cryptography", "38."), ("packaging", "23."), ("requests", "2.28.")]
)
def test_python_modules_are_debian_s(server: Host, module: str, expected: str) -> None:
    found = server.check_output("python3 -c %s", f"import {module}; print({module}.__version__)")
    assert found.startswith(expected)


def test_a_user_gets_in(platform: Platform) -> None:
    assert platform.login_status("admin", platform.password("admin")) == 200


def test_labels_for_selinux_change_nothing_where_there_is_none(platform: Platform) -> None:
    """The engine ignores them here: what is seen is that services run with every file mounted in the other way."""
    platform.site(mlflow_platform_selinux_labels="always").assert_ok()
    for service in platform.services:
        inspected = platform.container(service)
        binds = inspected["HostConfig"]["Binds"]
        assert binds, service
        assert all(bind.split(":")[2].split(",")[-1] == "z" for bind in binds), binds
        assert not inspected["HostConfig"].get("Mounts"), service
        assert inspected["State"]["Health"]["Status"] == "healthy", json.dumps(inspected["State"])
    assert platform.login_status("admin", platform.password("admin")) == 200
