# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users of MLflow's own login: what they may be called, and how MLflow is brought to have those that are wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mlflow_rest import Login, RestClient

SHORTEST_PASSWORD = 12
# MLflow serves artifacts by other code than the rest, which reads logins as ASCII.
_PASSWORD = re.compile(r"[ -~]*")
_NAME = re.compile(r"[A-Za-z0-9_.@+-]{1,255}")


@dataclass(frozen=True)
class WantedUser:
    """A user as the operator wrote it."""

    name: str
    password: str
    admin: bool
    keep_password: bool

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> WantedUser:
        """Check one entry of the list of users."""
        name = check_name(value.get("name"))
        password = value.get("password")
        if password is None:
            raise InputError(f"user {name!r} has no password, write one.")
        check_password(name, str(password))
        return cls(name, str(password), bool(value.get("admin")), value.get("update_password") == "on_create")


def check_name(name: object) -> str:
    """Return the name of a user; InputError where it cannot be one."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot name a user, write letters, digits and the characters _ . @ + - only.")
    return name


def check_password(name: str, password: str) -> None:
    """Raise InputError where MLflow would not take a password, or would not know it everywhere."""
    if len(password) < SHORTEST_PASSWORD:
        raise InputError(
            f"the password of user {name!r} is too short for MLflow, write at least {SHORTEST_PASSWORD} characters."
        )
    if not _PASSWORD.fullmatch(password):
        raise InputError(
            f"the password of user {name!r} holds a character that is not ASCII, which MLflow does not read for"
            " artifacts, write one without."
        )


def parse_users(values: Sequence[Mapping[str, Any]], admin: str) -> list[WantedUser]:
    """Check the whole list; the administrator who makes the users is not one of them."""
    users = [WantedUser.parse(value) for value in values]
    check_names([user.name for user in users], admin)
    return users


def check_names(names: Sequence[str], admin: str) -> None:
    """Raise InputError where two users would be one: MySQL does not tell upper from lower case."""
    seen = {admin.lower(): f"the platform's administrator has the name {admin!r}"}
    for name in names:
        if name.lower() in seen:
            raise InputError(f"user {name!r} cannot be made, since {seen[name.lower()]}, write another name.")
        seen[name.lower()] = f"{name!r} stands in the list already"


@dataclass
class Report:
    """What was done, or would be."""

    actions: list[str] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Tell whether there was anything to do."""
        return bool(self.actions)


def ensure(client: RestClient, wanted: Sequence[WantedUser], exclusive: bool, dry_run: bool) -> Report:
    """Make, change and remove users until they are as wanted; `client` is logged in as an administrator."""
    found = _users(client)
    admin = client.login.username.lower() if client.login else ""
    report = Report(before={name: _kind(is_admin) for name, is_admin in found.items()})
    report.after = dict(report.before)
    by_key = {name.lower(): name for name in found}
    for user in wanted:
        _ensure_user(client, user, by_key.get(user.name.lower()), found, report, dry_run)
    if exclusive:
        keep = {admin, *(user.name.lower() for user in wanted)}
        for name in found:
            if name.lower() not in keep:
                report.actions.append(f"remove {name}")
                del report.after[name]
                if not dry_run:
                    client.delete("users/delete", {"username": name})
    return report


def _ensure_user(
    client: RestClient,
    user: WantedUser,
    name: str | None,
    found: Mapping[str, bool],
    report: Report,
    dry_run: bool,
) -> None:
    if name is None:
        name = user.name
        report.actions.append(f"make {name}")
        if not dry_run:
            client.post("users/create", {"username": name, "password": user.password})
    elif not user.keep_password and not logs_in(client, name, user.password):
        report.actions.append(f"set the password of {name}")
        if not dry_run:
            client.patch("users/update-password", {"username": name, "password": user.password})
    if found.get(name, False) != user.admin:
        report.actions.append(f"let {name} be {_kind(user.admin)}")
        if not dry_run:
            client.patch("users/update-admin", {"username": name, "is_admin": user.admin})
    report.after[name] = _kind(user.admin)


def _users(client: RestClient) -> dict[str, bool]:
    users = client.get("users/list", {}).get("users", [])
    return {str(user["username"]): bool(user["is_admin"]) for user in users}


def logs_in(client: RestClient, name: str, password: str) -> bool:
    """Tell whether a user has this password."""
    return client.as_user(Login(name, password)).lets_in("users/current", {})


def _kind(is_admin: bool) -> str:
    return "administrator" if is_admin else "user"
