# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an S3 store's errors are explained as: sockets that misbehave, and answers recorded from a real MinIO."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import s3_store
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import Store, client, explain, store_of
from botocore import exceptions

SECRET = "secret $ \"'\\#%@:/? ä"
ANSWERS = Path(__file__).parents[1] / "fixtures" / "minio" / "errors.json"
VARIABLE = "minio_migration_source"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate of 127.0.0.1, with its key in the same file."""
    pem, key = tmp_path / "pem", tmp_path / "key"
    names = "subjectAltName=IP:127.0.0.1"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", "/CN=t", "-days", "2", "-addext", names, "-keyout", str(key), "-out", str(pem)),
        ],
        check=True,
        capture_output=True,
    )
    pem.write_text(key.read_text() + pem.read_text())
    return pem


class Handler(BaseHTTPRequestHandler):
    """Answers a listing of buckets."""

    def do_GET(self) -> None:
        body = b"<ListAllMyBucketsResult><Buckets><Bucket><Name>one</Name></Bucket></Buckets></ListAllMyBucketsResult>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Keep the output of the tests clean."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A handshake that fails is part of the test."""


def serve(server: ThreadingHTTPServer) -> Iterator[int]:
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def http_port() -> Iterator[int]:
    yield from serve(Server(("127.0.0.1", 0), Handler))


@pytest.fixture
def https_port(certificate: Path) -> Iterator[int]:
    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    yield from serve(server)


@pytest.fixture(autouse=True)
def one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_store, "ATTEMPTS", 1)


def store(url: str, **more: Any) -> Store:
    return Store(url, "reader", SECRET, **more)


def said(url: str, **more: Any) -> str:
    """List buckets, which must fail, and explain the error."""
    place = store(url, **more)
    with pytest.raises(Exception) as caught:  # noqa: PT011
        client(place).list_buckets()
    return explain(caught.value, place, VARIABLE)


def test_buckets_are_listed(http_port: int) -> None:
    answer = client(store(f"http://127.0.0.1:{http_port}")).list_buckets()
    assert [bucket["Name"] for bucket in answer["Buckets"]] == ["one"]


def test_certificate_of_the_store_is_trusted(https_port: int, certificate: Path) -> None:
    place = store(f"https://127.0.0.1:{https_port}", ca_certificate=str(certificate))
    assert client(place).list_buckets()["Buckets"]


