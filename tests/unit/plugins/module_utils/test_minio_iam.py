# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MinIO's users, read from what the real one exported, and what RustFS is to have of them."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam import Group, Iam, ServiceAccount, User, parse
from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam_plan import Plan, Roots, make

ASSETS = Path(__file__).parents[1] / "fixtures" / "minio-2026-02" / "iam-assets"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROOTS = Roots("minioroot", "rustroot", frozenset({"mlflow-artifacts"}))
READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
DENY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}]}


def archive(**changed: Any) -> bytes:
    """Return the recorded archive, with other files in it where told."""
    files = {path.stem: json.loads(path.read_text()) for path in ASSETS.glob("*.json")} | changed
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, document in files.items():
            zipped.writestr(f"iam-assets/{name}.json", json.dumps(document))
    return buffer.getvalue()


def codes(plan: Plan) -> set[tuple[str, str]]:
    return {(note.code, note.name) for note in plan.by_hand}


def user(name: str = "alice", *policies: str, secret: str = "made-up-secret", enabled: bool = True) -> User:
    return User(name, secret, enabled, policies)


def account(key: str = "trainer-key", parent: str = "alice", **more: Any) -> ServiceAccount:
    return ServiceAccount(key, "made-up-secret", parent, more.pop("enabled", True), more.pop("policy", None), **more)


def test_the_recorded_archive_is_read() -> None:
    iam = parse(archive())
    assert iam.users == (
        user("alice", "consoleAdmin", "team", secret="alice-made-up-secret"),
        user("bob", "readwrite", secret="bob-made-up-secret-0", enabled=False),
        user("carol doe", "guarded", secret="carol-made-up-secret"),
    )
    assert iam.groups == (Group("idle", False, ("bob",), ()), Group("scientists", True, ("alice", "bob"), ("odd",)))
    found = {account.access_key: account for account in iam.service_accounts}
    assert found["svcalice1"].policy is None
    assert found["svcalice1"].expires is None
    assert found["svcalice1"].name == "trainer"
    assert found["svcalice2"].policy is not None
    assert found["svcalice2"].expires == "2027-01-02T00:00:00Z"
    assert not found["svcalice2"].enabled
    assert iam.external == ()


def test_secrets_are_in_no_text() -> None:
    assert "made-up" not in repr(parse(archive()))


def test_users_of_ldap_are_named() -> None:
    mapping = {"uid=dora,dc=example,dc=org": {"version": 1, "policy": "readonly"}}
    plan = make(parse(archive(stsuser_mappings=mapping)), ROOTS, NOW)
    assert ("external_identity", "uid=dora,dc=example,dc=org") in codes(plan)


def test_an_embedded_policy_that_is_missing_gives_nothing() -> None:
    lost = {"accessKey": "k-lost", "parent": "alice", "secretKey": "made-up-secret", "status": "on"}
    files = {"k-lost": {**lost, "claims": {"sa-policy": "embedded-policy"}, "sessionPolicy": None}}
    plan = make(parse(archive(svcaccts=files)), ROOTS, NOW)
    assert plan.service_accounts == []
    assert ("policy_empty", "k-lost") in codes(plan)


@pytest.mark.parametrize("content", [b"", b"no zip", archive(users=[1]), archive(svcaccts={"k": {}})])
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        parse(content)


def test_another_zip_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        zipped.writestr("mlflow/quota.json", "{}")
    with pytest.raises(InputError, match=r"no users\.json"):
        parse(buffer.getvalue())


def test_the_plan_of_the_recorded_archive() -> None:
    plan = make(parse(archive()), ROOTS, NOW)
    assert sorted(plan.policies) == ["guarded", "minio-consoleAdmin", "minio-readwrite", "team"]
    assert [one.policies for one in plan.users] == [("minio-consoleAdmin", "team"), ("minio-readwrite",), ("guarded",)]
    assert plan.policies["minio-consoleAdmin"]["Statement"] == [
        {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}
    ]
    assert [one.access_key for one in plan.service_accounts] == ["svcalice1", "svcalice2", "svcalice3", "svcroot02"]
    assert plan.service_accounts[-1].parent == "rustroot"
    assert codes(plan) >= {
        ("policy_condition", "odd"),
        ("policy_empty", "odd"),
        ("policy_missing", "scientists"),
        ("policy_action", "team"),
        ("policy_source_ip", "guarded"),
        ("wildcard_actions", "svcalice2"),
        ("root_service_account", "svcroot01"),
    }


def test_policies_of_minio_itself_that_nobody_has_stay_behind() -> None:
    plan = make(Iam(policies={"readonly": READ, "mine": READ}), ROOTS, NOW)
    assert list(plan.policies) == ["mine"]


def test_a_policy_with_a_name_of_ours_gets_another() -> None:
    iam = Iam(users=(user("alice", "mlflow-artifacts"),), policies={"mlflow-artifacts": DENY})
    plan = make(iam, ROOTS, NOW)
    assert list(plan.policies) == ["minio-mlflow-artifacts"]
    assert plan.users[0].policies == ("minio-mlflow-artifacts",)


def test_members_of_a_group_that_cannot_be_have_its_policies() -> None:
    group = Group("a/b", True, ("alice",), ("deny",))
    off = Group("c/d", False, ("alice",), ("read",))
    iam = Iam(users=(user("alice", "read"),), groups=(group, off), policies={"deny": DENY, "read": READ})
    plan = make(iam, ROOTS, NOW)
    assert plan.groups == []
    assert plan.users[0].policies == ("deny", "read")
    assert ("group", "a/b") in codes(plan)


@pytest.mark.parametrize(
    "one",
    [
        user("rustroot"),
        user("mlflow-artifacts"),
        user("ab"),
        user("a=b"),
        user("alice "),
        user("alice", secret="short"),
    ],
)
def test_a_user_that_rustfs_cannot_have_is_named_with_its_keys(one: User) -> None:
    iam = Iam(users=(one,), groups=(Group("all", True, (one.name,), ()),), service_accounts=(account(parent=one.name),))
    plan = make(iam, ROOTS, NOW)
    assert (plan.users, plan.groups, plan.service_accounts) == ([], [], [])
    assert {("user", one.name), ("group", "all"), ("service_account", "trainer-key")} <= codes(plan)


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (account(parent="gone"), "external_identity"),
        (account(parent="minioroot"), "root_service_account"),
        (account("mlflow-artifacts"), "service_account"),
        (account("rustroot"), "service_account"),
        (account(expires="2026-11-20T23:59:59.123456789Z"), "service_account"),
        (account(policy={"Statement": []}), "policy_empty"),
        (ServiceAccount("trainer-key", "x" * 41, "alice", True, None), "service_account"),
    ],
)
def test_a_key_that_cannot_be_carried_over_is_named(one: ServiceAccount, code: str) -> None:
    plan = make(Iam(users=(user(),), service_accounts=(one,)), ROOTS, NOW)
    assert plan.service_accounts == []
    assert (code, one.access_key) in codes(plan)


def test_a_name_that_rustfs_refuses_is_in_the_description() -> None:
    one = account(name="9 lives", description="ä" * 200)
    (carried,) = make(Iam(users=(user(),), service_accounts=(one,)), ROOTS, NOW).service_accounts
    assert carried.name == ""
    assert carried.description.startswith("9 lives - ä")
    assert len(carried.description.encode()) <= 256
