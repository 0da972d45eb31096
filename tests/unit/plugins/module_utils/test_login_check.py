# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who asks for a password, and which users MLflow could not have."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.login_check import check_login

GOOD = {"name": "anna", "password": "twelve chars"}


def with_login(**more: Any) -> dict[str, Any]:
    return {"mlflow_platform_login": "mlflow", **more}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"mlflow_users": []},
        with_login(),
        with_login(mlflow_users=[GOOD, {"name": "bert"}, None], mlflow_admin_password="twelve chars"),
        {"mlflow_login": "mlflow", "nginx_login": "mlflow", "mlflow_users": [GOOD]},
        {"mlflow_platform_login": "anybody_may_do_everything"},
    ],
)
def test_good_values_pass(values: dict[str, Any]) -> None:
    assert check_login(values) == []


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (
            {"mlflow_users": [GOOD]},
            "mlflow_users: is of no use while the login is 'basic', write mlflow_platform_login: mlflow, or remove it.",
        ),
        (
            {"mlflow_login": "mlflow"},
            "nginx_login: is 'basic' and mlflow_login is 'mlflow', but both read the same header,"
            " write mlflow_platform_login in place of the two.",
        ),
        (
            with_login(mlflow_users=[GOOD, {"name": "Anna"}]),
            "mlflow_users[1]: user 'Anna' cannot be made, since 'anna' stands in the list already, write another name.",
        ),
        (
            with_login(mlflow_users=[{"name": "admin"}]),
            "mlflow_users[0]: user 'admin' cannot be made, since the platform's administrator has the name 'admin',"
            " write another name.",
        ),
        (
            with_login(mlflow_users=[{"name": "a b"}]),
            "mlflow_users[0]: 'a b' cannot name a user, write letters, digits and the characters _ . @ + - only.",
        ),
        (
            with_login(mlflow_users=[{"name": "anna@example.org"}]),
            "mlflow_users[0]: a password is generated only for names of letters, digits and _ . - characters,"
            " write one for user 'anna@example.org'.",
        ),
        (
            with_login(mlflow_users=[{"name": "anna", "password": "short"}]),
            "mlflow_users[0]: the password of user 'anna' is too short for MLflow, write at least 12 characters.",
        ),
        (
            with_login(mlflow_users=[{"name": "anna", "password": "zwölf Zeichen"}]),
            "mlflow_users[0]: the password of user 'anna' holds a character that is not ASCII, which MLflow does not"
            " read for artifacts, write one without.",
        ),
        (
            with_login(mlflow_admin_name="ad min"),
            "mlflow_admin_name: 'ad min' cannot name a user, write letters, digits and the characters _ . @ + - only.",
        ),
        (
            with_login(mlflow_admin_password="short"),
            "mlflow_admin_password: the password of user 'admin' is too short for MLflow,"
            " write at least 12 characters.",
        ),
    ],
)
def test_bad_values_are_named(values: dict[str, Any], problem: str) -> None:
    assert check_login(values) == [problem]
