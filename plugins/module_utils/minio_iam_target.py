# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups and service accounts of RustFS's admin API, and bringing RustFS to what was planned of MinIO's users."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from secrets import token_hex
from typing import Any
from urllib.parse import quote

from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam import NEVER, Group, ServiceAccount, User
from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam_plan import Note, Plan
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_admin import AdminClient, RefusedError, RustfsError
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_policy import normalise


@dataclass(frozen=True)
class Found:
    """A service account as RustFS tells it."""

    parent: str
    enabled: bool
    policy: Mapping[str, Any] | None


class IamClient(AdminClient):
    """The parts of RustFS's admin API that only a migration needs."""

    def groups(self) -> set[str]:
        """Return the names of all groups."""
        found = json.loads(self._call("GET", "groups") or b"null") or []
        if not isinstance(found, list):
            raise RustfsError("RustFS answered groups with something that is not its; look at the address.")
        return {str(name) for name in found}

    def group(self, name: str) -> Group:
        """Return a group."""
        found = json.loads(self._call("GET", "group", {"group": name}))
        policies = tuple(sorted(part.strip() for part in str(found.get("policy") or "").split(",") if part.strip()))
        members = tuple(sorted(found.get("members") or ()))
        return Group(name, found.get("status") != "disabled", members, policies)

    def add_members(self, name: str, members: tuple[str, ...]) -> None:
        """Put users into a group, which is made where it is missing."""
        body = {"group": name, "members": list(members), "groupStatus": "enabled", "isRemove": False}
        self._call("PUT", "update-group-members", None, body)

    def set_group_status(self, name: str, enabled: bool) -> None:
        """Switch a group on or off."""
        self._call("PUT", "set-group-status", {"group": name, "status": "enabled" if enabled else "disabled"})

    def attach_all(self, name: str, policies: tuple[str, ...], group: bool = False) -> None:
        """Let a user or group have these policies and no others."""
        query = {"policyName": ",".join(policies), "userOrGroup": name, "isGroup": "true" if group else "false"}
        self._call("PUT", "set-user-or-group-policy", query)

    def service_account(self, access_key: str) -> Found | None:
        """Return a service account, None where there is none of this key."""
        try:
            found = json.loads(self._call("GET", "info-service-account", {"accessKey": access_key}))
        except RefusedError as exc:
            if exc.status == 404 or exc.code == "NoSuchResource":
                return None
            raise
        policy = found.get("policy")
        own = None if found.get("impliedPolicy") or not policy else json.loads(policy)
        return Found(str(found.get("parentUser") or ""), found.get("accountStatus") in ("on", "enabled"), own)

    def add_service_account(self, account: ServiceAccount) -> None:
        """Make a service account with its policy, in one request."""
        body: dict[str, Any] = {
            "targetUser": account.parent,
            "accessKey": account.access_key,
            "secretKey": account.secret,
        }
        if account.policy is not None:
            body["policy"] = account.policy
        if account.name:
            body["name"] = account.name
        if account.description:
            body["description"] = account.description
        if account.expires and account.expires != NEVER:
            body["expiration"] = account.expires
        self._call("PUT", "add-service-account", None, body)

    def update_service_account(self, access_key: str, changes: Mapping[str, Any]) -> None:
        """Change a service account: newSecretKey, newPolicy, newStatus."""
        self._call("POST", f"update-service-account?accessKey={quote(access_key, safe='')}", None, changes)


@dataclass
class Outcome:
    """What was done, or would be in check mode, and what is on RustFS now."""

    actions: list[str] = field(default_factory=list)
    carried: list[Note] = field(default_factory=list)
    by_hand: list[Note] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


