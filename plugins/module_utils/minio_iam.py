# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MinIO's users, groups, policies and service accounts, read from the archive that it exports."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

FOLDER = "iam-assets/"
# What MinIO and mc write where something never ends.
NEVER = "1970-01-01T00:00:00Z"
LIMIT_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class User:
    """A user with a secret of its own."""

    name: str
    secret: str = field(repr=False)
    enabled: bool
    policies: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Users that share policies."""

    name: str
    enabled: bool
    members: tuple[str, ...]
    policies: tuple[str, ...]


@dataclass(frozen=True)
class ServiceAccount:
    """An access key of a user; without a policy of its own it has that user's rights."""

    access_key: str
    secret: str = field(repr=False)
    parent: str
    enabled: bool
    policy: Mapping[str, Any] | None
    name: str = ""
    description: str = ""
    expires: str | None = None


@dataclass(frozen=True)
class Iam:
    """All that MinIO keeps about who may do what."""

    users: tuple[User, ...] = ()
    groups: tuple[Group, ...] = ()
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    service_accounts: tuple[ServiceAccount, ...] = ()
    # Users of LDAP or OpenID Connect, and LDAP groups, that have policies: MinIO holds no secrets of theirs.
    external: tuple[str, ...] = ()


def parse(archive: bytes) -> Iam:
    """Read the archive of `mc admin cluster iam export`; raise InputError where it is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
            if sum(info.file_size for info in zipped.infolist()) > LIMIT_BYTES:
                raise InputError("The archive of MinIO's users is larger than 256 MiB, export it again.")
            files = {info.filename: zipped.read(info) for info in zipped.infolist()}
        if f"{FOLDER}users.json" not in files:
            raise InputError("The archive holds no users.json, write one that `mc admin cluster iam export` made.")
        documents = {name.removeprefix(FOLDER): json.loads(text or b"{}") or {} for name, text in files.items()}
        return _iam(documents)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError) as exc:
        if isinstance(exc, InputError):
            raise
        raise InputError(
            f"The archive of MinIO's users cannot be read ({type(exc).__name__}),"
            " write one that `mc admin cluster iam export` made."
        ) from exc


def _iam(files: Mapping[str, Any]) -> Iam:
    def mapped(name: str) -> dict[str, tuple[str, ...]]:
        return {key: _names(value.get("policy")) for key, value in files.get(name, {}).items()}

    of_users, of_groups = mapped("user_mappings.json"), mapped("group_mappings.json")
    users = tuple(
        User(name, str(value["secretKey"]), value.get("status") == "enabled", of_users.get(name, ()))
        for name, value in sorted(files["users.json"].items())
    )
    groups = tuple(
        Group(
            name, value.get("status") != "disabled", tuple(sorted(value.get("members") or ())), of_groups.get(name, ())
        )
        for name, value in sorted(files.get("groups.json", {}).items())
    )
    known_users, known_groups = {user.name for user in users}, {group.name for group in groups}
    external = {f"user {name}" for name in (set(of_users) | set(mapped("stsuser_mappings.json"))) - known_users}
    external |= {f"group {name}" for name in (set(of_groups) | set(mapped("stsgroup_mappings.json"))) - known_groups}
    return Iam(
        users=users,
        groups=groups,
        policies=dict(sorted(files.get("policies.json", {}).items())),
        service_accounts=tuple(_account(value) for _, value in sorted(files.get("svcaccts.json", {}).items())),
        external=tuple(sorted(external)),
    )


def _account(value: Mapping[str, Any]) -> ServiceAccount:
    expires = str(value.get("expiration") or "")
    return ServiceAccount(
        access_key=str(value["accessKey"]),
        secret=str(value["secretKey"]),
        parent=str(value["parent"]),
        enabled=value.get("status") in ("on", "enabled"),
        policy=_session_policy(value),
        name=str(value.get("name") or ""),
        description=str(value.get("description") or ""),
        expires=expires if expires and expires != NEVER else None,
    )


def _session_policy(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the policy of its own; an embedded one that is missing gives no rights rather than all of them."""
    policy = value.get("sessionPolicy")
    if isinstance(policy, str):
        policy = json.loads(policy)
    embedded = (value.get("claims") or {}).get("sa-policy") == "embedded-policy"
    return policy or ({"Statement": []} if embedded else None)


def _names(value: object) -> tuple[str, ...]:
    names: Iterable[object] = value if isinstance(value, list) else str(value or "").split(",")
    return tuple(sorted({str(name).strip() for name in names if str(name).strip()}))
