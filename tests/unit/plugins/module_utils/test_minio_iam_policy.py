# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies rewritten for RustFS: nobody may do more than before, whatever the policy."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam_policy import rewrite
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_policy import check_policy
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_actions import (
    ALL_ACTIONS,
    DENIED_WITH,
    MINIO_ACTIONS,
    RENAMED,
    RUSTFS_ACTIONS,
    RUSTFS_ONLY,
    denied,
    granted,
)
from hypothesis import given, settings
from hypothesis import strategies as st

VERSION = "2012-10-17"
ARN = "arn:aws:s3:::"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": VERSION, "Statement": list(statements)}


def allow(actions: Any, resources: Any = "arn:aws:s3:::b/*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions: Any, resources: Any = "arn:aws:s3:::b/*", **more: Any) -> dict[str, Any]:
    return {**allow(actions, resources, **more), "Effect": "Deny"}


# Both servers' evaluation, as far as a policy without conditions goes.


def matches(pattern: str, text: str) -> bool:
    escaped = re.sub(r"\[", "[[]", pattern)
    return fnmatch.fnmatchcase(text, escaped)


def listed(statement: dict[str, Any], key: str) -> list[str]:
    value = statement.get(key, [])
    return value if isinstance(value, list) else [value]


def minio_allows(document: dict[str, Any], action: str, path: str) -> bool:
    def hits(statement: dict[str, Any]) -> bool:
        def act(patterns: list[str]) -> bool:
            implied = action == "s3:GetObject" and "s3:GetObjectVersion" in patterns
            return implied or any(matches(pattern, action) for pattern in patterns)

        def lies(patterns: list[str]) -> bool:
            cleaned = posixpath.normpath(path)
            plain = [pattern.removeprefix(ARN) for pattern in patterns if pattern.startswith((ARN, "*"))]
            return any(cleaned == pattern or matches(pattern, path) for pattern in plain)

        covered = act(listed(statement, "Action")) if "Action" in statement else not act(listed(statement, "NotAction"))
        where = (
            lies(listed(statement, "Resource"))
            if "Resource" in statement
            else not lies(listed(statement, "NotResource"))
        )
        return covered and where

    if any(hits(item) for item in document["Statement"] if item["Effect"] == "Deny"):
        return False
    return any(hits(item) for item in document["Statement"] if item["Effect"] == "Allow")


def rustfs_allows(document: dict[str, Any] | None, action: str, path: str) -> bool:
    """As read in statement.rs, action.rs and resource.rs: exact names, and paths without a slash at the end."""

    def hits(statement: dict[str, Any]) -> bool:
        barred = statement["Effect"] == "Deny"

        def act(names: list[str], blanket: bool) -> bool:
            if ALL_ACTIONS in names and (blanket or not action.startswith("s3:Force")):
                return True
            return action in names or (action == "s3:GetObject" and "s3:GetObjectVersion" in names)

        def lies(patterns: list[str]) -> bool:
            cleaned = posixpath.normpath(path)
            return any(matches(pattern.removeprefix(ARN), cleaned) for pattern in patterns)

        if "Action" in statement:
            covered = act(statement["Action"], barred)
        else:
            covered = not act(statement["NotAction"], True) and (barred or not action.startswith("s3:Force"))
        where = lies(statement["Resource"]) if "Resource" in statement else not lies(statement["NotResource"])
        return covered and where

    statements = document["Statement"] if document else []
    if any(hits(item) for item in statements if item["Effect"] == "Deny"):
        return False
    return any(hits(item) for item in statements if item["Effect"] == "Allow")


PATTERNS = """
    s3:* * s3:Get* s3:Put* s3:*Object s3:*Version s3:*Configuration s3:Delete* s3:?etObject s3:List* s3:*Bucket*
    s3:Nothing admin:* kms:*
"""
actions = st.lists(st.sampled_from([*sorted(MINIO_ACTIONS), *PATTERNS.split()]), min_size=1, max_size=3)
resources = st.lists(
    st.sampled_from([f"{ARN}{path}" for path in ("*", "b", "b/*", "b/a/*", "b/a", "c/*", "b*", "b/?/*")] + ["*"]),
    min_size=1,
    max_size=2,
)
statements = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "what": st.sampled_from(["Action", "NotAction"]),
        "actions": actions,
        "where": st.sampled_from(["Resource", "Resource", "NotResource"]),
        "resources": resources,
    }
).map(lambda item: {"Effect": item["Effect"], item["what"]: item["actions"], item["where"]: item["resources"]})
PATHS = ("b/", "b/a", "b/a/", "b/a/x", "b/z/x", "c/", "c/x")


@settings(max_examples=200)
@given(st.lists(statements, min_size=1, max_size=4))
def test_nobody_may_do_more_than_before(items: list[dict[str, Any]]) -> None:
    before = policy(*items)
    after = rewrite(before).policy
    for path in PATHS:
        for action, name in MINIO_ACTIONS.items():
            if rustfs_allows(after, name, path):
                assert minio_allows(before, action, path), (action, path, after)
        for guard, also in DENIED_WITH.items():
            for name in also:
                if rustfs_allows(after, name, path):
                    assert minio_allows(before, guard, path), (guard, name, path, after)


@given(st.lists(statements, min_size=1, max_size=4))
def test_what_comes_out_is_taken_by_rustfs(items: list[dict[str, Any]]) -> None:
    after = rewrite(policy(*items)).policy
    if after is not None:
        check_policy(after)
        for statement in after["Statement"]:
            for action in [*statement.get("Action", []), *statement.get("NotAction", [])]:
                assert action == ALL_ACTIONS or action in RUSTFS_ACTIONS


@given(st.sampled_from(sorted(MINIO_ACTIONS)), st.sampled_from(PATHS))
def test_exact_names_lose_nothing(action: str, path: str) -> None:
    before = policy(allow([action], [f"{ARN}b", f"{ARN}b/*"]))
    rewritten = rewrite(before)
    assert not rewritten.losses
    # MinIO takes b/* for the bucket too, which RustFS is told of by b.
    assert rustfs_allows(rewritten.policy, MINIO_ACTIONS[action], path) == minio_allows(before, action, path)


def test_tables_agree() -> None:
    assert set(RENAMED.values()) <= set(RUSTFS_ACTIONS)
    assert set(MINIO_ACTIONS.values()) | set(RUSTFS_ONLY) == set(RUSTFS_ACTIONS)
    assert not set(MINIO_ACTIONS.values()) & set(RUSTFS_ONLY)
    assert {name for also in DENIED_WITH.values() for name in also} <= set(RUSTFS_ACTIONS)
    assert list(RUSTFS_ACTIONS) == sorted(set(RUSTFS_ACTIONS))


def test_patterns_give_what_minio_gave_and_deny_all_that_rustfs_has() -> None:
    assert granted("s3:Put*Configuration") == (
        "s3:PutBucketEncryption",
        "s3:PutBucketLifecycle",
        "s3:PutBucketObjectLockConfiguration",
        "s3:PutReplicationConfiguration",
    )
    assert "s3:PutBucketAcl" not in granted("s3:Put*")
    assert "s3:PutBucketAcl" in denied("s3:Put*")
    assert "s3:PutBucketAcl" in denied("s3:PutBucketPolicy")
    assert granted("s3:Nothing*") == denied("s3:Nothing*") == ()


def test_an_action_of_administration_is_named_and_left_out() -> None:
    rewritten = rewrite(policy(allow(["admin:*", "s3:GetObject"])))
    assert rewritten.policy == policy(allow(["s3:GetObject"], ["arn:aws:s3:::b/*"]))
    assert [loss.code for loss in rewritten.losses] == ["policy_action"]


def test_nothing_is_left_of_foreign_actions() -> None:
    assert rewrite(policy(allow(["kms:*", "s3:Unheard"]))).policy is None


def test_a_condition_that_rustfs_does_not_know_allows_nothing_and_denies_always() -> None:
    unknown = {"StringEquals": {"s3:object-lock-remaining-retention-days": ["1"]}}
    rewritten = rewrite(policy(allow("s3:GetObject", Condition=unknown), deny("s3:DeleteObject", Condition=unknown)))
    assert rewritten.policy is not None
    (statement,) = rewritten.policy["Statement"]
    assert statement["Effect"] == "Deny"
    assert "Condition" not in statement
    assert [loss.code for loss in rewritten.losses] == ["policy_condition", "policy_condition"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"IpAddress": {"aws:SourceIp": ["10.1.2.3", "fd00::1"]}}, ["10.1.2.3/32", "fd00::1/128"]),
        ({"DateLessThan": {"aws:CurrentTime": ["2030-01-01T00:00:00Z"]}}, "2030-01-01T00:00:00Z"),
        ({"NumericLessThan": {"s3:max-keys": ["10"]}}, "10"),
        ({"Bool": {"aws:SecureTransport": [True]}}, ["true"]),
        ({"ForAllValues:StringLike": {"s3:prefix": ["${aws:username}/*"]}}, ["${aws:username}/*"]),
    ],
)
def test_conditions_are_written_as_rustfs_reads_them(condition: dict[str, Any], expected: Any) -> None:
    after = rewrite(policy(allow("s3:ListBucket", Condition=condition))).policy
    assert after is not None
    ((_, tests),) = after["Statement"][0]["Condition"].items()
    assert list(tests.values()) == [expected]


@pytest.mark.parametrize(
    "condition",
    [
        {"DateLessThan": {"aws:CurrentTime": ["2030-01-01"]}},
        {"NumericLessThan": {"s3:max-keys": ["1", "2"]}},
        {"Bool": {"aws:SecureTransport": ["perhaps"]}},
        {"IpAddress": {"aws:SourceIp": ["home"]}},
        {"StringLike": {"s3:prefix": ["${ldap:user}/*"]}},
        {"StringSounds": {"s3:prefix": ["x"]}},
        {"StringEquals": {"s3:ExistingObjectTag/ä": ["x"]}},
    ],
)
def test_an_allow_with_a_condition_that_cannot_be_kept_is_left_out(condition: dict[str, Any]) -> None:
    assert rewrite(policy(allow("s3:ListBucket", Condition=condition))).policy is None


def test_a_variable_of_ldap_is_denied_for_everybody() -> None:
    home = "arn:aws:s3:::b/${ldap:username}/*"
    rewritten = rewrite(policy(allow("s3:GetObject", home), deny("s3:GetObject", home)))
    assert rewritten.policy is not None
    assert rewritten.policy["Statement"] == [
        deny(["s3:GetObject"], ["arn:aws:s3:::b/*/*", "arn:aws:s3:::b/*"]),
    ]


def test_the_principal_of_a_bucket_policy_stays() -> None:
    before = policy(allow("s3:GetObject", Principal={"AWS": ["*"]}))
    after = rewrite(before).policy
    assert after is not None
    assert after["Statement"][0]["Principal"] == {"AWS": ["*"]}


def test_variables_are_resolved_in_policies_of_users_only() -> None:
    home, who = "arn:aws:s3:::b/${aws:username}", {"StringLike": {"s3:prefix": ["${aws:username}/*"]}}
    statements = (allow("s3:GetObject", home), deny("s3:PutObject", home), allow("s3:ListBucket", Condition=who))
    of_user = rewrite(policy(*statements))
    assert of_user.policy is not None
    assert len(of_user.policy["Statement"]) == 3
    assert not of_user.losses
    of_bucket = rewrite(policy(*({**statement, "Principal": {"AWS": ["*"]}} for statement in statements)))
    assert of_bucket.policy is not None
    (statement,) = of_bucket.policy["Statement"]
    assert (statement["Effect"], statement["Resource"]) == ("Deny", ["arn:aws:s3:::b/*", "arn:aws:s3:::b"])
