# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The look at this very machine."""

from __future__ import annotations

import datetime
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.modules import host_precheck
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(run_module: Callable[..., dict[str, Any]]) -> Run:
    def call(**args: Any) -> dict[str, Any]:
        return run_module(host_precheck.main, args)

    return call


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


class Refusing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(401)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def refusing_server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v2/"
        server.shutdown()
        thread.join()


def own_certificate(folder: Path) -> Path:
    """Write a key and a certificate for localhost that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "own.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def server_of_ones_own(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A server whose certificate no public authority signed, and that certificate."""
    path = own_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield (
            f"https://localhost:{server.server_address[1]}/v2/",
            path.read_text(encoding="utf-8").split("KEY-----\n")[2],
        )
        server.shutdown()
        thread.join()


def test_an_authority_of_ones_own(run: Run, server_of_ones_own: tuple[str, str]) -> None:
    url, certificate = server_of_ones_own
    asked = {"url": url, "variable": "c", "ca_certificate": ""}
    assert "does not answer from this server ([SSL: CERTIFICATE_VERIFY_FAILED]" in run(urls=[asked])["msg"]
    assert run(urls=[{**asked, "ca_variable": "d"}])["msg"] == (
        f"c: {url} shows a certificate that this server does not trust (self-signed certificate),"
        " write that of its authority in d."
    )
    assert "failed" not in run(urls=[{"url": url, "variable": "c", "ca_certificate": certificate}])


def test_port_in_use_names_the_process(run: Run, taken_port: int) -> None:
    result = run(ports=[{"port": taken_port, "variable": "nginx_virtual_hosts", "project": "mlflow"}])

    assert result["failed"]
    assert result["problems"] == [result["msg"]]
    assert f"nginx_virtual_hosts: port {taken_port} is in use by" in result["msg"]
    assert f"(process {os.getpid()})" in result["msg"]


def test_nothing_to_complain_about(run: Run, free_port: int, refusing_server: str, tmp_path: Path) -> None:
    result = run(
        ports=[{"port": free_port, "address": "127.0.0.1", "variable": "a"}],
        disks=[{"path": str(tmp_path / "not" / "there"), "min_free_bytes": 1, "variable": "b"}],
        urls=[{"url": refusing_server, "variable": "c"}],
        distribution={"id": "Debian", "version": "13", "supported": {"debian": ["13"]}},
    )

    assert (result["changed"], result["problems"]) == (False, [])


def test_all_problems_are_told_at_once(run: Run, taken_port: int, free_port: int) -> None:
    result = run(
        ports=[
            {"port": taken_port, "variable": "a"},
            {"port": taken_port, "variable": "a"},
            {"port": 80, "address": "lo", "variable": "e"},
        ],
        disks=[{"path": "/nowhere/at/all", "min_free_bytes": 1 << 60, "variable": "b"}],
        urls=[
            {"url": f"http://127.0.0.1:{free_port}/", "variable": "c"},
            {"url": "http://no-such-host.invalid/", "variable": "d"},
            {"url": "nonsense", "variable": "f"},
        ],
        distribution={"id": "Alpine", "version": "3", "supported": {"debian": ["13"]}},
        timeout=5,
    )

    assert [problem.split(" ")[0] for problem in result["problems"]] == ["This", "e:", "a:", "b:", "c:", "d:", "f:"]
    assert result["msg"].split("\n") == result["problems"]
