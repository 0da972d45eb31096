# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MinIO's recorded users, carried over to a RustFS that answers as its source says."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import minio_iam_admin
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_admin import Answer
from ansible_collections.onprem.mlflow.plugins.modules import rustfs_iam

RECORDED = Path(__file__).parents[1] / "fixtures" / "minio-2026-02"
ADMIN = "/rustfs/admin/v3/"
SOURCE = {"endpoint_url": "http://minio:9000", "access_key": "minioroot", "secret_key": "made-up-root"}
TARGET = {"endpoint_url": "http://rustfs:9000", "access_key": "rustroot", "secret_key": "made-up-root-2"}
READ_PATHS = ("list-users", "list-canned-policies", "groups", "group", "info-service-account")
Run = Callable[..., dict[str, Any]]


def exported() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for path in (RECORDED / "iam-assets").glob("*.json"):
            zipped.writestr(f"iam-assets/{path.name}", path.read_text())
    return buffer.getvalue()


class Servers:
    """MinIO with its recorded archive, and a RustFS in memory; both as a transport."""

    def __init__(self) -> None:
        self.archive: bytes | None = exported()
        self.policies: dict[str, Any] = {"readwrite": {"Version": "2012-10-17", "Statement": []}}
        self.users: dict[str, dict[str, str]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.accounts: dict[str, dict[str, Any]] = {}
        self.secrets = {"rustroot": "made-up-root-2"}
        self.changes: list[str] = []
        self.dies_after: int | None = None

    def __call__(self, _region: str, _verify: bool | str) -> Servers:
        return self

    def send(self, method: str, url: str, body: bytes, access_key: str, secret_key: str) -> Answer:
        parts = urlsplit(url)
        if parts.netloc == "minio:9000":
            assert (method, access_key) == ("GET", "minioroot"), "MinIO is not changed"
            if self.archive is None:
                return Answer(403, b'{"Code": "AccessDenied"}')
            return Answer(200, self.archive)
        if parts.path == "/":
            good = self.secrets.get(access_key) == secret_key and self.enabled(access_key)
            return Answer(200 if good else 403, b"" if good else b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        assert access_key == "rustroot"
        action = parts.path.removeprefix(ADMIN)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if action in READ_PATHS:
            assert method == "GET"
            return self.read(action, query)
        if self.dies_after is not None and len(self.changes) >= self.dies_after:
            return Answer(500, b"")
        self.changes.append(action)
        self.change(action, query, json.loads(body or b"null"))
        return Answer(200, b"")

    def enabled(self, key: str) -> bool:
        if key in self.accounts:
            parent = self.accounts[key]["parentUser"]
            return self.accounts[key]["accountStatus"] == "on" and (parent == "rustroot" or self.enabled(parent))
        return self.users.get(key, {}).get("status") == "enabled"

    def read(self, action: str, query: dict[str, str]) -> Answer:
        if action == "list-users":
            return Answer(200, json.dumps(self.users).encode())
        if action == "list-canned-policies":
            return Answer(200, json.dumps(self.policies).encode())
        if action == "groups":
            return Answer(200, json.dumps(sorted(self.groups)).encode())
        if action == "group":
            return Answer(200, json.dumps(self.groups[query["group"]]).encode())
        found = self.accounts.get(query["accessKey"])
        if found is None:
            return Answer(404, b"<Error><Code>NoSuchResource</Code></Error>")
        return Answer(200, json.dumps(found).encode())

    def change(self, action: str, query: dict[str, str], body: Any) -> None:
        if action == "add-canned-policy":
            self.policies[query["name"]] = body
        elif action == "add-user":
            self.users.setdefault(query["accessKey"], {})["status"] = body["status"]
            self.secrets[query["accessKey"]] = body["secretKey"]
        elif action == "set-user-status":
            self.users[query["accessKey"]]["status"] = query["status"]
        elif action == "update-group-members":
            assert not body["isRemove"]
            new = {"name": body["group"], "status": "enabled", "members": [], "policy": ""}
            group = self.groups.setdefault(body["group"], new)
            group["members"] = sorted({*group["members"], *body["members"]})
        elif action == "set-group-status":
            self.groups[query["group"]]["status"] = query["status"]
        elif action == "set-user-or-group-policy":
            holder = self.groups if query["isGroup"] == "true" else self.users
            names = query["policyName"].split(",") if query["policyName"] else []
            assert all(name in self.policies for name in names)
            key = "policy" if query["isGroup"] == "true" else "policyName"
            holder[query["userOrGroup"]][key] = query["policyName"]
        elif action == "add-service-account":
            assert body["targetUser"] in {*self.users, "rustroot"}
            policy = body.get("policy")
            self.accounts[body["accessKey"]] = {
                "parentUser": body["targetUser"],
                "accountStatus": "on",
                "impliedPolicy": policy is None,
                **({"policy": json.dumps(policy)} if policy else {}),
            }
            self.secrets[body["accessKey"]] = body["secretKey"]
        elif action == "update-service-account":
            account = self.accounts[query["accessKey"]]
            account["accountStatus"] = body.get("newStatus", account["accountStatus"])
            if "newPolicy" in body:
                account |= {"policy": json.dumps(body["newPolicy"]), "impliedPolicy": False}
            self.secrets[query["accessKey"]] = body.get("newSecretKey", self.secrets[query["accessKey"]])
        else:
            raise AssertionError(action)


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    made = Servers()
    monkeypatch.setattr(minio_iam_admin, "BotocoreTransport", made)
    monkeypatch.setattr(rustfs_iam, "BotocoreTransport", made)
    return made


def args(**more: Any) -> dict[str, Any]:
    return {"source": SOURCE, "target": TARGET, "kept": ["mlflow-artifacts"], **more}


def carry(run_module: Run, check: bool = False, **more: Any) -> dict[str, Any]:
    return run_module(rustfs_iam.main, args(**more), check=check, diff=True)


def test_check_apply_check_apply_change(servers: Servers, run_module: Run) -> None:
    predicted = carry(run_module, check=True)
    assert predicted["changed"]
    assert servers.changes == []

    done = carry(run_module)
    assert done["actions"] == predicted["actions"]
    assert done["by_hand"] == predicted["by_hand"]
    assert servers.users == {
        "alice": {"status": "enabled", "policyName": "minio-consoleAdmin,team"},
        "bob": {"status": "disabled", "policyName": "minio-readwrite"},
        "carol doe": {"status": "enabled", "policyName": "guarded"},
    }
    assert servers.secrets["alice"] == "alice-made-up-secret"
    assert servers.groups["idle"] == {"name": "idle", "status": "disabled", "members": ["bob"], "policy": ""}
    assert servers.groups["scientists"]["members"] == ["alice", "bob"]
    assert servers.accounts["svcalice1"]["impliedPolicy"]
    assert servers.accounts["svcalice2"]["accountStatus"] == "off"
    assert servers.secrets["svcalice2"] == "svc-made-up-secret-2"
    assert servers.accounts["svcroot02"]["parentUser"] == "rustroot"
    assert "svcroot01" not in servers.accounts
    assert servers.policies["readwrite"]["Statement"] == []

    assert not carry(run_module, check=True)["changed"]
    again = carry(run_module)
    assert not again["changed"]
    assert again["carried"] == done["carried"]

    servers.secrets["alice"] = servers.secrets["svcalice3"] = "made-up-other"
    servers.users["carol doe"] = {"status": "disabled", "policyName": "guarded,team"}
    servers.groups["scientists"]["members"] = ["alice", "zoe"]
    changed = carry(run_module)
    assert changed["actions"] == [
        "group scientists given bob",
        "secret of user alice changed",
        "user carol doe given its policies",
        "user carol doe switched on",
        "access key svcalice3: SecretKey changed",
    ]
    assert servers.groups["scientists"]["members"] == ["alice", "bob", "zoe"]
    assert not carry(run_module)["changed"]


def test_no_secret_is_in_the_result(servers: Servers, run_module: Run) -> None:
    assert "made-up-" not in json.dumps({key: value for key, value in carry(run_module).items() if key != "invocation"})


def test_limits_name_what_stays_behind_by_code(servers: Servers, run_module: Run) -> None:
    limits = {limit["code"]: limit for limit in carry(run_module, check=True)["limits"]}
    assert set(limits) == {
        "policy_action",
        "policy_condition",
        "policy_empty",
        "policy_missing",
        "policy_source_ip",
        "root_service_account",
        "wildcard_actions",
    }
    assert limits["policy_missing"]["count"] == 1
    assert "'odd'" in limits["policy_missing"]["text"]


@pytest.mark.parametrize("step", range(26))
def test_a_killed_run_leaves_nobody_with_more_and_is_finished_by_the_next(
    servers: Servers, run_module: Run, step: int
) -> None:
    servers.dies_after = step
    first = carry(run_module)
    if first.get("failed"):
        for name, user in servers.users.items():
            # Nobody can sign in before all that denies is in place.
            if user["status"] == "enabled":
                assert user["policyName"], name
                assert set(servers.groups) == {"idle", "scientists"}
    servers.dies_after = None
    carry(run_module)
    assert not carry(run_module)["changed"]
    assert servers.users["carol doe"] == {"status": "enabled", "policyName": "guarded"}
    assert servers.accounts["svcalice2"]["accountStatus"] == "off"


def test_an_access_key_of_somebody_else_is_left_alone(servers: Servers, run_module: Run) -> None:
    servers.accounts["svcalice1"] = {"parentUser": "zoe", "accountStatus": "on", "impliedPolicy": True}
    done = carry(run_module)
    assert servers.accounts["svcalice1"]["parentUser"] == "zoe"
    assert "svcalice1" in [note["name"] for note in done["by_hand"] if note["code"] == "service_account"]


def test_a_key_that_may_not_export_is_named(servers: Servers, run_module: Run) -> None:
    servers.archive = None
    done = carry(run_module)
    assert [limit["code"] for limit in done["limits"]] == ["unknown_users"]
    assert "export-iam: 403 AccessDenied" in done["by_hand"][0]["text"]
    assert not done["changed"]


def test_an_archive_is_read_in_place_of_minio(servers: Servers, run_module: Run, tmp_path: Path) -> None:
    servers.archive = None
    path = tmp_path / "iam.zip"
    path.write_bytes(exported())
    path.chmod(0o644)
    assert "chmod 600" in carry(run_module, archive=str(path))["msg"]
    path.chmod(0o600)
    assert carry(run_module, archive=str(path))["changed"]
    assert "No such file" in carry(run_module, archive=str(tmp_path / "none"))["msg"]


def test_an_address_with_a_path_is_refused(run_module: Run) -> None:
    result = carry(run_module, target={**TARGET, "endpoint_url": "http://rustfs:9000/x"})
    assert result["msg"].startswith("target.endpoint_url: found")
