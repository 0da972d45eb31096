# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits of a bucket in a store in memory."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam_admin import AdminRefusedError
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_bucket_limits import Wanted, check_limits, rules_with
from ansible_collections.onprem.mlflow.plugins.modules import rustfs_bucket_limits
from botocore.exceptions import ClientError

Run = Callable[..., dict[str, Any]]
OF_OTHERS = {"ID": "tmp", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 3}}
STORE = {"endpoint_url": "http://rustfs:9000", "access_key": "made-up-key", "secret_key": "made-up-secret"}


class FakeStore:
    """Enough of a boto3 client and of the admin API: one bucket."""

    class exceptions:  # noqa: N801
        ClientError = ClientError

    def __init__(self) -> None:
        self.rules: list[dict[str, Any]] = []
        self.size = 0
        self.calls: list[str] = []
        self.refuses_quota = False

    def list_buckets(self) -> dict[str, Any]:
        return {"Buckets": [{"Name": "mlflow"}]}

    def get_bucket_lifecycle_configuration(self, Bucket: str) -> dict[str, Any]:  # noqa: N803
        assert Bucket == "mlflow"
        if not self.rules:
            raise ClientError({"Error": {"Code": "NoSuchLifecycleConfiguration"}}, "get")
        # As a store tells it that leaves the empty prefix out.
        return {"Rules": [{**rule, "Filter": {}} if rule["ID"].startswith("onprem") else rule for rule in self.rules]}

    def put_bucket_lifecycle_configuration(self, Bucket: str, LifecycleConfiguration: dict[str, Any]) -> None:  # noqa: N803
        self.calls.append(f"put lifecycle of {Bucket}")
        self.rules = copy.deepcopy(LifecycleConfiguration["Rules"])

    def delete_bucket_lifecycle(self, Bucket: str) -> None:  # noqa: N803
        self.calls.append(f"delete lifecycle of {Bucket}")
        self.rules = []

    def quota(self, bucket: str) -> tuple[int | None, str]:
        assert bucket == "mlflow"
        return self.size or None, "hard"

    def set_quota(self, bucket: str, size: int | None) -> None:
        if self.refuses_quota:
            raise AdminRefusedError("set-bucket-quota: 503 ServiceUnavailable")
        self.calls.append(f"quota of {bucket}")
        self.size = size or 0


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    fake = FakeStore()
    monkeypatch.setattr(rustfs_bucket_limits, "client", lambda _: fake)
    monkeypatch.setattr(rustfs_bucket_limits, "StoreAdmin", lambda *_: fake)
    return fake


@pytest.fixture
def limit(run_module: Run) -> Run:
    def run(check: bool = False, bucket: str = "mlflow", **more: Any) -> dict[str, Any]:
        options = {"store": STORE, "bucket": bucket, **more}
        return run_module(rustfs_bucket_limits.main, options, check=check, diff=True)

    return run


def test_check_apply_check_apply_change(store: FakeStore, limit: Run) -> None:
    store.rules = [OF_OTHERS]
    wanted = {"noncurrent_days": 30, "abort_multipart_days": 7, "quota_bytes": 1024}

    predicted = limit(check=True, **wanted)
    assert store.calls == []
    done = limit(**wanted)
    assert predicted["actions"] == done["actions"] == ["lifecycle set", "quota set"]
    assert predicted["diff"] == done["diff"]
    assert store.size == 1024
    assert store.rules[0] == OF_OTHERS
    assert [rule["ID"] for rule in store.rules[1:]] == ["onprem-noncurrent-versions", "onprem-incomplete-uploads"]

    assert not limit(check=True, **wanted)["changed"]
    assert not limit(**wanted)["changed"]

    assert limit(**{**wanted, "noncurrent_days": 31})["actions"] == ["lifecycle set"]
    assert store.rules[0] == OF_OTHERS
    assert len(store.rules) == 3


def test_what_is_left_out_stays(store: FakeStore, limit: Run) -> None:
    limit(noncurrent_days=30, abort_multipart_days=7, quota_bytes=1024)

    assert not limit()["changed"]
    assert limit(abort_multipart_days=0)["actions"] == ["lifecycle set"]
    assert [rule["ID"] for rule in store.rules] == ["onprem-noncurrent-versions"]
    assert store.size == 1024


def test_zero_takes_a_limit_away(store: FakeStore, limit: Run) -> None:
    limit(noncurrent_days=30, quota_bytes=1024)

    assert limit(noncurrent_days=0, quota_bytes=0)["actions"] == ["lifecycle set", "quota set"]
    assert store.calls[-2:] == ["delete lifecycle of mlflow", "quota of mlflow"]
    assert not limit(noncurrent_days=0, abort_multipart_days=0, quota_bytes=0)["changed"]


def test_check_mode_before_the_bucket_is_there(store: FakeStore, limit: Run) -> None:
    assert limit(check=True, bucket="new", quota_bytes=1024, noncurrent_days=1)["actions"] == [
        "lifecycle set",
        "quota set",
    ]
    assert store.calls == []


def test_a_refused_quota_is_told(store: FakeStore, limit: Run) -> None:
    store.refuses_quota = True

    message = limit(quota_bytes=1)["msg"]
    assert message == "RustFS refuses the quota of 'mlflow' (set-bucket-quota: 503 ServiceUnavailable)."


def test_delete_markers_go_with_the_last_version() -> None:
    assert rules_with([], Wanted(noncurrent_days=5)) == [
        {
            "ID": "onprem-noncurrent-versions",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 5},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
        }
    ]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"bucket_quota_gib": "-1"}, "bucket_quota_gib: found -1, write a number from 0, where 0 means without limit."),
        ({"bucket_abort_multipart_days": -7}, "bucket_abort_multipart_days: found -7, write a number from 0"),
        ({"bucket_noncurrent_days": 30}, "bucket_noncurrent_days: is of no use without versions, write bucket_vers"),
        (
            {"bucket_noncurrent_days": 30, "bucket_versioning": False},
            "bucket_noncurrent_days: is of no use without versions, write bucket_versioning: true, or remove it.",
        ),
    ],
)
def test_limits_that_cannot_be(values: dict[str, Any], sentence: str) -> None:
    problems = check_limits(values)

    assert len(problems) == 1
    assert problems[0].startswith(sentence)


def test_limits_that_can_be() -> None:
    limits = {"bucket_versioning": True, "bucket_noncurrent_days": "30", "bucket_quota_gib": 0}
    assert check_limits({**limits, "bucket_abort_multipart_days": 7}) == []
