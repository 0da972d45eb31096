"""The bucket takes no more than its quota."""

from __future__ import annotations

import os
from typing import Any

import pytest
from botocore.exceptions import ClientError

MEBIBYTE = 1 << 20


def fill(bucket: Any) -> None:
    body = os.urandom(40 * MEBIBYTE)
    for number in range(4):
        bucket.put_object(Bucket="mlflow", Key=f"too-much/{number}", Body=body)


def test_quota_refuses_what_is_too_much(bucket: Any) -> None:
    with pytest.raises(ClientError) as refused:
        fill(bucket)
    assert "quota" in str(refused.value).lower()
    kept = bucket.list_objects_v2(Bucket="mlflow", Prefix="too-much/").get("Contents", [])
    assert 1 <= len(kept) <= 3