class Applier:
    """Brings RustFS to a plan; a killed run leaves nobody with more rights than planned."""

    def __init__(self, client: IamClient, dry_run: bool) -> None:
        """Keep the client and whether to change anything."""
        self._client = client
        self._dry_run = dry_run
        self._silent: set[str] = set()
        self.outcome = Outcome()

    def apply(self, plan: Plan) -> Outcome:
        """Policies first, then users switched off, groups, what they may, and at last users switched on."""
        self._policies(plan.policies)
        present = self._client.users()
        for user in plan.users:
            if user.name not in present:
                self._do(f"user {user.name} made", partial(self._put, user, enabled=False))
        for group in plan.groups:
            self._group(group)
        for user in plan.users:
            self._user(user, present)
        self._silent = {user.name for user in plan.users if not user.enabled}
        for account in plan.service_accounts:
            self._service_account(account, present)
        return self.outcome

    def _do(self, action: str, call: Callable[[], None]) -> None:
        self.outcome.actions.append(action)
        if not self._dry_run:
            call()

    def _carried(self, kind: str, name: str, text: str) -> None:
        self.outcome.carried.append(Note(kind, name, text))

    def _put(self, user: User, enabled: bool) -> None:
        self._client.put_user(user.name, user.secret, enabled)

    def _policies(self, wanted: Mapping[str, dict[str, Any]]) -> None:
        present = self._client.policies()
        for name, policy in wanted.items():
            found = normalise(present[name]) if name in present else None
            if found != normalise(policy):
                self._show(f"policy {name}", found, normalise(policy))
                self._do(f"policy {name} written", partial(self._client.put_policy, name, policy))
            self._carried("policy", name, f"The policy {name!r} is there.")

    def _group(self, group: Group) -> None:
        present = self._client.group(group.name) if group.name in self._client.groups() else None
        self._show(f"group {group.name}", _about(present), _about(group))
        missing = tuple(set(group.members) - set(present.members if present else ()))
        if missing:
            action = f"group {group.name} given {', '.join(sorted(missing))}"
            self._do(action, lambda: self._client.add_members(group.name, tuple(sorted(missing))))
        if (present.enabled if present else True) != group.enabled:
            action = f"group {group.name} switched {'on' if group.enabled else 'off'}"
            self._do(action, lambda: self._client.set_group_status(group.name, group.enabled))
        if (present.policies if present else ()) != group.policies:
            action = f"group {group.name} given its policies"
            self._do(action, lambda: self._client.attach_all(group.name, group.policies, group=True))
        self._carried("group", group.name, f"The group {group.name!r} is there.")

    def _user(self, user: User, present: Mapping[str, Any]) -> None:
        found = present.get(user.name)
        policies = tuple(sorted(found.policies)) if found else ()
        if policies != user.policies:
            self._show(f"user {user.name}", {"policies": policies}, {"policies": user.policies})
            self._do(f"user {user.name} given its policies", lambda: self._client.attach_all(user.name, user.policies))
        if found is None:
            if user.enabled:
                self._do(f"user {user.name} switched on", lambda: self._put(user, enabled=True))
        elif found.enabled and not user.enabled:
            self._do(f"user {user.name} switched off", lambda: self._client.set_status(user.name, enabled=False))
        elif user.enabled and not found.enabled:
            self._do(f"user {user.name} switched on", lambda: self._put(user, enabled=True))
        elif user.enabled and not self._client.secret_is(user.name, user.secret):
            self._do(f"secret of user {user.name} changed", lambda: self._put(user, enabled=True))
        self._carried("user", user.name, f"The user {user.name!r} is there with its secret.")

    def _service_account(self, account: ServiceAccount, present: Mapping[str, Any]) -> None:
        key = account.access_key
        found = self._client.service_account(key) if key not in present else None
        if key in present or (found is not None and found.parent != account.parent):
            text = f"The access key {key!r} of {account.parent!r} is not carried over: RustFS has one of another owner."
            self.outcome.by_hand.append(Note("service_account", key, text))
            return
        if found is None:
            self._do(f"access key {key} made", lambda: self._make(account))
        else:
            changes = self._changes(account, found)
            if changes:
                self._show(f"access key {key}", _about_account(found), _about_account(account))
                what = ", ".join(sorted(name.removeprefix("new") for name in changes))
                self._do(f"access key {key}: {what} changed", lambda: self._client.update_service_account(key, changes))
        self._carried("service_account", key, f"The access key {key!r} of {account.parent!r} is there with its secret.")

    def _make(self, account: ServiceAccount) -> None:
        if account.enabled:
            self._client.add_service_account(account)
            return
        # RustFS makes keys switched on: nobody knows this secret until it is off.
        self._client.add_service_account(replace(account, secret=token_hex(20)))
        changes = {"newStatus": "off", "newSecretKey": account.secret}
        self._client.update_service_account(account.access_key, changes)

    def _changes(self, account: ServiceAccount, found: Found) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        if account.policy is not None and (
            found.policy is None or normalise(found.policy) != normalise(account.policy)
        ):
            changes["newPolicy"] = account.policy
        if found.enabled != account.enabled:
            changes["newStatus"] = "on" if account.enabled else "off"
        # That of a key which is switched off, or whose owner is, cannot be tried.
        enabling = account.enabled and not found.enabled
        tried = found.enabled and account.parent not in self._silent
        if enabling or (tried and not self._client.secret_is(account.access_key, account.secret)):
            changes["newSecretKey"] = account.secret
        return changes

    def _show(self, name: str, before: Any, after: Any) -> None:
        if before != after:
            self.outcome.before[name], self.outcome.after[name] = before, after


def _about(group: Group | None) -> dict[str, Any] | None:
    if group is None:
        return None
    return {"members": list(group.members), "policies": list(group.policies), "enabled": group.enabled}


def _about_account(account: Found | ServiceAccount) -> dict[str, Any]:
    policy = None if account.policy is None else normalise(account.policy)
    return {"parent": account.parent, "enabled": account.enabled, "policy": policy}
