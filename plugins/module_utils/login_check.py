# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of who asks for a password. All of them are pure and return sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mlflow_users import (
    check_name,
    check_names,
    check_password,
)

DEFAULT_ADMIN = "admin"

_GENERATED_FOR = re.compile(r"[A-Za-z0-9_.-]+")


def login_of(values: Mapping[str, Any], role: str) -> str:
    """Return who asks for a password, as a role is told."""
    return str(values.get(f"{role}_login") or values.get("mlflow_platform_login") or "basic")


def check_login(values: Mapping[str, Any]) -> list[str]:
    """Complain where proxy and MLflow disagree on who asks, and about users that MLflow could not have."""
    login = login_of(values, "mlflow")
    if login_of(values, "nginx") != login:
        return [
            f"nginx_login: is {login_of(values, 'nginx')!r} and mlflow_login is {login!r}, but both read the same"
            " header, write mlflow_platform_login in place of the two."
        ]
    if login != "mlflow":
        return [
            f"{name}: is of no use while the login is {login!r}, write mlflow_platform_login: mlflow, or remove it."
            for name in ("mlflow_users", "mlflow_admin_password")
            if values.get(name)
        ]
    admin = str(values.get("mlflow_admin_name") or DEFAULT_ADMIN)
    return _check_admin(admin, values.get("mlflow_admin_password")) + _check_users(
        "mlflow_users", values.get("mlflow_users") or [], admin
    )


def _check_admin(name: str, password: object) -> list[str]:
    problems = []
    try:
        check_name(name)
    except InputError as exc:
        problems.append(f"mlflow_admin_name: {exc}")
    try:
        if password is not None:
            check_password(name, str(password))
    except InputError as exc:
        problems.append(f"mlflow_admin_password: {exc}")
    return problems


def _check_users(variable: str, users: Sequence[Mapping[str, Any] | None], admin: str) -> list[str]:
    problems = []
    names: list[str] = []
    for index, user in enumerate(users):
        # None stands for one whose types are wrong.
        if user is None:
            continue
        try:
            name = check_name(user.get("name"))
            check_names([*names, name], admin)
            names.append(name)
            if user.get("password") is not None:
                check_password(name, str(user["password"]))
            elif not _GENERATED_FOR.fullmatch(name):
                raise InputError(
                    "a password is generated only for names of letters, digits and _ . - characters,"
                    f" write one for user {name!r}."
                )
        except InputError as exc:
            problems.append(f"{variable}[{index}]: {exc}")
    return problems
