"""A proxy of the operator's own in front of ours, as docs/logins-and-proxies.md shows them, and no password at all."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mlflow.artifacts import download_artifacts
from testinfra.host import Host

from ..conftest import names_lead_to
from .conftest import Apply, LogIn, password

if TYPE_CHECKING:
    from ..conftest import Platform

NAME = "mlflow.example.org"
HOSTS = [{"host_names": [NAME, "localhost"], "port": 443, "tls": "outside"}]
SEARCH = "/api/2.0/mlflow/experiments/search"
OWN_NGINX = (
    "docker run --detach --rm --name own-nginx --network host"
    " --volume /srv/own-nginx/mlflow.conf:/etc/nginx/conf.d/default.conf:ro"
    " --volume /srv/traefik/certificates:/etc/nginx/certificates:ro nginx:1.30"
)


@contextmanager
def own_nginx(server: Host) -> Iterator[None]:
    server.check_output(OWN_NGINX)
    try:
        yield
    finally:
        server.check_output("docker stop own-nginx")


@contextmanager
def own_traefik(server: Host) -> Iterator[None]:
    server.check_output(
        "tar -C /srv/traefik -c traefik | docker import --change 'ENTRYPOINT [\"/traefik\"]' - traefik:v3.7"
    )
    server.check_output("docker compose --project-directory /srv/traefik up --detach --wait")
    yield


def post(platform: Platform, certificate: Path, login: tuple[str, str], headers: Mapping[str, str]) -> int:
    """Send what a browser sends through the proxy in front, with its certificate checked."""
    token = b64encode(":".join(login).encode()).decode()
    context = ssl.create_default_context(cafile=str(certificate))
    connection = http.client.HTTPSConnection(NAME, 443, timeout=60, context=context)
    with names_lead_to(platform.address, (NAME,)):
        connection.request(
            "POST",
            SEARCH.replace("/api/", "/ajax-api/"),
            json.dumps({"max_results": 1}),
            {"Content-Type": "application/json", "Authorization": f"Basic {token}", **headers},
        )
        status = connection.getresponse().status
    connection.close()
    return status


def is_open(platform: Platform, port: int) -> bool:
    with socket.socket() as attempt:
        attempt.settimeout(5)
        return attempt.connect_ex((platform.address, port)) == 0


@pytest.fixture
def certificate(server: Host, tmp_path: Path) -> Path:
    path = tmp_path / "mlflow.crt"
    path.write_text(server.file("/srv/traefik/certificates/mlflow.crt").content_string, encoding="utf-8")
    return path


def use(platform: Platform, log_in: Any, certificate: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let MLflow's client log a run with an artifact, and look at what gets to MLflow and what does not."""
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(certificate))
    with names_lead_to(platform.address, (NAME,)):
        clara = log_in("clara", f"https://{NAME}")
        found = clara.get_experiment_by_name("behind")
        run = clara.create_run(found.experiment_id if found else clara.create_experiment("behind")).info.run_id
        (folder / "model.bin").write_bytes(b"\x00\xff" * 1_000_000)
        clara.log_artifact(run, str(folder / "model.bin"))
        read = Path(download_artifacts(run_id=run, artifact_path="model.bin", dst_path=str(folder / run)))
        assert read.read_bytes() == b"\x00\xff" * 1_000_000

    login = ("clara", password(platform, "clara"))
    assert post(platform, certificate, login, {"Origin": f"https://{NAME}"}) == 200
    assert post(platform, certificate, login, {"Origin": "https://elsewhere.example.org"}) == 403
    assert post(platform, certificate, ("clara", "a wrong password"), {}) == 401
    assert not is_open(platform, 15000)
    assert not is_open(platform, 15081), "only on the loopback address"
    controller = platform.host.check_output("ip -4 route show default").split()[2]
    log = "\n".join(platform.access_log().splitlines()[-5:])
    assert f"\n{controller} - " in f"\n{log}", "the log names the client, not the proxy in front"


def test_a_proxy_on_the_loopback_address(
    platform: Platform,
    server: Host,
    apply: Apply,
    log_in: LogIn,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    assert apply(predict=True, nginx_publish="loopback", nginx_virtual_hosts=HOSTS) == {"mlflow", "nginx"}
    with own_nginx(server):
        use(platform, log_in, certificate, monkeypatch, tmp_path)


def test_a_network_of_traefik_that_is_not_there_is_refused(platform: Platform) -> None:
    before = platform.containers()
    result = platform.site(nginx_publish="traefik", nginx_virtual_hosts=HOSTS, nginx_traefik_network="absent")
    assert result.returncode != 0
    assert "nginx_traefik_network: found 'absent', which is no network of the engine" in result.message
    assert result.changed == []
    assert platform.containers() == before


def test_a_traefik_that_exists(
    platform: Platform,
    server: Host,
    apply: Apply,
    log_in: LogIn,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    with own_traefik(server):
        variables = {"nginx_publish": "traefik", "nginx_virtual_hosts": HOSTS, "nginx_traefik_network": "traefik"}
        assert apply(repeat=True, **variables) == {"nginx"}
        use(platform, log_in, certificate, monkeypatch, tmp_path)


def test_nobody_is_asked_where_that_is_what_was_written(platform: Platform) -> None:
    made = platform.site(mlflow_platform_login="anybody_may_do_everything", mlflow_users=[])
    made.assert_ok()
    assert "Nobody is asked for a password." in made.output
    assert platform.request(f"{SEARCH}?max_results=1", host=f"{NAME}:15000").status == 200
