# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory, of what the real MinIO answered."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import s3_store
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory import (
    Bucket,
    Selection,
    selections,
    tally,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_keys import bucket_refused, refused_key
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_limits import MEANINGS, OF_KEYS, Limits, shown
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_listing import Entry
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_settings import Settings
from ansible_collections.onprem.mlflow.plugins.modules import s3_inventory

RECORDED = Path(__file__).parents[1] / "fixtures" / "minio-2026-02"
NOT_SET = {
    "object-lock": (404, "ObjectLockConfigurationNotFoundError"),
    "lifecycle": (404, "NoSuchLifecycleConfiguration"),
    "policy": (404, "NoSuchBucketPolicy"),
    "tagging": (404, "NoSuchTagSet"),
    "cors": (404, "NoSuchCORSConfiguration"),
    "encryption": (404, "ServerSideEncryptionConfigurationNotFoundError"),
    "replication": (404, "ReplicationConfigurationNotFoundError"),
}
EMPTY = {
    "versioning": b"<VersioningConfiguration/>",
    "notification": b"<NotificationConfiguration/>",
    "uploads": b"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>",
}
Run = Callable[..., dict[str, Any]]


class Minio(ThreadingHTTPServer):
    """Answers with what was recorded, by bucket and by what is asked of it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[tuple[str, str], tuple[int, bytes]] = {}
        self.asked: list[str] = []

    def bucket(self, name: str, listing: str, **settings: bytes | tuple[int, bytes]) -> None:
        """Add a bucket with a recorded listing."""
        versioned = "versions" in listing
        body = (RECORDED / listing).read_bytes()
        self.answers[name, "versions" if versioned else "metadata"] = (200, body)
        for what, (status, code) in NOT_SET.items():
            self.answers[name, what] = (status, f"<Error><Code>{code}</Code></Error>".encode())
        for what, content in EMPTY.items():
            self.answers[name, what] = (200, content)
        if versioned:
            on = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
            self.answers[name, "versioning"] = (200, on)
        for what, answer in settings.items():
            self.answers[name, what.replace("_", "-")] = (200, answer) if isinstance(answer, bytes) else answer


class Handler(BaseHTTPRequestHandler):
    server: Minio

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        query = parse_qs(target.query, keep_blank_values=True)
        self.server.asked.append(self.path)
        if target.path.startswith("/minio/admin/v3/get-bucket-quota"):
            name = "quota.json" if query["bucket"] == ["plain"] else "quota_none.json"
            self.reply(200, (RECORDED / name).read_bytes())
            return
        bucket = target.path.strip("/")
        what = next((part for part in (*NOT_SET, *EMPTY, "versions", "metadata") if part in query), "list-type")
        status, body = self.server.answers.get((bucket, what), (404, b"<Error><Code>NoSuchBucket</Code></Error>"))
        self.reply(status, body)

    def do_HEAD(self) -> None:
        encrypted = {"x-amz-server-side-encryption": "AES256"}
        self.reply(200, b"", encrypted)

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"x-amz-request-id": "1", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def _no_second_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_store, "ATTEMPTS", 1)


@pytest.fixture
def minio() -> Iterator[Minio]:
    server = Minio()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def take(minio: Minio, run_module: Run, *names: str, **more: Any) -> dict[str, Any]:
    store = {
        "endpoint_url": f"http://127.0.0.1:{minio.server_address[1]}",
        "access_key": "minioroot",
        "secret_key": "made-up-root-secret",
    }
    buckets = [{"name": name} for name in names]
    return run_module(s3_inventory.main, {"store": store, "buckets": buckets, **more})


def codes(result: dict[str, Any]) -> dict[str, int]:
    return {limit["code"]: limit["count"] for limit in result["limits"]}


def test_encrypted_objects_are_known_from_the_listing(minio: Minio, run_module: Run) -> None:
    minio.bucket("enc", "list_encrypted.xml")
    result = take(minio, run_module, "enc")
    (bucket,) = result["buckets"]
    assert (bucket["objects"], bucket["bytes"], bucket["encrypted_objects"]) == (3, 3, 2)
    assert codes(result) == {"encrypted_objects": 2}
    assert not result["changed"]


def test_versions_and_delete_markers_are_counted(minio: Minio, run_module: Run) -> None:
    minio.bucket("versioned", "list_versions.xml")
    result = take(minio, run_module, "versioned")
    (bucket,) = result["buckets"]
    assert (bucket["objects"], bucket["versions"], bucket["delete_markers"]) == (1, 2, 1)
    assert bucket["versioning"] == "Enabled"
    assert codes(result) == {"delete_markers": 1, "old_versions": 2}


def test_retention_and_legal_hold_are_found(minio: Minio, run_module: Run) -> None:
    minio.bucket("hold", "list_versions_hold.xml")
    result = take(minio, run_module, "hold")
    # Of the two retentions that were recorded, one ended three seconds later.
    assert codes(result)["legal_hold"] == 1
    assert result["buckets"][0]["objects"] == 3


def test_hostile_keys_are_named(minio: Minio, run_module: Run) -> None:
    minio.bucket("hostile", "list_hostile.xml")
    result = take(minio, run_module, "hostile")
    limits = {limit["code"]: limit for limit in result["limits"]}
    assert limits["key_line_break"]["examples"] == ["cr\rx", "line\nbreak"]
    assert r"'line\nbreak'" in limits["key_line_break"]["text"]
    assert limits["storage_class"]["examples"] == ["rrs"]


def test_a_listing_that_is_no_xml_is_asked_for_again(minio: Minio, run_module: Run) -> None:
    plain = b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>m</Key><Size>1</Size>"
    minio.bucket("meta", "list_no_xml.xml", list_type=plain + b"</Contents></ListBucketResult>")
    result = take(minio, run_module, "meta")
    assert result["buckets"][0]["objects"] == 1
    assert codes(result) == {"unknown_encryption": 1}
    inspected = take(minio, run_module, "meta", inspect_objects=True)
    assert codes(inspected) == {"encrypted_objects": 1}


def test_settings_are_read_and_what_rustfs_lacks_is_named(minio: Minio, run_module: Run) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:Get*"], "Resource": "arn:aws:s3:::plain/*"}
        ],
    }
    rules = (
        b"<Rule><ID>tier</ID><Status>Enabled</Status><Filter/><Transition><Days>1</Days>"
        b"<StorageClass>COLD</StorageClass></Transition></Rule>"
        b"<Rule><ID>old</ID><Status>Enabled</Status><Filter/><Expiration><Days>9</Days></Expiration></Rule>"
    )
    queue = b"<QueueConfiguration><Queue>arn:minio:sqs::1:webhook</Queue><Event>s3:ObjectCreated:*</Event>"
    encrypted = b"<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
    minio.bucket(
        "plain",
        "list_encrypted.xml",
        policy=json.dumps(policy).encode(),
        tagging=b"<Tagging><TagSet><Tag><Key>team</Key><Value>lab</Value></Tag></TagSet></Tagging>",
        lifecycle=b"<LifecycleConfiguration>" + rules + b"</LifecycleConfiguration>",
        notification=b"<NotificationConfiguration>" + queue + b"</QueueConfiguration></NotificationConfiguration>",
        replication=b"<ReplicationConfiguration><Role/></ReplicationConfiguration>",
        encryption=b"<ServerSideEncryptionConfiguration>"
        + encrypted
        + b"</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
        cors=(403, b"<Error><Code>AccessDenied</Code></Error>"),
    )
    result = take(minio, run_module, "plain")
    (bucket,) = result["buckets"]
    assert bucket["tags"] == {"team": "lab"}
    assert bucket["quota_bytes"] == 10737418240
    assert [rule["ID"] for rule in bucket["lifecycle"]] == ["tier", "old"]
    assert bucket["policy"] == policy
    assert codes(result) == {
        "bucket_encryption": 1,
        "encrypted_objects": 2,
        "lifecycle": 1,
        "notifications": 1,
        "replication": 1,
        "unknown_setting": 1,
        "wildcard_actions": 1,
    }


def test_uploads_that_were_never_completed_are_counted(minio: Minio, run_module: Run) -> None:
    upload = b"<Upload><Key>big</Key><UploadId>1</UploadId></Upload>"
    pages = b"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>" + upload + b"</ListMultipartUploadsResult>"
    minio.bucket("enc", "list_encrypted.xml", uploads=pages)
    result = take(minio, run_module, "enc")
    assert result["buckets"][0]["incomplete_uploads"] == 1
    assert codes(result)["incomplete_uploads"] == 1


def test_an_unknown_bucket_is_one_sentence(minio: Minio, run_module: Run) -> None:
    result = take(minio, run_module, "nope")
    assert result["failed"]
    assert "has no bucket" in result["msg"]


def test_a_store_that_is_not_there_is_one_sentence(run_module: Run) -> None:
    store = {"endpoint_url": "http://127.0.0.1:1", "access_key": "k-made-up", "secret_key": "made-up-secret"}
    result = run_module(s3_inventory.main, {"store": store, "buckets": [{"name": "b-1"}]})
    assert result["msg"].startswith("store.endpoint_url: http://127.0.0.1:1 cannot be reached")


@pytest.mark.parametrize("workers", [0, 33])
def test_a_number_of_workers_out_of_range_is_refused(minio: Minio, run_module: Run, workers: int) -> None:
    assert "1 to 32" in take(minio, run_module, "enc", workers=workers)["msg"]


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("a/b c+%2F&?=#'\"*[]", None),
        ("ü" * 127, None),
        ("ü" * 128, "key_length"),
        ("x" * 255 + "/" + "y" * 246 + "/", None),
        ("x" * 247 + "/", "key_length"),
        ("/".join(["z" * 200] * 5) + "z" * 20, None),
        ("/".join(["z" * 204] * 5) + "z", "key_length"),
        ("a\nb", "key_line_break"),
        ("a\rb", "key_line_break"),
        ("a\0b", "key_line_break"),
        ("a\tb\x01", None),
        ("/a", "key_path"),
        ("a//b", "key_path"),
        ("a/../b", "key_path"),
        ("a/ . /b", "key_path"),
        ("a\\..\\b", "key_path"),
        ("a\\b", None),
        ("a/...", None),
        (".", "key_path"),
        ("a__XLDIR__", "key_collision"),
    ],
)
def test_keys_that_rustfs_refuses(key: str, code: str | None) -> None:
    assert refused_key(key) == code


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("mlflow", False),
        ("a.b-c", False),
        ("rustfs", True),
        ("10.0.0.1", True),
        ("a..b", True),
        ("a.-b", True),
        ("A-b", True),
    ],
)
def test_bucket_names_that_rustfs_refuses(name: str, refused: bool) -> None:
    assert bucket_refused(name) is refused


def bucket() -> Bucket:
    return Bucket(Selection("b"), Settings(), Limits("b"))


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (Entry("a", 6 * 1024**4, headers={}), "object_size"),
        (Entry("a", 1, storage_class="COLD", headers={}), "tiered_objects"),
        (Entry("a", 1, headers={"x-amz-server-side-encryption-customer-algorithm": "AES256"}), "customer_keys"),
        (Entry("a", 1, headers={"x-amz-object-lock-mode": "COMPLIANCE"}), "retention"),
        (Entry("a", 1), "unknown_encryption"),
    ],
)
def test_objects_that_will_not_come_along_as_they_are(entry: Entry, code: str) -> None:
    found = bucket()
    tally(entry, found)
    assert [limit.code for limit in found.limits.found()] == [code]


def test_a_retention_that_has_ended_is_none() -> None:
    headers = {
        "x-amz-object-lock-mode": "GOVERNANCE",
        "x-amz-object-lock-retain-until-date": "2026-11-21T10:32:29.000Z",
    }
    found = bucket()
    tally(Entry("a", 1, headers=headers), found, datetime(2026, 11, 21, 10, 32, 30, tzinfo=UTC))
    assert found.limits.found() == []


def test_only_the_first_examples_are_kept() -> None:
    limits = Limits("b")
    for number in range(1000):
        limits.add("old_versions", str(number))
    (limit,) = limits.found()
    assert limit.count == 1000
    assert limit.examples == [str(number) for number in range(10)]
    assert limit.text.endswith("such as '0', '1', '2'.")


def test_every_code_makes_a_sentence() -> None:
    assert set(MEANINGS) >= OF_KEYS
    for code in MEANINGS:
        limits = Limits("b")
        limits.add(code, "x.")
        assert limits.found()[0].text.endswith(".")


def test_keys_are_shown_without_what_a_terminal_obeys() -> None:
    assert shown("a\x1b[2J\u202eb\n") == r"'a\x1b[2J\u202eb\n'"
    assert len(shown("x" * 500)) == 82


@pytest.mark.parametrize(
    "items",
    [
        [{"name": "a"}, {"name": "a", "prefix": "x/"}],
        [{"name": "a", "prefix": "x/"}, {"name": "a", "prefix": "x/y"}],
        [{"name": "a"}, {"name": "b", "target_name": "a"}],
    ],
)
def test_what_is_chosen_twice_is_refused(items: list[dict[str, str]]) -> None:
    with pytest.raises(InputError, match=r"write (prefixes|different)"):
        selections(items, ())


def test_every_bucket_is_chosen_where_none_is_named() -> None:
    assert [one.target for one in selections([], ["a", "b"])] == ["a", "b"]
    assert selections([{"name": "a", "prefix": None, "target_name": None}], ["z"]) == [Selection("a", "", "a")]
