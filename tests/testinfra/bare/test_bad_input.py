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

# What is wrong in itself is told all at once.
MISTAKES: dict[str, Any] = {
    "mlflow_platform_database": "oracle",
    "mlflow_platform_artifact_store": "tape",
    "mysql_max_connections": "many",
    "mysql_max_connection": 10,
    "mysql_password": "",
    "nginx_virtual_hosts": [{**ONE_HOST, "users": [{"name": "admin", "password": ""}]}],
    "rustfs_root_access_key": "rustfsadmin",
    "rustfs_root_secret_key": "rustfsadmin",
    "mlflow_version": "3.5.0",
}
TOLD = {
    "unknown engine": ["mlflow_platform_database", "oracle", "mysql"],
    "unknown store": ["mlflow_platform_artifact_store", "tape", "rustfs"],
    "wrong type": ["mysql_max_connections", "many", "integer"],
    "misspelt option": ["mysql_max_connection", "write mysql_max_connections"],
    "empty password": ["nginx_virtual_hosts", "password", "is empty"],
    "empty secret": ["mysql_password: is empty"],
    "default keys": ["rustfs_root_access_key", "rustfs_root_secret_key: is RustFS's default"],
    "vulnerable version": ["mlflow_version", "3.17", "mlflow_allow_vulnerable_version"],
}
# What is looked at once each value is right in itself, by the server at last.
TOLD_LATER: dict[str, tuple[dict[str, Any], list[str]]] = {
    "host name twice": ({"nginx_virtual_hosts": [ONE_HOST, ONE_HOST]}, ["nginx_virtual_hosts", "mlflow.lab"]),
    "too little disk": ({"mlflow_platform_min_free_disk_gib": 900000}, ["mlflow_platform_min_free_disk_gib", "free"]),
    "unreachable mirror": (
        {"docker_host_registry_mirrors": ["http://mirror:1"]},
        ["docker_host_registry_mirrors", "http://mirror:1"],
    ),
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


def refused(platform: Platform, **run: Any) -> str:
    """Have a run refused before its first change; return what it says."""
    platform.host.check_output("touch /run/before")
    result = platform.site(**run)
    touched = platform.host.check_output(f"find {WATCHED} -xdev -newer /run/before -type f | head")
    assert result.returncode != 0, "the run went through"
    assert not result.changed
    assert not touched, f"the run changed {touched}"
    assert "Traceback" not in result.output
    return result.message


def assert_says(message: str, words: list[str]) -> None:
    missing = [word for word in words if word not in message]
    assert not missing, message


@pytest.fixture(scope="module")
def told(platform: Platform) -> str:
    return refused(platform, **MISTAKES)


@pytest.mark.parametrize("name", TOLD)
def test_all_mistakes_are_told_at_once(told: str, name: str) -> None:
    assert_says(told, TOLD[name])


@pytest.mark.parametrize("name", TOLD_LATER)
def test_bad_variable(platform: Platform, name: str) -> None:
    variables, words = TOLD_LATER[name]
    assert_says(refused(platform, **variables), words)


SITUATIONS: dict[str, tuple[Callable[[Host], AbstractContextManager[None]], list[str]]] = {
    "port in use": (occupied_port, ["15000", "python3", "nginx_virtual_hosts"]),
    "unsupported distribution": (another_distribution, ["Debian 11", "not supported", "Debian 13"]),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_bad_server(platform: Platform, name: str) -> None:
    situation, words = SITUATIONS[name]
    with situation(platform.host):
        assert_says(refused(platform), words)


def test_missing_group(platform: Platform, tmp_path: Path) -> None:
    groups = ("mlflow_database", "mlflow_object_store", "mlflow_tracking")
    hosts = {"hosts": {platform.name: {"ansible_connection": "community.docker.docker"}}}
    inventory = {"mlflow_platform": {"children": dict.fromkeys(groups, hosts), "vars": platform.settings}}
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"children": inventory}}), encoding="utf-8")
    assert_says(refused(platform, inventory=tmp_path / "hosts.json"), ["mlflow_proxy"])
