"""A second run changes nothing; a changed variable touches what it concerns; check mode says so before."""

from __future__ import annotations

import copy
import re
import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..conftest import Container, Platform


@pytest.fixture(scope="module", autouse=True)
def _as_the_inventory_says(platform: Platform) -> None:
    """Whatever an earlier run of these tests left is put back."""
    platform.site().assert_ok()


def touched(before: dict[str, Container], after: dict[str, Container]) -> set[str]:
    """The services whose container was recreated or restarted."""
    return {service for service, container in before.items() if after[service] != container}


def what(changed: list[str]) -> set[str]:
    """The tasks that changed something, or would; some have another name where they only predict."""
    starts = {re.sub(r"Predict the start of (\w+)$", r"Start \1", name) for name in changed}
    return {name.replace("Predict the reload of nginx", "Reload nginx") for name in starts}


def apply(platform: Platform, **variables: Any) -> set[str]:
    """Predict a change and make it; give the services whose containers were touched."""
    before = platform.containers()
    predicted = platform.site(check=True, **variables)
    predicted.assert_ok()
    assert platform.containers() == before, "check mode touched a container"
    made = platform.site(**variables)
    made.assert_ok()
    after = platform.containers()
    assert what(predicted.changed) == what(made.changed), "check mode predicted something else"
    assert made.changed
    assert not [name for name, secret in platform.secrets().items() if secret in predicted.output + made.output]
    return touched(before, after)


def with_users(platform: Platform, users: list[dict[str, str]]) -> list[dict[str, Any]]:
    hosts = copy.deepcopy(platform.variables["nginx_virtual_hosts"])
    hosts[0]["users"] = users
    return list(hosts)


def test_mysql_option_touches_mysql_only(platform: Platform) -> None:
    assert apply(platform, mysql_max_connections=190) == {"mysql"}


def test_mlflow_option_touches_mlflow_only(platform: Platform) -> None:
    assert apply(platform, mysql_max_connections=190, mlflow_workers=2) == {"mlflow"}


def test_user_list_touches_no_container(platform: Platform) -> None:
    anna = platform.password("anna")
    assert platform.login_status("anna", anna) == 200, "also fills the cache of verdicts"

    new = [{"name": "admin"}, {"name": "carla", "password": "carla's password"}]
    variables: dict[str, Any] = {"mysql_max_connections": 190, "mlflow_workers": 2}
    assert apply(platform, **variables, nginx_virtual_hosts=with_users(platform, new)) == set()
    assert platform.login_status("anna", anna) == 401, "a removed user is refused at once"
    assert platform.login_status("carla", "carla's password") == 200

    new[1]["password"] = "another password"
    before = platform.containers()
    platform.site(**variables, nginx_virtual_hosts=with_users(platform, new)).assert_ok()
    assert platform.containers() == before
    assert platform.login_status("carla", "carla's password") == 401, "an old password is refused at once"
    assert platform.login_status("carla", "another password") == 200
    assert platform.login_status("admin", platform.password("admin")) == 200


def test_requests_are_answered_while_users_change(platform: Platform) -> None:
    """A reload loses no request."""
    stop = Event()
    answers: list[int] = []
    admin = platform.password("admin")

    def ask() -> None:
        while not stop.is_set():
            answers.append(platform.login_status("admin", admin))
            time.sleep(0.02)

    asking = [Thread(target=ask) for _ in range(4)]
    for thread in asking:
        thread.start()
    users = [{"name": "admin"}, {"name": "dora", "password": "dora's password"}]
    result = platform.site(mysql_max_connections=190, mlflow_workers=2, nginx_virtual_hosts=with_users(platform, users))
    stop.set()
    for thread in asking:
        thread.join()
    result.assert_ok()
    assert len(answers) > 50
    assert set(answers) == {200}


def test_back_to_the_inventory(platform: Platform) -> None:
    assert apply(platform) == {"mysql", "mlflow"}
    assert platform.login_status("anna", platform.password("anna")) == 200


def test_nothing_changes_when_nothing_changed(platform: Platform) -> None:
    before = platform.containers()
    for check in (True, False):
        result = platform.site(check=check)
        result.assert_ok()
        assert not result.changed
    assert platform.containers() == before
