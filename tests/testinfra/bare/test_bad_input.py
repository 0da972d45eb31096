"""Bad input ends a run before its first change, with a sentence that names the variable and says what to write."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from testinfra.host import Host

if TYPE_CHECKING:
    from ..conftest import Platform

# What a run that deploys anything changes first.
WATCHED = "/etc /opt /srv /usr /var/lib/dpkg"
ONE_HOST = {"host_names": ["mlflow.lab"], "port": 15000, "users": [{"name": "admin", "password": "long enough"}]}

BAD_VARIABLES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown engine": ({"mlflow_platform_database": "oracle"}, ["mlflow_platform_database", "oracle", "mysql"]),
    "unknown store": ({"mlflow_platform_artifact_store": "tape"}, ["mlflow_platform_artifact_store", "tape", "rustfs"]),
    "wrong type": ({"mysql_max_connections": "many"}, ["mysql_max_connections", "many", "integer"]),
    "misspelt option": ({"mysql_max_connection": 10}, ["mysql_max_connection", "write mysql_max_connections"]),
    "host name twice": ({"nginx_virtual_hosts": [ONE_HOST, ONE_HOST]}, ["nginx_virtual_hosts", "mlflow.lab"]),
    "empty password": (
        {"nginx_virtual_hosts": [{**ONE_HOST, "users": [{"name": "admin", "password": ""}]}]},
        ["nginx_virtual_hosts", "password", "is empty"],
    ),
    "empty secret": ({"mysql_password": ""}, ["mysql_password"]),
    "default keys": (
        {"rustfs_root_access_key": "rustfsadmin", "rustfs_root_secret_key": "rustfsadmin"},
        ["rustfs_root"],
    ),
    "too little disk": ({"mlflow_platform_min_free_disk_gib": 900000}, ["mlflow_platform_min_free_disk_gib", "free"]),
    "unreachable mirror": (
        {"docker_host_registry_mirrors": ["http://mirror:1"]},
        ["docker_host_registry_mirrors", "http://mirror:1"],
    ),
    "vulnerable version": ({"mlflow_version": "3.5.0"}, ["mlflow_version", "3.17", "mlflow_allow_vulnerable_version"]),
}


@contextmanager
def occupied_port(server: Host) -> Iterator[None]:
    """Let something else listen on the first virtual host's port."""
    server.check_output("systemd-run --unit=occupier python3 -m http.server 15000")
    try:
        yield
    finally:
        server.check_output("systemctl stop occupier")


@contextmanager
def another_distribution(server: Host) -> Iterator[None]:
    """Let the server look like one that is too old."""
    server.check_output("cp -P /etc/os-release /etc/os-release.kept && cp /etc/debian_version /etc/debian_version.kept")
    release = (
        'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="11"\nVERSION="11 (bullseye)"\nVERSION_CODENAME=bullseye\n'
    )
    server.check_output(
        "rm /etc/os-release && printf %s > /etc/os-release && echo 11.11 > /etc/debian_version", release
    )
    try:
        yield
    finally:
        server.check_output(
            "mv /etc/os-release.kept /etc/os-release && mv /etc/debian_version.kept /etc/debian_version"
        )


def assert_refused(platform: Platform, words: list[str], **run: Any) -> None:
    platform.host.check_output("touch /run/before")
    result = platform.site(**run)
    touched = platform.host.check_output(f"find {WATCHED} -xdev -newer /run/before -type f | head")
    assert result.returncode != 0, "the run went through"
    assert not result.changed
    assert not touched, f"the run changed {touched}"
    missing = [word for word in words if word not in result.message]
    assert not missing, result.message
    assert "Traceback" not in result.output
    print(result.message)


@pytest.mark.parametrize("name", BAD_VARIABLES)
def test_bad_variable(platform: Platform, name: str) -> None:
    variables, words = BAD_VARIABLES[name]
    assert_refused(platform, words, **variables)


SITUATIONS: dict[str, tuple[Callable[[Host], AbstractContextManager[None]], list[str]]] = {
    "port in use": (occupied_port, ["15000", "python3", "nginx_virtual_hosts"]),
    "unsupported distribution": (another_distribution, ["Debian 11", "not supported", "Debian 13"]),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_bad_server(platform: Platform, name: str) -> None:
    situation, words = SITUATIONS[name]
    with situation(platform.host):
        assert_refused(platform, words)


def test_missing_group(platform: Platform, tmp_path: Path) -> None:
    groups = ("mlflow_database", "mlflow_object_store", "mlflow_tracking")
    hosts = {"hosts": {platform.name: {"ansible_connection": "community.docker.docker"}}}
    inventory = {"mlflow_platform": {"children": dict.fromkeys(groups, hosts), "vars": platform.settings}}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"children": inventory}}), encoding="utf-8")
    assert_refused(platform, ["mlflow_proxy"], inventory=tmp_path / "hosts.json")


def test_several_mistakes_are_told_at_once(platform: Platform) -> None:
    words = ["mysql_max_connections", "mlflow_platform_database"]
    assert_refused(platform, words, mysql_max_connections="many", mlflow_platform_database="oracle")
