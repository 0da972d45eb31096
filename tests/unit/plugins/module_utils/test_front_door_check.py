# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual hosts that do not fit their service, each other, the login or the store."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.front_door_check import check_front_door

USERS = [{"name": "anna"}]


def host(**more: Any) -> dict[str, Any]:
    return {"host_names": ["a"], "port": 80, **more}


def check(*hosts: dict[str, Any] | None, login: str = "basic", store: str = "rustfs") -> list[str]:
    return check_front_door("nginx_virtual_hosts", hosts, login, store)


@pytest.mark.parametrize(
    ("hosts", "login"),
    [
        ([host(users=USERS, allow=["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"])], "basic"),
        ([host()], "mlflow"),
        ([host(users=[])], "anybody_may_do_everything"),
        ([host(users=USERS), host(service="console"), host(service="s3")], "basic"),
        ([None], "basic"),
        ([{"host_names": ["a"], "port": 0}, None], "basic"),
    ],
)
def test_good_hosts_pass(hosts: list[dict[str, Any] | None], login: str) -> None:
    assert check(*hosts, login=login) == []


@pytest.mark.parametrize(
    ("hosts", "options", "sentence"),
    [
        ([host()], {}, "nginx_virtual_hosts[0].users: is missing or empty, write who may log in."),
        ([host(users=USERS)], {"login": "mlflow"}, "nginx_virtual_hosts[0].users: nobody is asked for these passwords"),
        (
            [host(users=USERS), host(service="s3", users=USERS)],
            {},
            "nginx_virtual_hosts[1].users: RustFS asks for its own keys where service is 's3'",
        ),
        (
            [host(users=USERS), host(service="console")],
            {"store": "local"},
            "nginx_virtual_hosts[1].service: found 'console', but with mlflow_platform_artifact_store 'local' there is no",
        ),
        ([host(service="s3")], {}, "nginx_virtual_hosts: has no virtual host for MLflow, add one without a service."),
        ([host(users=USERS, allow=["10.0.0.1/8"])], {}, "nginx_virtual_hosts[0].allow: found '10.0.0.1/8', write an"),
        ([host(users=USERS, allow=["lan"])], {}, "nginx_virtual_hosts[0].allow: found 'lan', write an address"),
    ],
)
def test_each_problem_gets_one_sentence(hosts: list[dict[str, Any]], options: dict[str, str], sentence: str) -> None:
    problems = check(*hosts, **options)
    assert len(problems) == 1
    assert problems[0].startswith(sentence)
