# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What RustFS is to have of MinIO's users and policies, and what an operator has to do by hand."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam import Group, Iam, ServiceAccount, User
from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam_policy import Rewritten, rewrite

# RustFS's own policies of these names also allow sts:AssumeRole and administration; they are left alone.
BUILT_IN = frozenset({"consoleAdmin", "diagnostics", "readonly", "readwrite", "writeonly"})
PREFIX = "minio-"
SECRET_MIN = 8
# Of service accounts, where RustFS also has a longest.
SECRET_MAX = 40
ACCESS_KEY_MIN = 3
NAME_MAX = 32
DESCRIPTION_BYTES = 256

_ACCOUNT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Note:
    """One sentence about one thing, with a code to accept it by."""

    code: str
    name: str
    text: str


@dataclass
class Plan:
    """What RustFS is to have; names of policies are RustFS's."""

    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    users: list[User] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    service_accounts: list[ServiceAccount] = field(default_factory=list)
    by_hand: list[Note] = field(default_factory=list)

    def note(self, code: str, name: str, text: str) -> None:
        """Remember what is not carried over as it was."""
        self.by_hand.append(Note(code, name, text))


@dataclass(frozen=True)
class Roots:
    """The administrators of both sides, and names on RustFS that are not touched."""

    source: str
    target: str
    kept: frozenset[str] = frozenset()


def make(iam: Iam, roots: Roots, now: datetime | None = None) -> Plan:
    """Decide what is carried over; everybody gets what they had on MinIO or less, never more."""
    plan = Plan()
    names = _policies(iam, roots, plan)
    # A group that cannot be may hold what denies: its members get its policies themselves.
    lost = [group for group in iam.groups if _refused_group(group, roots)]
    for user in iam.users:
        why = _refused_user(user, roots)
        if why:
            plan.note("user", user.name, f"The user {user.name!r} is not carried over: {why}.")
            continue
        shared = {name for group in lost if group.enabled and user.name in group.members for name in group.policies}
        policies = _attached("user", user.name, {*user.policies, *shared}, names, plan)
        plan.users.append(User(user.name, user.secret, user.enabled, policies))
    carried = {user.name for user in plan.users}
    for group in iam.groups:
        _group(group, carried, names, roots, plan)
    for account in iam.service_accounts:
        _service_account(account, {user.name for user in iam.users}, carried, roots, now or _now(), plan)
    for name in iam.external:
        text = f"The {name} comes from LDAP or OpenID Connect: set that up in RustFS and attach its policies there."
        plan.note("external_identity", name.partition(" ")[2], text)
    return plan


def _policies(iam: Iam, roots: Roots, plan: Plan) -> dict[str, str]:
    """Rewrite the policies that are the operator's or in use; return the names that they have on RustFS."""
    attached = [*(user.policies for user in iam.users), *(group.policies for group in iam.groups)]
    used = {name for names in attached for name in names}
    names: dict[str, str] = {}
    for name, policy in iam.policies.items():
        if name in BUILT_IN and name not in used:
            continue
        # None is left out for its name: it may hold what denies.
        renamed = name in BUILT_IN or name in roots.kept or name != name.strip()
        target = f"{PREFIX}{name.strip()}" if renamed else name
        rewritten = rewrite(policy)
        _name_losses(f"policy {name!r}", name, rewritten, plan)
        if rewritten.policy is None:
            plan.note("policy_empty", name, f"The policy {name!r} is not carried over: nothing is left of it.")
            continue
        names[name] = target
        plan.policies[target] = rewritten.policy
    return names


def _name_losses(what: str, name: str, rewritten: Rewritten, plan: Plan) -> None:
    for loss in rewritten.losses:
        plan.note(loss.code, name, f"The {what}, {loss.text}")


def _attached(kind: str, holder: str, wanted: Collection[str], names: Mapping[str, str], plan: Plan) -> tuple[str, ...]:
    for name in sorted(wanted):
        if name not in names:
            plan.note("policy_missing", holder, f"The {kind} {holder!r} does not get the policy {name!r}.")
    return tuple(sorted(names[name] for name in wanted if name in names))


