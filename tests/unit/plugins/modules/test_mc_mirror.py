# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules that copy, and what they tell, without stores and without an engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_arrival import Arrivals, judge
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_repair import (
    Copier,
    copy_all,
    kept_headers,
    part_bytes,
    reason_of,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_journal import FORMAT
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_journal_keys import TO_COPY, TO_REMOVE, keys_of
from ansible_collections.onprem.mlflow.plugins.modules import mc_mirror, s3_copy_keys

RunModule = Callable[..., dict[str, Any]]
# Port 9 is that of a service which nobody runs.
STORES = {
    "source": {"endpoint_url": "http://127.0.0.1:9", "access_key": "a", "secret_key": "secret-of-source"},
    "target": {"endpoint_url": "http://127.0.0.2:9", "access_key": "b", "secret_key": "secret-of-target"},
}


class ClientError(Exception):
    """Like botocore's."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"An error occurred ({code})")
        self.response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}


class Events:
    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., None]] = {}

    def register(self, name: str, handler: Callable[..., None]) -> None:
        self.handlers[name] = handler


class Body:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self) -> bytes:
        return self.content


class Client:
    """A store in memory, of one bucket, with the calls that are used."""

    def __init__(self, **objects: bytes) -> None:
        self.objects: dict[str, dict[str, Any]] = {
            key: {"content": content, "headers": {}, "tags": []} for key, content in objects.items()
        }
        self.refused: set[str] = set()
        self.meta = SimpleNamespace(events=Events())

    def _find(self, key: str) -> dict[str, Any]:
        if key in self.refused:
            raise ClientError("AccessDenied", "Access Denied.")
        if key not in self.objects:
            raise ClientError("404")
        return self.objects[key]

    def head_object(self, **asked: Any) -> dict[str, Any]:
        found = self._find(asked["Key"])
        now = datetime.now(UTC)
        return {"ContentLength": len(found["content"]), "ETag": str(hash(found["content"])), "LastModified": now}

    def get_object(self, **asked: Any) -> dict[str, Any]:
        found = self._find(asked["Key"])
        return {
            "ContentLength": len(found["content"]),
            "Body": Body(found["content"]),
            "ResponseMetadata": {"HTTPHeaders": found["headers"]},
        }

    def get_object_tagging(self, **asked: Any) -> dict[str, Any]:
        return {"TagSet": self._find(asked["Key"])["tags"]}

    def put_object(self, **asked: Any) -> None:
        params: dict[str, Any] = {"headers": {}}
        self.meta.events.handlers["before-call.s3.PutObject"](params=params, model=None)
        self.objects[asked["Key"]] = {
            "content": asked["Body"].read(),
            "headers": params["headers"],
            "tagging": asked.get("Tagging", ""),
        }

    def delete_object(self, **asked: Any) -> None:
        del self.objects[asked["Key"]]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"bucket": "No Bucket"}, "bucket: found 'No Bucket'"),
        ({"wait": 60}, "wait: found 60, write a number of seconds from 1 to 8."),
        ({"target": {**STORES["source"]}}, "is the same store and bucket as source"),
        ({"prefix": "/x"}, "prefix: found '/x/'"),
        ({"memory": "1"}, "memory: found '1'"),
        ({}, "source.endpoint_url: http://127.0.0.1:9 cannot be reached"),
    ],
)
def test_bad_input_is_a_sentence_and_starts_nothing(
    run_module: RunModule, tmp_path: Path, options: dict[str, Any], sentence: str
) -> None:
    args = {**STORES, "bucket": "bucket", "image": "x", "directory": str(tmp_path / "copy"), **options}
    result = run_module(mc_mirror.main, args)

    assert result["failed"]
    assert sentence in result["msg"]
    assert "secret-of" not in str(result)
    assert not list(tmp_path.glob("copy/bucket-*"))


def journal(tmp_path: Path, *findings: dict[str, Any], ended: bool = True) -> dict[str, Any]:
    """Write the journal of a comparison; return the module's options."""
    end = [{"ended_at": "2026-11-21T10:00:00Z"}] if ended else []
    lines = [{"journal": FORMAT, "identity": {"prefix": ""}}, *findings, *end]
    path = tmp_path / "journal.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return {**STORES, "bucket": "bucket", "journal": str(path)}


def test_copying_keys_needs_both_stores(run_module: RunModule, tmp_path: Path) -> None:
    result = run_module(s3_copy_keys.main, journal(tmp_path, {"missing": "a"}))

    assert "source.endpoint_url: http://127.0.0.1:9 cannot be reached" in result["msg"]


@pytest.mark.parametrize(
    ("check", "findings", "remove", "changed"),
    [
        (True, [{"missing": "a"}, {"different": {"key": "b"}}, {"extra": "c"}], False, (2, 0)),
        (True, [{"extra": "c"}], True, (0, 1)),
        (True, [], True, (0, 0)),
        (False, [], True, (0, 0)),
        (False, [{"extra": "c"}], False, (0, 0)),
    ],
)
def test_copying_keys_sends_nothing_in_check_mode_or_without_keys(
    run_module: RunModule,
    tmp_path: Path,
    check: bool,
    findings: list[dict[str, Any]],
    remove: bool,
    changed: tuple[int, int],
) -> None:
    result = run_module(s3_copy_keys.main, {**journal(tmp_path, *findings), "remove": remove}, check=check)

    copy, delete = changed
    assert result["msg"] == f"Would copy {copy} objects of bucket, and delete {delete} on the target."
    assert result["changed"] == any(changed)


def test_keys_come_from_a_comparison_that_ended(run_module: RunModule, tmp_path: Path) -> None:
    result = run_module(s3_copy_keys.main, journal(tmp_path, {"missing": "a"}, ended=False))
    assert result["msg"].endswith("is of a comparison that did not end, run that again.")

    (tmp_path / "other").write_text("{}\n")
    result = run_module(s3_copy_keys.main, {**journal(tmp_path), "journal": str(tmp_path / "other")})
    assert result["msg"].endswith("is not a journal of a comparison, write another path.")


def test_keys_come_in_the_order_of_the_comparison(tmp_path: Path) -> None:
    options = journal(tmp_path, {"missing": "a"}, {"extra": "b"}, {"different": {"key": "c"}}, {"to": "c"})

    assert list(keys_of(options["journal"], TO_COPY)) == ["a", "c"]
    assert list(keys_of(options["journal"], TO_REMOVE)) == ["b"]


def test_objects_are_copied_with_headers_and_tags_and_failures_do_not_stop() -> None:
    source, target = Client(a=b"new", big=b"x"), Client(a=b"old", gone=b"1", kept=b"2")
    source.objects["kept"] = {"content": b"2", "headers": {}, "tags": []}
    source.objects["a"]["headers"] = {
        "content-type": "text/x-odd",
        "x-amz-meta-who": "me",
        "expires": "never",
        "etag": '"1"',
        "content-length": "3",
    }
    source.objects["a"]["tags"] = [{"Key": "k &", "Value": "v=1"}]
    source.refused = {"big"}

    copier = Copier((source, "one"), (target, "two"))
    found = copy_all(lambda: copier, ["a", "big", "missing"], ["gone", "kept", "never"])

    assert target.objects["a"] == {
        "content": b"new",
        "headers": {"content-type": "text/x-odd", "x-amz-meta-who": "me", "expires": "never"},
        "tagging": "k+%26=v%3D1",
    }
    assert (found.objects, found.bytes, found.failed_count, found.removed_count) == (1, 3, 3, 1)
    assert found.removed == ["gone"]
    assert [(item["key"], item["reason"]) for item in found.failed] == [
        ("big", "AccessDenied Access Denied."),
        ("missing", "404"),
        ("never", "was not deleted: KeyError: 'never'"),
    ]
    assert sorted(target.objects) == ["a", "kept"]


def test_many_objects_are_copied_at_once() -> None:
    keys = [f"key {number}" for number in range(2500)]
    source, target = Client(**dict.fromkeys(keys, b"x")), Client()

    found = copy_all(lambda: Copier((source, "one"), (target, "two")), keys, [], workers=8)

    assert (found.objects, found.bytes, len(target.objects)) == (2500, 2500, 2500)


def test_small_parts_of_copying() -> None:
    assert kept_headers({"server": "x", "cache-control": "no-cache"}) == {"cache-control": "no-cache"}
    assert part_bytes(1 << 30) == 64 << 20
    assert part_bytes(5 << 40) * 10_000 > 5 << 40
    assert reason_of(OSError("3 bytes\narrived")) == "OSError: 3 bytes arrived"


def head(size: int, etag: str, at: float = 1000.0) -> dict[str, Any]:
    return {"ContentLength": size, "ETag": etag, "LastModified": datetime.fromtimestamp(at, UTC)}


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        (None, None, None),
        (head(1, "x"), None, "is not on the target"),
        (head(1, "x"), head(2, "x"), "has 2 bytes on the target and 1 on the source"),
        (head(1, "x"), head(1, "x", 0), None),
        (head(1, "x"), head(1, "y-2", 1001), None),
        (head(1, "x"), head(1, "y", 900), "is older on the target"),
    ],
)
def test_arrival_is_judged_by_both_sides(
    source: dict[str, Any] | None, target: dict[str, Any] | None, reason: str | None
) -> None:
    found = judge(source, target, started_at=1000.0)

    assert found is None if reason is None else found is not None and found.startswith(reason)


def test_arrivals_ask_both_stores() -> None:
    source, target = Client(a=b"1", b=b"1", c=b"1"), Client(a=b"1")
    target.refused = {"c"}

    found = Arrivals(source, target, "one", "two")(["a", "b", "c"], 0.0)

    assert found["a"] is None
    assert str(found["b"]).startswith("is not on the target")
    assert found["c"] == "was retried by mc, and asking for it ended with AccessDenied"
