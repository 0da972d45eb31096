"""The platform from inside: what runs, as whom, and what it may do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from testinfra.host import Host

if TYPE_CHECKING:
    from ..conftest import Platform

USERS = {"mysql": "999", "rustfs": "10001", "mlflow": "10010", "nginx": "101"}


def test_all_services_are_healthy(platform: Platform) -> None:
    listed = [json.loads(line) for line in platform.compose("ps", "--format", "json").splitlines()]
    assert {service["Service"]: service["Health"] for service in listed} == dict.fromkeys(platform.services, "healthy")


def test_operators_can_use_compose(platform: Platform) -> None:
    assert set(platform.compose("config", "--services").split()) == set(platform.services)
    assert platform.host.check_output("cd /opt/mlflow && docker compose logs --tail 1 mysql")


def test_no_process_is_root(platform: Platform, server: Host) -> None:
    for service in platform.services:
        lines = server.check_output("docker top %s -eo uid,pid,args", f"mlflow-{service}-1").splitlines()[1:]
        assert {line.split()[0] for line in lines} == {USERS[service]}, lines


def test_containers_are_confined(platform: Platform) -> None:
    for service in platform.services:
        inspected = platform.container(service)
        settings = inspected["HostConfig"]
        assert settings["ReadonlyRootfs"] is True, service
        assert settings["CapDrop"] == ["ALL"], service
        assert not settings["CapAdd"], service
        assert settings["Privileged"] is False, service
        assert "no-new-privileges:true" in settings["SecurityOpt"], service
        assert settings["RestartPolicy"]["Name"] == "unless-stopped", service
        assert (settings["PidMode"], settings["IpcMode"]) == ("", "private"), service
        assert not [mount for mount in inspected["Mounts"] if "docker.sock" in mount["Source"]], service


def test_processes_have_no_capabilities(platform: Platform, server: Host) -> None:
    for service in platform.services:
        pid = platform.container(service)["State"]["Pid"]
        status = dict(line.split(":\t", 1) for line in server.file(f"/proc/{pid}/status").content_string.splitlines())
        assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0, service
        assert status["NoNewPrivs"] == "1", service
        assert status["Seccomp"] == "2", service


def test_root_file_systems_cannot_be_written(platform: Platform, server: Host) -> None:
    for service in platform.services:
        written = server.run("docker exec %s sh -c 'echo x > /etc/x || echo x > /usr/x'", f"mlflow-{service}-1")
        assert written.rc != 0, service
        assert "Read-only file system" in written.stderr, service


def test_only_the_proxy_publishes_ports(platform: Platform) -> None:
    for service in platform.services:
        bound = platform.container(service)["HostConfig"]["PortBindings"] or {}
        published = {(place["HostIp"], place["HostPort"]) for places in bound.values() for place in places}
        expected = {("", "15000"), ("", "15001"), ("127.0.0.1", "15080")} if service == "nginx" else set()
        assert published == expected, service


def test_back_ends_are_on_the_internal_network(platform: Platform, server: Host) -> None:
    for service in platform.services:
        networks = set(platform.container(service)["NetworkSettings"]["Networks"])
        assert networks == ({"mlflow_back", "mlflow_front"} if service == "nginx" else {"mlflow_back"}), service
    assert server.check_output("docker network inspect --format '{{.Internal}}' mlflow_back") == "true"


def test_back_ends_reach_nothing_outside(server: Host, platform: Platform) -> None:
    connect = "import socket; socket.create_connection(('mirror', 5000), 3)"
    address = f"import socket; socket.create_connection(('{platform.address}', 15000), 3)"
    for code in (connect, address):
        assert server.run("docker exec mlflow-mlflow-1 python3 -c %s", code).rc != 0


def test_mlflow_has_what_it_needs_and_no_more(platform: Platform, server: Host) -> None:
    environment = server.check_output("docker exec mlflow-mlflow-1 env")
    assert "MLFLOW_DISABLE_TELEMETRY=true" in environment
    assert "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false" in environment
    processes = server.check_output("docker top mlflow-mlflow-1 -eo pid,args")
    assert "huey" not in processes, "no job runner"
    versions = server.check_output("docker exec mlflow-mlflow-1 pip list --format json")
    installed = {package["name"].lower(): package["version"] for package in json.loads(versions)}
    assert {"mlflow", "boto3", "pymysql", "psycopg", "uvloop"} <= installed.keys()
    for tool in ("gcc", "cc", "make"):
        assert server.run("docker exec mlflow-mlflow-1 sh -c 'command -v %s'", tool).rc != 0, tool


def test_log_rotation_is_on(platform: Platform) -> None:
    for service in platform.services:
        configured = platform.container(service)["HostConfig"]["LogConfig"]
        assert configured["Type"] == "json-file"
        assert {"max-size", "max-file"} <= configured["Config"].keys(), service


def test_daemon_settings_are_merged(server: Host) -> None:
    settings = json.loads(server.file("/etc/docker/daemon.json").content_string)
    assert settings["registry-mirrors"] == ["http://mirror:5000"]
    assert settings["live-restore"] is True
