"""What the servers say to each other is encrypted, and nobody else can say anything."""

from __future__ import annotations

import os
import socket
import uuid
from typing import TYPE_CHECKING

import pytest
from mlflow.tracking import MlflowClient

from ..conftest import names_lead_to
from ..ports import answers_in_the_clear, encryption, reaches

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Platform
    from .conftest import Servers

PORTS = {"mysql": 3306, "rustfs": 9000, "mlflow": 5000}
# Inside MLflow's container, with its driver and its password.
QUESTION = (
    "import os, sqlalchemy; url = sqlalchemy.engine.make_url(open('/run/secrets/mlflow_backend_store_uri').read());"
    " engine = sqlalchemy.create_engine(url{change});"
    " print(engine.connect().execute(sqlalchemy.text(\"SHOW STATUS LIKE 'Ssl_version'\")).fetchone()[1])"
)


def test_each_server_has_its_duty_only(servers: Servers) -> None:
    wanted = [{"mysql"}, {"rustfs"}, {"mlflow"}, {"mlflow"}, {"nginx"}]
    found = [set(server.compose("ps --services").split()) for server in servers.every]
    assert found == wanted


def test_a_run_with_an_artifact(platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", platform.password("admin"))
    authority = tmp_path / "authority.pem"
    authority.write_text(platform.authority, encoding="ascii")
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(authority))
    sent = tmp_path / "weights.bin"
    sent.write_bytes(os.urandom(3_000_000))
    with names_lead_to(platform.address, (platform.front.name,)):
        client = MlflowClient(platform.front.url)
        run = client.create_run(client.create_experiment(uuid.uuid4().hex)).info.run_id
        client.log_artifact(run, str(sent))
        # Asked twice: of both servers of MLflow.
        for number in range(2):
            folder = tmp_path / str(number)
            folder.mkdir()
            client.download_artifacts(run, sent.name, str(folder))
            assert (folder / sent.name).read_bytes() == sent.read_bytes()


def test_ports_are_open_to_the_servers_concerned_only(servers: Servers) -> None:
    one, two = servers.trackers
    concerned = {
        (servers.database.name, PORTS["mysql"]): {one.name, two.name},
        (servers.store.name, PORTS["rustfs"]): {one.name, two.name},
        (one.name, PORTS["mlflow"]): {servers.proxy.name},
        (two.name, PORTS["mlflow"]): {servers.proxy.name},
    }
    by_name = {server.name: server for server in servers.every}
    for (name, port), wanted in concerned.items():
        found = {
            client.name
            for client in servers.every
            if client.name != name and reaches(client, by_name[name].address, port)
        }
        assert found == wanted, (name, port)
        # Nor to whoever else is on the network.
        with pytest.raises(TimeoutError):
            socket.create_connection((by_name[name].address, port), 3).close()


def test_nothing_else_is_published(servers: Servers) -> None:
    for server, service in zip(servers.every[:4], ("mysql", "rustfs", "mlflow", "mlflow"), strict=True):
        bindings = server.container(service)["HostConfig"]["PortBindings"]
        assert bindings == {f"{PORTS[service]}/tcp": [{"HostIp": server.address, "HostPort": str(PORTS[service])}]}


def test_a_container_is_not_reached_past_its_published_port(servers: Servers) -> None:
    """Whoever is on the same network may send packets for a container's own address to its server."""
    container = servers.database.container("mysql")
    address = container["NetworkSettings"]["Networks"]["mlflow_mysql-peers"]["IPAddress"]
    host = servers.proxy.host
    host.check_output("ip route add %s via %s", address, servers.database.address)
    try:
        assert not reaches(servers.proxy, address, 3306)
    finally:
        host.check_output("ip route del %s", address)


def test_object_store_and_mlflow_have_certificates_of_the_platforms_authority(servers: Servers) -> None:
    for client, server, port in (
        (servers.trackers[0], servers.store, 9000),
        (servers.proxy, servers.trackers[0], 5000),
        (servers.proxy, servers.trackers[1], 5000),
    ):
        assert encryption(client, server.address, port, server.address) == "TLSv1.3"
        # In the clear there is no answer.
        assert not answers_in_the_clear(client, server.address, port)


def test_the_database_takes_no_password_in_the_clear(servers: Servers) -> None:
    ask = "docker exec mlflow-mlflow-1 python3 -c %s"
    for tracker in servers.trackers:
        assert tracker.host.check_output(ask, QUESTION.replace("{change}", "")) == "TLSv1.3"
    plain = ".set(query={'charset': 'utf8mb4', 'ssl_disabled': 'true'})"
    refused = servers.trackers[0].host.run(ask, QUESTION.replace("url{change}", f"url{plain}"))
    assert refused.rc != 0
    assert "insecure transport" in refused.stderr


def test_secrets_are_where_they_are_needed(servers: Servers) -> None:
    names = "find /opt/mlflow/secrets -type f -not -name '.*' -printf '%P\\n' | sort"
    found = [set(server.host.check_output(names).split()) for server in servers.every]
    database, store, *trackers, proxy = found
    assert database == {"mysql_password", "mysql_root_password", "peers/mysql/key.pem", "peers_ca_key"}
    assert store == {"bucket_secret_key", "rustfs_root_access_key", "rustfs_root_secret_key", "peers/rustfs/key.pem"}
    for tracker in trackers:
        assert tracker == {
            "mlflow_backend_store_uri",
            "mlflow_s3_access_key",
            "mlflow_s3_secret_key",
            "peers/mlflow/key.pem",
        }
    assert proxy == {"nginx_user_admin_password", "nginx_ca_key", "nginx/self_signed/key.pem"}
    modes = {server.host.check_output("find /opt/mlflow/secrets -name key.pem -perm /077") for server in servers.every}
    assert modes == {""}


def test_a_second_run_changes_nothing(platform: Platform) -> None:
    platform.assert_settled()
