# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy that limits a key to a bucket."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.filter.s3_bucket_policy import FilterModule

s3_bucket_policy = FilterModule().filters()["s3_bucket_policy"]


def statements(policy: Any) -> list[tuple[list[str], list[str], Any]]:
    assert policy["Version"] == "2012-10-17"
    assert all(item["Effect"] == "Allow" for item in policy["Statement"])
    return [(item["Action"], item["Resource"], item.get("Condition")) for item in policy["Statement"]]


def test_whole_bucket() -> None:
    assert statements(s3_bucket_policy("mlflow")) == [
        (
            ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            ["arn:aws:s3:::mlflow"],
            None,
        ),
        (
            [
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:GetObject",
                "s3:ListMultipartUploadParts",
                "s3:PutObject",
            ],
            ["arn:aws:s3:::mlflow/*"],
            None,
        ),
    ]


def test_prefix_limits_objects_and_listing() -> None:
    location, listing, objects = statements(s3_bucket_policy("mlflow", "/team/a/"))

    assert location == (["s3:GetBucketLocation"], ["arn:aws:s3:::mlflow"], None)
    assert listing == (
        ["s3:ListBucket", "s3:ListBucketMultipartUploads"],
        ["arn:aws:s3:::mlflow"],
        {"StringLike": {"s3:prefix": ["team/a", "team/a/*"]}},
    )
    assert objects[1] == ["arn:aws:s3:::mlflow/team/a/*"]


@pytest.mark.parametrize("bucket", ["", "ab", "Upper", "a_b_c", "a/b", "-abc", "a..b", "*", None, "x" * 64])
def test_bad_bucket_is_refused(bucket: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="is not a bucket's name"):
        s3_bucket_policy(bucket)


@pytest.mark.parametrize("prefix", ["a*", "a?", "${aws:username}"])
def test_prefix_that_would_expand_is_refused(prefix: str) -> None:
    with pytest.raises(AnsibleFilterError, match="would expand"):
        s3_bucket_policy("mlflow", prefix)