def _refused_user(user: User, roots: Roots) -> str | None:
    if user.name == roots.target:
        return "it is the name of RustFS's administrator"
    if user.name in roots.kept:
        return "it is MLflow's own access key"
    if len(user.name) < ACCESS_KEY_MIN or user.name != user.name.strip() or any(mark in user.name for mark in "=,"):
        return f"RustFS wants {ACCESS_KEY_MIN} characters, none of them = or a comma, and no space at the ends"
    if len(user.secret) < SECRET_MIN:
        return f"RustFS wants secrets of {SECRET_MIN} characters and more"
    return None


def _refused_group(group: Group, roots: Roots) -> bool:
    name = group.name
    bad = name != name.strip() or len(name.encode()) > 256 or any(mark in name for mark in "=,/\\\0")
    return bad or name in roots.kept


def _group(group: Group, carried: set[str], names: Mapping[str, str], roots: Roots, plan: Plan) -> None:
    if _refused_group(group, roots):
        text = f"The group {group.name!r} is not carried over, RustFS refuses its name: its members have its policies."
        plan.note("group", group.name, text)
        return
    for member in group.members:
        if member not in carried:
            plan.note("group", group.name, f"The group {group.name!r} is without its member {member!r}.")
    members = tuple(member for member in group.members if member in carried)
    policies = _attached("group", group.name, group.policies, names, plan)
    if members:
        plan.groups.append(Group(group.name, group.enabled, members, policies))
    else:
        plan.note("group", group.name, f"The group {group.name!r} is not carried over: it has no members.")


def _service_account(
    account: ServiceAccount, known: set[str], carried: set[str], roots: Roots, now: datetime, plan: Plan
) -> None:
    key = account.access_key
    what = f"access key {key!r} of {account.parent!r}"

    def leave(code: str, why: str) -> None:
        plan.note(code, key, f"The {what} is not carried over: {why}.")

    parent = account.parent
    if parent not in known:
        if parent != roots.source:
            leave("external_identity", "its owner comes from LDAP or OpenID Connect, or is gone")
            return
        if account.policy is None:
            leave(
                "root_service_account", "it has all rights of MinIO's administrator, make one by hand if it has to be"
            )
            return
        parent = roots.target
    elif parent not in carried:
        leave("service_account", "its owner is not")
        return
    if key in roots.kept or key in (roots.target, parent):
        leave("service_account", "RustFS has another key of this name that must stay")
        return
    if not SECRET_MIN <= len(account.secret) <= SECRET_MAX or len(key) < ACCESS_KEY_MIN or key != key.strip():
        leave("service_account", f"RustFS wants {SECRET_MIN} to {SECRET_MAX} characters as the secret")
        return
    if account.expires is not None and _time(account.expires) <= now:
        leave("service_account", f"it ended at {account.expires}")
        return
    policy = account.policy
    if policy is not None:
        rewritten = rewrite(policy)
        _name_losses(what, key, rewritten, plan)
        if rewritten.policy is None:
            leave("policy_empty", "nothing is left of its policy")
            return
        policy = rewritten.policy
    name, description = _labels(account)
    plan.service_accounts.append(
        ServiceAccount(key, account.secret, parent, account.enabled, policy, name, description, account.expires)
    )


def _labels(account: ServiceAccount) -> tuple[str, str]:
    """Return name and description; a name that RustFS refuses goes into the description."""
    good = not account.name or (len(account.name) <= NAME_MAX and bool(_ACCOUNT_NAME.fullmatch(account.name)))
    parts = [account.description] if good else [account.name, account.description]
    text = " - ".join(part for part in parts if part)
    return account.name if good else "", text.encode()[:DESCRIPTION_BYTES].decode(errors="ignore")


def _time(text: str) -> datetime:
    # Python 3.9 knows neither Z nor nanoseconds.
    plain = re.sub(r"\.\d+", "", text.replace("Z", "+00:00"))
    return datetime.fromisoformat(plain)


def _now() -> datetime:
    return datetime.now(timezone.utc)
