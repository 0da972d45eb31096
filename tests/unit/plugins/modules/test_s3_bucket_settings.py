# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of buckets, carried over between two stores in memory."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import s3_inventory
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_bucket_settings import plain, want
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_settings import Settings
from ansible_collections.onprem.mlflow.plugins.modules import s3_bucket_settings
from botocore.exceptions import ClientError

Run = Callable[..., dict[str, Any]]
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": ["*"]},
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::old/*", "arn:aws:s3:::older/*"],
        }
    ],
}
RULE = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 3}}
# What a setting is called in a request and in an answer.
FIELDS = {
    "versioning": "VersioningConfiguration",
    "object_lock": "ObjectLockConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "policy": "Policy",
    "tagging": "Tagging",
    "cors": "CORSConfiguration",
}


class FakeStore:
    """Enough of a boto3 client: buckets with settings as they are put."""

    class exceptions:  # noqa: N801
        ClientError = ClientError

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, Any]] = {}
        self.quotas: dict[str, int] = {}
        self.calls: list[str] = []
        self.refused: set[str] = set()

    def error(self, code: str) -> ClientError:
        return ClientError({"Error": {"Code": code, "Message": "made up"}, "ResponseMetadata": {}}, "made up")

    def list_buckets(self) -> dict[str, Any]:
        return {"Buckets": [{"Name": name} for name in self.buckets]}

    def create_bucket(self, Bucket: str, **more: Any) -> None:  # noqa: N803
        self.calls.append("create")
        lock = {"ObjectLockEnabled": "Enabled"} if more.get("ObjectLockEnabledForBucket") else None
        self.buckets[Bucket] = {"object_lock": lock} if lock else {}
        if lock:
            self.buckets[Bucket]["versioning"] = {"Status": "Enabled"}

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        verb, _, rest = name.partition("_")
        what = next((field for field in FIELDS if field in rest), None)

        def get(Bucket: str) -> dict[str, Any]:  # noqa: N803
            if Bucket not in self.buckets:
                raise self.error("NoSuchBucket")
            found = self.buckets[Bucket].get(what or rest)
            if found is None:
                if what in (None, "versioning"):
                    return {}
                raise self.error("NotImplemented")
            if what == "object_lock":
                return {"ObjectLockConfiguration": found}
            if what == "policy":
                return {"Policy": found}
            return copy.deepcopy(found)

        def put(Bucket: str, **more: Any) -> dict[str, Any]:  # noqa: N803
            assert what is not None
            if what in self.refused:
                raise self.error("InvalidRequest")
            self.calls.append(what)
            self.buckets[Bucket][what] = more[FIELDS[what]]
            return {}

        return get if verb == "get" else put

    # The admin API.

    def quota(self, bucket: str) -> tuple[int | None, str]:
        return self.quotas.get(bucket), "hard"

    def set_quota(self, bucket: str, size: int | None) -> None:
        self.calls.append("quota")
        self.quotas[bucket] = size or 0


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> tuple[FakeStore, FakeStore]:
    by_host = {"source": FakeStore(), "target": FakeStore()}

    def pick(store: Any, *_: Any, **__: Any) -> FakeStore:
        return by_host[store.endpoint_url.removeprefix("http://")]

    monkeypatch.setattr(s3_bucket_settings, "client", pick)
    monkeypatch.setattr(s3_bucket_settings, "StoreAdmin", pick)
    monkeypatch.setattr(s3_inventory, "client", pick)
    monkeypatch.setattr(s3_inventory, "ask_for_metadata", lambda _: None)
    by_host["source"].buckets = {
        "old": {
            "versioning": {"Status": "Enabled"},
            "lifecycle": {"Rules": [RULE]},
            "policy": json.dumps(POLICY),
            "tagging": {"TagSet": [{"Key": "team", "Value": "lab"}]},
            "cors": {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]},
        },
        "locked": {
            "versioning": {"Status": "Enabled"},
            "object_lock": {
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
            },
        },
    }
    by_host["source"].quotas = {"old": 1024}
    return by_host["source"], by_host["target"]


def option(name: str) -> dict[str, str]:
    return {"endpoint_url": f"http://{name}", "access_key": "made-up-key", "secret_key": "made-up-secret"}


def carry(run_module: Run, check: bool = False, **more: Any) -> dict[str, Any]:
    chosen = [{"name": "old", "target_name": "new"}, {"name": "locked"}]
    options = {"source": option("source"), "target": option("target"), "buckets": chosen, **more}
    return run_module(s3_bucket_settings.main, options, check=check, diff=True)


def test_check_apply_check_apply_change(stores: tuple[FakeStore, FakeStore], run_module: Run) -> None:
    source, target = stores
    before = copy.deepcopy(source.buckets)
    predicted = carry(run_module, check=True)
    assert target.calls == []
    done = carry(run_module)
    assert done["buckets"] == predicted["buckets"]
    assert done["buckets"] == [
        {
            "bucket": "new",
            "actions": [
                "bucket made",
                "versioning set",
                "lifecycle set",
                "policy set",
                "tags set",
                "quota set",
                "CORS set",
            ],
        },
        {"bucket": "locked", "actions": ["bucket made", "default retention set"]},
    ]
    assert done["diff"][0]["after_header"] == "new"
    policy = json.loads(target.buckets["new"]["policy"])
    assert policy["Statement"][0]["Resource"] == ["arn:aws:s3:::new/*", "arn:aws:s3:::older/*"]
    assert target.quotas == {"new": 1024}
    assert (source.buckets, source.calls) == (before, [])

    assert not carry(run_module, check=True)["changed"]
    assert not carry(run_module)["changed"]

    target.buckets["new"]["tagging"] = {"TagSet": []}
    assert carry(run_module)["buckets"][0]["actions"] == ["tags set"]


def test_buckets_alone_are_made_with_object_lock(stores: tuple[FakeStore, FakeStore], run_module: Run) -> None:
    _, target = stores
    done = carry(run_module, only_make=True)
    assert target.calls == ["create", "create"]
    assert target.buckets["new"] == {}
    assert target.buckets["locked"]["object_lock"] == {"ObjectLockEnabled": "Enabled"}
    assert done["by_hand"] == []
    assert not carry(run_module, only_make=True)["changed"]


def test_a_bucket_without_object_lock_is_named(stores: tuple[FakeStore, FakeStore], run_module: Run) -> None:
    stores[1].buckets["locked"] = {}
    done = carry(run_module, check=True)
    assert [limit["code"] for limit in done["limits"]] == ["object_lock"]
    assert done["limits"][0]["bucket"] == "locked"


def test_what_rustfs_refuses_is_named_and_no_failure(stores: tuple[FakeStore, FakeStore], run_module: Run) -> None:
    stores[1].refused = {"lifecycle"}
    done = carry(run_module)
    assert [limit["code"] for limit in done["limits"]] == ["refused_setting"]
    assert "lifecycle of 'new' (InvalidRequest made up)" in done["by_hand"][0]["text"]
    assert "lifecycle set" not in done["buckets"][0]["actions"]
    assert "policy set" in done["buckets"][0]["actions"]


def test_an_unknown_bucket_is_one_sentence(stores: tuple[FakeStore, FakeStore], run_module: Run) -> None:
    result = carry(run_module, buckets=[{"name": "nope"}])
    assert "has no bucket" in result["msg"]


def test_every_bucket_is_carried_over_where_none_is_named(stores: tuple[FakeStore, FakeStore], run_module: Run) -> None:
    assert [item["bucket"] for item in carry(run_module, buckets=[])["buckets"]] == ["locked", "old"]


def test_a_transition_is_left_out_of_a_rule() -> None:
    tiered = {**RULE, "Transitions": [{"Days": 1, "StorageClass": "COLD"}]}
    only = {"ID": "t", "Status": "Enabled", "Filter": {}, "Transitions": [{"Days": 1, "StorageClass": "COLD"}]}
    wanted = want(Settings(lifecycle=[tiered, only, RULE]), "b-1", "b-1")
    assert wanted.lifecycle == [RULE, RULE]
    assert [code for code, _ in wanted.notes] == ["lifecycle", "lifecycle"]


def test_a_quota_of_another_kind_is_left_out() -> None:
    wanted = want(Settings(quota_bytes=1, quota_kind="fifo"), "b-1", "b-1")
    assert wanted.quota_bytes is None
    assert [code for code, _ in wanted.notes] == ["quota"]


def test_a_name_that_rustfs_refuses_is_named() -> None:
    assert [code for code, _ in want(Settings(), "rustfs", "rustfs").notes] == ["bucket_name"]
    assert want(Settings(), "rustfs", "was-rustfs").notes == []


def test_rules_are_equal_whatever_is_empty_in_them() -> None:
    assert plain([{**RULE, "Filter": {"Prefix": ""}}]) == plain([{key: RULE[key] for key in RULE if key != "Filter"}])
    assert plain([RULE]) != plain([{**RULE, "Status": "Disabled"}])