def test_nothing_of_the_environment_is_taken(http_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text("[profile odd]\nendpoint_url = http://127.0.0.1:1\nregion = nowhere\n")
    for name, value in {
        "AWS_PROFILE": "missing",
        "AWS_DEFAULT_PROFILE": "missing",
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(config),
        "AWS_CA_BUNDLE": "/nowhere.pem",
        "REQUESTS_CA_BUNDLE": "/nowhere.pem",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "other",
        "AWS_SECRET_ACCESS_KEY": "other",
        "AWS_SESSION_TOKEN": "other",
        "AWS_DEFAULT_REGION": "nowhere",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_RETRY_MODE": "adaptive",
        "AWS_MAX_ATTEMPTS": "99",
        "AWS_DEFAULTS_MODE": "mobile",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    made = client(store(f"http://127.0.0.1:{http_port}"))
    assert made.list_buckets()["Buckets"]
    assert made.meta.region_name == "us-east-1"
    assert made.meta.config.retries["mode"] == "standard"


def test_port_without_a_listener() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        assert said(url) == (
            f"{VARIABLE}.endpoint_url: {url} cannot be reached from this server (Failed to establish a new connection:"
            " [Errno 111] Connection refused), write an address where the store runs."
        )


def test_name_that_does_not_resolve() -> None:
    text = said("http://minio.invalid:9000")
    assert text.startswith(f"{VARIABLE}.endpoint_url: http://minio.invalid:9000 cannot be reached from this server (")
    assert "0x" not in text


def test_https_to_a_plain_port(http_port: int) -> None:
    url = f"https://127.0.0.1:{http_port}"
    assert said(url) == f"{VARIABLE}.endpoint_url: {url} does not speak TLS there, write http:// instead of https://."


def test_http_to_a_tls_port_that_hangs_up(https_port: int) -> None:
    assert "write https:// if the store speaks TLS" in said(f"http://127.0.0.1:{https_port}")


def test_certificate_without_its_authority(https_port: int) -> None:
    url = f"https://127.0.0.1:{https_port}"
    text = said(url)
    assert text.startswith(f"{VARIABLE}.ca_certificate: is empty and nobody vouches for the certificate of {url} (self")
    assert text.endswith("), write the path of a PEM file on this server with the authority that signed it.")


def test_certificate_of_another_name(https_port: int, certificate: Path) -> None:
    text = said(f"https://localhost:{https_port}", ca_certificate=str(certificate))
    assert "is for another name (" in text
    assert text.startswith(f"{VARIABLE}.endpoint_url: ")


def test_certificate_file_without_a_certificate(https_port: int) -> None:
    text = said(f"https://127.0.0.1:{https_port}", ca_certificate=__file__)
    assert text.startswith(f"{VARIABLE}.ca_certificate: {__file__!r} cannot be read as certificates (")


def test_timeouts_are_told_apart() -> None:
    place = store("http://minio.example.org:9000")
    slow = explain(exceptions.ConnectTimeoutError(endpoint_url=place.endpoint_url), place, VARIABLE)
    assert "did not answer within 10 seconds" in slow
    assert "firewall" in slow
    stuck = explain(exceptions.ReadTimeoutError(endpoint_url=place.endpoint_url), place, VARIABLE)
    assert "did not answer within 120 seconds" in stuck


EXPLAINED = {
    "http_to_https": "write https:// instead of http://.",
    "http_to_https_head": "write https:// instead of http://.",
    "unknown_key": f"{VARIABLE}.access_key: http://s3.example.org:9000 does not know the access key 'reader'",
    "unknown_key_head": f"{VARIABLE}.access_key: http://s3.example.org:9000 does not know the access key 'reader'",
    "wrong_secret": f"{VARIABLE}.secret_key: http://s3.example.org:9000 knows the access key 'reader' and refuses",
    "wrong_secret_head": f"{VARIABLE}.secret_key: http://s3.example.org:9000 knows the access key 'reader' and refuses",
    "clock_behind": "is 720",
    "clock_behind_head": "is 720",
    "no_bucket": f"{VARIABLE}: http://s3.example.org:9000 has no bucket 'nonono', write the name of a bucket",
    "no_bucket_head": f"{VARIABLE}: http://s3.example.org:9000 has no bucket of that name, write",
    "bad_bucket": "refuses the name of the bucket",
    "denied": "does not let the access key 'reader' do that (AccessDenied)",
    "denied_head": "does not let the access key 'reader' do that (AccessDenied)",
    "not_s3": "does not speak S3",
}


@pytest.mark.parametrize("name", EXPLAINED)
def test_answers_of_minio(name: str) -> None:
    recorded = json.loads(ANSWERS.read_text())[name]
    hours = 2 if name.startswith("clock_behind") else 0
    theirs = datetime.now(UTC) - timedelta(hours=hours)
    recorded["ResponseMetadata"]["HTTPHeaders"]["date"] = format_datetime(theirs, usegmt=True)
    error = exceptions.ClientError(recorded, "Recorded")
    text = explain(error, store("http://s3.example.org:9000"), VARIABLE)
    assert EXPLAINED[name] in text
    assert text.startswith(VARIABLE)
    assert text.endswith(".")
    assert "\n" not in text


def test_all_recorded_answers_are_explained() -> None:
    assert set(json.loads(ANSWERS.read_text())) == set(EXPLAINED)


def test_store_without_a_code_for_head() -> None:
    response = {
        "Error": {"Code": "404", "Message": "Not Found"},
        "ResponseMetadata": {"HTTPStatusCode": 404, "HTTPHeaders": {"x-amz-request-id": "1"}},
    }
    text = explain(exceptions.ClientError(response, "HeadBucket"), store("http://h:9000"), VARIABLE)
    assert "has no bucket or no object of that name" in text


def test_wrong_region() -> None:
    response = {
        "Error": {"Code": "AuthorizationHeaderMalformed", "Message": "the region 'us-east-1' is wrong."},
        "ResponseMetadata": {"HTTPStatusCode": 400, "HTTPHeaders": {}},
    }
    text = explain(exceptions.ClientError(response, "ListBuckets"), store("http://h:9000"), VARIABLE)
    assert text.startswith(f"{VARIABLE}.region: http://h:9000 is not of the region 'us-east-1' (the region")


def test_store_that_is_starting() -> None:
    response = {
        "Error": {"Code": "XMinioServerNotInitialized", "Message": "Server not initialized yet."},
        "ResponseMetadata": {"HTTPStatusCode": 503, "HTTPHeaders": {}},
    }
    text = explain(exceptions.ClientError(response, "ListBuckets"), store("http://h:9000"), VARIABLE)
    assert "is not able to serve now (503 XMinioServerNotInitialized)" in text


def test_secret_is_in_no_text() -> None:
    error = exceptions.HTTPClientError(error=ValueError(f"said {SECRET} aloud"))
    place = store("http://h:9000")
    assert SECRET not in explain(error, place, VARIABLE)
    assert SECRET not in repr(place)


OPTION = {"endpoint_url": "http://h:9000/", "access_key": "a", "secret_key": "b", "region": None}


def test_options_become_a_store() -> None:
    assert store_of(OPTION) == Store("http://h:9000", "a", "b", "us-east-1", None)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"endpoint_url": "minio:9000"}, "source.endpoint_url: found 'minio:9000', write an address such as"),
        ({"endpoint_url": "s3://bucket"}, "source.endpoint_url: found 's3://bucket', write"),
        ({"endpoint_url": "http://h:9000/minio"}, "source.endpoint_url: found 'http://h:9000/minio' with a path"),
        ({"endpoint_url": "http://h:port"}, "source.endpoint_url: is no address"),
        ({"endpoint_url": "http://a:geheim@h"}, "source.endpoint_url: has a key in it"),
        ({"endpoint_url": ""}, "source.endpoint_url: found ''"),
        ({"access_key": " "}, "source.access_key: is empty"),
        ({"secret_key": "geheim\n"}, "source.secret_key: is empty or has a line break"),
        ({"ca_certificate": "/no/where"}, "source.ca_certificate: found '/no/where', which is no file"),
    ],
)
def test_option_that_cannot_be_used(change: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError) as caught:
        store_of({**OPTION, **change}, "source")
    assert str(caught.value).startswith(text)
    assert "geheim" not in str(caught.value)
