"""The front door over TLS: who is trusted, who is refused, and MLflow's own client."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from testinfra.host import Host

if TYPE_CHECKING:
    from ..conftest import Platform

PORT = 15443
OWN = f"mlflow.lab:{PORT}"
SITE = f"tracking.site.lab:{PORT}"
SEARCH = "/api/2.0/mlflow/experiments/search?max_results=1"
BERT = ("bert", "bert's password")


@pytest.fixture(scope="module")
def admin(platform: Platform) -> tuple[str, str]:
    return "admin", platform.password("admin")


@pytest.mark.parametrize("name", ["mlflow.lab", "localhost"])
def test_certificate_of_the_own_authority(
    platform: Platform, own: ssl.SSLContext, admin: tuple[str, str], name: str
) -> None:
    answer = platform.request(SEARCH, admin, host=f"{name}:{PORT}", port=PORT, context=own)
    assert answer.status == 200
    assert "strict-transport-security" not in answer.headers


def test_certificate_that_was_provided(platform: Platform, site: ssl.SSLContext) -> None:
    answer = platform.request(SEARCH, BERT, host=SITE, port=PORT, context=site)
    assert answer.status == 200
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", [OWN, SITE])
def test_other_authorities_are_no_good(
    platform: Platform, own: ssl.SSLContext, site: ssl.SSLContext, host: str
) -> None:
    for wrong in (site if host == OWN else own, ssl.create_default_context()):
        with pytest.raises(ssl.SSLCertVerificationError):
            platform.request(SEARCH, host=host, port=PORT, context=wrong)


def test_users_of_one_virtual_host_are_strangers_to_the_other(platform: Platform, own: ssl.SSLContext) -> None:
    assert platform.request(SEARCH, BERT, host=OWN, port=PORT, context=own).status == 401


@pytest.mark.parametrize("name", ["other.lab", "tracking.site.lab.example.org", None])
def test_who_names_no_virtual_host_gets_no_connection(platform: Platform, name: str | None) -> None:
    blind = ssl.create_default_context()
    blind.check_hostname = False
    blind.verify_mode = ssl.CERT_NONE
    with socket.create_connection((platform.address, PORT), 60) as stream, pytest.raises(ssl.SSLError):
        blind.wrap_socket(stream, server_hostname=name)


def test_another_name_inside_the_connection_is_refused(
    platform: Platform, own: ssl.SSLContext, admin: tuple[str, str]
) -> None:
    with (
        socket.create_connection((platform.address, PORT), 60) as stream,
        own.wrap_socket(stream, server_hostname="mlflow.lab") as connection,
    ):
        connection.sendall(f"GET {SEARCH} HTTP/1.1\r\nHost: other.lab\r\nConnection: close\r\n\r\n".encode())
        assert connection.recv(12) == b"HTTP/1.1 421"


@pytest.mark.parametrize(
    ("version", "accepted"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
def test_versions_of_tls(platform: Platform, own_authority: Path, version: ssl.TLSVersion, accepted: bool) -> None:
    context = ssl.create_default_context(cafile=own_authority)
    # What this machine's own settings would refuse to try is tried.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection((platform.address, PORT), 60) as stream:
        if accepted:
            with context.wrap_socket(stream, server_hostname="mlflow.lab") as connection:
                assert connection.selected_alpn_protocol() == "h2"
        else:
            with pytest.raises(ssl.SSLError):
                context.wrap_socket(stream, server_hostname="mlflow.lab")


def test_http2_is_spoken(platform: Platform, server: Host) -> None:
    answer = server.check_output(
        "docker exec mlflow-nginx-1 curl --silent --http2 --cacert /etc/nginx/platform/tls/ca.pem"
        f" --resolve {OWN}:127.0.0.1 --output /dev/null --write-out '%{{http_code}} %{{http_version}}' https://{OWN}/"
    )
    assert answer == "401 2"


def test_plain_http_is_sent_to_tls(platform: Platform) -> None:
    answer = platform.request("/some/path?a=b", host="mlflow.lab:15000", method="POST")
    assert answer.status == 308
    assert answer.headers["location"] == f"https://{OWN}/some/path?a=b"
    assert platform.request("/", host="other.lab:15000").status == 421
    assert platform.request("/", host=SITE, port=15000).status == 421


def test_client_of_mlflow(
    platform: Platform,
    own_authority: Path,
    resolved: None,
    admin: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"https://{OWN}")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", admin[0])
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", admin[1])
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    client = MlflowClient(f"https://{OWN}")
    with pytest.raises(MlflowException, match="CERTIFICATE_VERIFY_FAILED"):
        client.create_experiment("not trusted")

    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(own_authority))
    run_id = client.create_run(client.create_experiment("over TLS")).info.run_id
    (tmp_path / "model.bin").write_bytes(b"model" * 1_000_000)
    client.log_metric(run_id, "loss", 0.5)
    client.log_artifact(run_id, str(tmp_path / "model.bin"))
    back = download_artifacts(run_id=run_id, artifact_path="model.bin", dst_path=str(tmp_path / "back"))
    assert Path(back).read_bytes() == b"model" * 1_000_000
    assert client.get_run(run_id).data.metrics == {"loss": 0.5}


def test_browser_over_tls(platform: Platform, own: ssl.SSLContext, admin: tuple[str, str]) -> None:
    headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
    statuses = [
        platform.request(
            "/ajax-api/2.0/mlflow/experiments/create",
            admin,
            method="POST",
            host=OWN,
            port=PORT,
            headers={**headers, "Origin": origin},
            context=own,
        ).status
        for origin in (f"https://{OWN}", f"http://{OWN}")
    ]
    assert statuses == [400, 403], "let in and refused for its empty body; another origin"


def test_keys_are_closed(server: Host) -> None:
    assert server.check_output("find /opt/mlflow/secrets -type f -perm /077") == ""
    assert server.check_output("find /opt/mlflow/config -type f -exec grep -l 'PRIVATE KEY' {} +; true") == ""
    seen = server.check_output("docker exec mlflow-nginx-1 find /etc/nginx/keys -type f").split()
    assert sorted(seen) == [
        f"/etc/nginx/keys/provided/tracking.site.lab_{PORT}.pem",
        "/etc/nginx/keys/self_signed/key.pem",
    ]
