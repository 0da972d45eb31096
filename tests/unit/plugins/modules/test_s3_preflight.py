# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a migration can begin, against two stores that answer as S3 does."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import s3_inventory_space, s3_store
from ansible_collections.onprem.mlflow.plugins.modules import s3_preflight

MADE = "2026-11-21T10:13:48.617Z"
Run = Callable[..., dict[str, Any]]


class Store(ThreadingHTTPServer):
    """An S3 store with keys in buckets."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.buckets: dict[str, list[str]] = {}
        self.made = MADE
        self.ahead = 0
        self.deployment: str | None = None
        self.administrator = True
        self.denied: set[str] = set()
        self.methods: set[str] = set()

    def option(self) -> dict[str, str]:
        address = f"http://127.0.0.1:{self.server_address[1]}"
        return {"endpoint_url": address, "access_key": "made-up-key", "secret_key": "made-up-secret"}


class Handler(BaseHTTPRequestHandler):
    server: Store

    def do_GET(self) -> None:
        store = self.server
        store.methods.add(self.command)
        target = urlsplit(self.path)
        query = parse_qs(target.query, keep_blank_values=True)
        if "/admin/v3/" in target.path:
            known = {"deploymentID": store.deployment} if store.deployment else {}
            good = store.administrator and target.path.startswith("/rustfs/")
            self.reply(200 if good else 403, json.dumps(known if good else {"Code": "AccessDenied"}).encode())
            return
        bucket, _, key = target.path.strip("/").partition("/")
        what = "tagging" if "tagging" in query else "object" if key else "list" if bucket else "buckets"
        if what in store.denied:
            self.reply(403, b"<Error><Code>AccessDenied</Code></Error>")
        elif what == "buckets":
            names = "".join(
                f"<Bucket><Name>{name}</Name><CreationDate>{store.made}</CreationDate></Bucket>"
                for name in store.buckets
            )
            self.reply(200, f"<ListAllMyBucketsResult><Buckets>{names}</Buckets></ListAllMyBucketsResult>".encode())
        elif bucket not in store.buckets:
            self.reply(404, b"<Error><Code>NoSuchBucket</Code></Error>")
        elif what == "list":
            prefix = query.get("prefix", [""])[0]
            keys = [name for name in sorted(store.buckets[bucket]) if name.startswith(prefix)]
            found = "".join(f"<Contents><Key>{name}</Key><Size>10</Size></Contents>" for name in keys)
            self.reply(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>".encode())
        elif what == "tagging":
            self.reply(200, b"<Tagging><TagSet/></Tagging>")
        else:
            self.reply(200, b"x")

    def do_PUT(self) -> None:
        self.server.methods.add(self.command)
        self.reply(200, b"")

    do_POST = do_DELETE = do_PUT  # noqa: N815

    def reply(self, status: int, body: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Date", formatdate(time.time() + self.server.ahead, usegmt=True))
        self.send_header("x-amz-request-id", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Store, Store]]:
    monkeypatch.setattr(s3_store, "ATTEMPTS", 1)
    pair = (Store(), Store())
    for store in pair:
        threading.Thread(target=store.serve_forever, args=(0.01,), daemon=True).start()
    pair[0].buckets = {"mlflow": ["artifacts/1", "artifacts/2", "other"]}
    pair[1].made = "2026-11-21T10:13:48.618Z"
    yield pair
    for store in pair:
        store.shutdown()
        store.server_close()


def look(stores: tuple[Store, Store], run_module: Run, **more: Any) -> dict[str, Any]:
    source, target = stores
    options = {"source": source.option(), "target": target.option(), **more}
    result = run_module(s3_preflight.main, options, check=True)
    assert source.methods | target.methods <= {"GET"}, "nothing is written"
    return result


def codes(result: dict[str, Any]) -> list[str]:
    return [problem["code"] for problem in result["problems"]]


def test_nothing_is_wrong(stores: tuple[Store, Store], run_module: Run) -> None:
    result = look(stores, run_module)
    assert result["problems"] == []
    assert abs(result["clock_seconds"]["source"]) <= 1


def test_a_target_with_some_of_the_objects_is_fine(stores: tuple[Store, Store], run_module: Run) -> None:
    stores[1].buckets = {"mlflow": ["artifacts/1"]}
    result = look(stores, run_module)
    assert result["problems"] == []
    assert result["present"] == [
        {"bucket": "mlflow", "present": 1, "present_bytes": 10, "foreign": 0, "examples": []},
    ]


def test_foreign_objects_are_named(stores: tuple[Store, Store], run_module: Run) -> None:
    stores[1].buckets = {"new": ["artifacts/1", "artifacts/3", "elsewhere"]}
    chosen = [{"name": "mlflow", "prefix": "artifacts/", "target_name": "new"}]
    result = look(stores, run_module, buckets=chosen)
    assert codes(result) == ["foreign_objects"]
    assert "1 objects that the source has not, such as 'artifacts/3'" in result["problems"][0]["text"]
    assert codes(look(stores, run_module, buckets=chosen, foreign=False)) == []


def test_one_store_under_two_names_is_found_by_its_deployment(stores: tuple[Store, Store], run_module: Run) -> None:
    stores[0].deployment = stores[1].deployment = "c7ebd59d"
    assert codes(look(stores, run_module)) == ["same_store"]


def test_one_store_under_two_names_is_found_by_its_buckets(stores: tuple[Store, Store], run_module: Run) -> None:
    stores[1].buckets = stores[0].buckets
    stores[1].made = MADE
    assert codes(look(stores, run_module)) == ["same_store"]


def test_two_deployments_are_two_stores(stores: tuple[Store, Store], run_module: Run) -> None:
    stores[1].buckets, stores[1].made = dict(stores[0].buckets), MADE
    stores[0].deployment, stores[1].deployment = "one", "other"
    assert codes(look(stores, run_module)) == []


@pytest.mark.parametrize(("ahead", "expected"), [(299, []), (320, ["clock"]), (-320, ["clock"])])
def test_clocks_that_differ(stores: tuple[Store, Store], run_module: Run, ahead: int, expected: list[str]) -> None:
    stores[0].ahead = ahead
    result = look(stores, run_module)
    assert codes(result) == expected
    if expected:
        assert ("ahead of" if ahead > 0 else "behind") in result["problems"][0]["text"]


@pytest.mark.parametrize(
    ("denied", "action"), [("list", "s3:ListBucket"), ("object", "s3:GetObject"), ("tagging", "s3:GetObjectTagging")]
)
def test_what_the_key_may_not_do(stores: tuple[Store, Store], run_module: Run, denied: str, action: str) -> None:
    stores[0].denied = {denied}
    result = look(stores, run_module)
    assert codes(result) == ["source_key"]
    assert f"write a key with {action}," in result["problems"][0]["text"]


def test_the_target_wants_its_administrator(stores: tuple[Store, Store], run_module: Run) -> None:
    stores[1].administrator = False
    assert codes(look(stores, run_module)) == ["target_key"]


def test_unknown_bucket_and_prefix(stores: tuple[Store, Store], run_module: Run) -> None:
    chosen = [{"name": "nope"}, {"name": "mlflow", "prefix": "nothing/"}]
    result = look(stores, run_module, buckets=chosen)
    assert codes(result) == ["unknown_bucket", "unknown_prefix"]
    assert "that the key sees: mlflow." in result["problems"][0]["text"]


def test_both_are_asked_where_both_are_silent(stores: tuple[Store, Store], run_module: Run) -> None:
    for store in stores:
        store.denied = {"buckets"}
    assert codes(look(stores, run_module)) == ["source_answer", "target_answer"]


def test_space_that_will_do(stores: tuple[Store, Store], run_module: Run, tmp_path: Path) -> None:
    result = look(stores, run_module, bytes=1000, objects=3, data_paths=[str(tmp_path / "not" / "yet")])
    assert result["problems"] == []
    assert result["space"][0]["needed_bytes"] == 1000 + 3 * 8192 + 256 * 1024**2


def test_space_that_is_short(
    stores: tuple[Store, Store], run_module: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=10, f_frsize=4096))
    result = look(stores, run_module, bytes=10**6, data_paths=[str(tmp_path)])
    assert codes(result) == ["space"]
    assert "has 40960 bytes free" in result["problems"][0]["text"]


def test_what_is_there_already_needs_no_space(stores: tuple[Store, Store], run_module: Run, tmp_path: Path) -> None:
    stores[1].buckets = {"mlflow": ["artifacts/1", "artifacts/2", "other"]}
    result = look(stores, run_module, bytes=30, objects=3, data_paths=[str(tmp_path)])
    assert result["space"][0]["needed_bytes"] == 0


def test_more_parity_than_drives_is_refused(stores: tuple[Store, Store], run_module: Run, tmp_path: Path) -> None:
    result = look(stores, run_module, bytes=1, data_paths=[str(tmp_path)], parity=1)
    assert result["msg"] == "parity: found 1 for 1 drives, write a number below that of the drives."


@pytest.mark.parametrize(
    ("drives", "parity"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3), (7, 3), (8, 4), (16, 4)]
)
def test_parity_by_default(drives: int, parity: int) -> None:
    assert s3_inventory_space.default_parity(drives) == parity


def test_drives_on_one_file_system_add_up(tmp_path: Path) -> None:
    needed = s3_inventory_space.per_drive(6 * 10**9, 0, 4, 2)
    assert needed == 3 * 10**9 + max(256 * 1024**2, 150 * 10**6)
    (room,) = s3_inventory_space.rooms([str(tmp_path / name) for name in "abcd"], needed)
    assert room.needed_bytes == 4 * needed
