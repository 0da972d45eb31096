# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of a bucket, with botocore's own client in front of answers as MinIO gives them."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_bucket_check import addresses_on_network, names_known
from ansible_collections.onprem.mlflow.plugins.modules import s3_bucket_check

LISTING = (
    b"<ListBucketResult><Name>mlflow</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"
)
UPLOAD = b"<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>"


class Store(ThreadingHTTPServer):
    """A store with one bucket, `mlflow`; whatever is in `denied` is answered with AccessDenied."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.denied: set[str] = set()
        self.uploads: set[str] = set()
        self.keys: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Store

    def reply(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("x-amz-request-id", "1")
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status: int, code: str) -> None:
        self.reply(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())

    def handle_any(self) -> None:
        target = urlsplit(self.path)
        bucket, _, key = target.path.lstrip("/").partition("/")
        query = parse_qs(target.query, keep_blank_values=True)
        action = self.action(key, query)
        self.server.keys.append(key)
        if bucket != "mlflow":
            self.refuse(404, "NoSuchBucket")
        elif action in self.server.denied:
            self.refuse(403, "AccessDenied")
        elif action == "list":
            self.reply(200, LISTING)
        elif action == "read":
            self.refuse(404, "NoSuchKey")
        elif action == "write":
            self.server.uploads.add(key)
            self.reply(200, UPLOAD)
        elif action == "abort":
            self.server.uploads.remove(key)
            self.reply(204)
        else:
            self.refuse(405, "MethodNotAllowed")

    def action(self, key: str, query: dict[str, list[str]]) -> str:
        if self.command == "GET":
            return "read" if key else "list"
        if self.command == "POST" and "uploads" in query:
            return "write"
        if self.command == "DELETE" and query.get("uploadId") == ["u1"]:
            return "abort"
        return "other"

    do_GET = do_POST = do_DELETE = do_PUT = do_HEAD = handle_any  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep silent."""


@pytest.fixture
def store() -> Iterator[Store]:
    server = Store()
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def options(store: Store, **more: Any) -> dict[str, Any]:
    return {
        "endpoint_url": f"http://127.0.0.1:{store.server_address[1]}",
        "access_key": "mlflow-key",
        "secret_key": "hush hush",
        "bucket": "mlflow",
        **more,
    }


@pytest.mark.parametrize("prefix", ["", "artifacts", "a/b"])
@pytest.mark.parametrize("check", [False, True])
def test_good_store_is_left_as_it_was(run_module: Any, store: Store, prefix: str, check: bool) -> None:
    result = run_module(s3_bucket_check.main, options(store, prefix=prefix), check=check)

    assert (result["changed"], result["checked"]) == (False, True)
    assert store.uploads == set()
    tried = {key for key in store.keys if key}
    assert len(tried) == 1
    assert tried.pop().startswith(f"{prefix}/.onprem" if prefix else ".onprem")


@pytest.mark.parametrize(
    ("denied", "sentence"),
    [
        ("list", "list in s3://mlflow/artifacts (or has no bucket 'mlflow'), give it the permission s3:ListBucket,"),
        ("read", "read in s3://mlflow/artifacts, give it the permission s3:GetObject,"),
        ("write", "write in s3://mlflow/artifacts, give it the permission s3:PutObject"),
        ("abort", "write in s3://mlflow/artifacts, give it the permission s3:PutObject and s3:AbortMultipartUpload,"),
    ],
)
def test_what_the_key_may_not_do(run_module: Any, store: Store, denied: str, sentence: str) -> None:
    store.denied = {denied}
    result = run_module(s3_bucket_check.main, options(store, prefix="artifacts"))

    assert result["failed"]
    assert result["msg"].startswith("mlflow_s3.access_key: http://127.0.0.1:")
    assert f"does not let the access key 'mlflow-key' {sentence}" in result["msg"]
    assert "hush" not in json.dumps(result)


def test_bucket_that_is_not_there(run_module: Any, store: Store) -> None:
    result = run_module(s3_bucket_check.main, options(store, bucket="other", variable="my_store"))

    assert result["msg"].startswith("my_store.bucket: ")
    assert "has no bucket 'other', write the name of one that it has" in result["msg"]


def test_nobody_answers(run_module: Any, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        result = run_module(s3_bucket_check.main, options(store, endpoint_url=url))

    assert result["msg"].startswith(f"mlflow_s3.endpoint_url: {url} cannot be reached from this server (")


@pytest.mark.parametrize("url", ["minio:9000", "http://a/b", "https://key:secret@minio"])
def test_no_address(run_module: Any, store: Store, url: str) -> None:
    assert run_module(s3_bucket_check.main, options(store, endpoint_url=url))["msg"].startswith(
        "mlflow_s3.endpoint_url: "
    )


def test_certificate_is_text(run_module: Any, store: Store) -> None:
    url = f"https://127.0.0.1:{store.server_address[1]}"
    result = run_module(s3_bucket_check.main, options(store, endpoint_url=url, ca_certificate="nothing"))

    assert "write the PEM text of the certificate" in result["msg"]
    assert "/ca.pem" not in result["msg"]


def test_server_without_boto3(run_module: Any, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    result = run_module(s3_bucket_check.main, options(store))

    assert (result["changed"], result["checked"]) == (False, False)
    assert store.keys == []


def test_network_that_is_not_there(run_module: Any, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AnsibleModule, "get_bin_path", lambda *_args: None)
    result = run_module(s3_bucket_check.main, options(store, network="old_default"))

    assert result["msg"].startswith("mlflow_s3.network: found 'old_default', but this server's engine has no network")


def test_names_of_containers() -> None:
    inspected = [
        {
            "Name": "/old-minio-1",
            "NetworkSettings": {
                "Networks": {
                    "old_default": {"IPAddress": "172.20.0.2", "Aliases": ["minio", "s3"], "DNSNames": None},
                    "other": {"IPAddress": "172.21.0.9", "Aliases": ["elsewhere"]},
                }
            },
        },
        {"Name": "/stopped", "NetworkSettings": {"Networks": {"old_default": {"IPAddress": "", "Aliases": ["x"]}}}},
    ]

    assert addresses_on_network("old_default", json.dumps(inspected)) == {
        "old-minio-1": "172.20.0.2",
        "minio": "172.20.0.2",
        "s3": "172.20.0.2",
    }


def test_names_are_known_for_a_while() -> None:
    before = socket.getaddrinfo
    with names_known({"minio": "127.0.0.5"}):
        found = socket.getaddrinfo("minio", 9000, socket.AF_INET, socket.SOCK_STREAM)
        assert found[0][4] == ("127.0.0.5", 9000)
    assert socket.getaddrinfo is before
