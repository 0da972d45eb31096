"""A second run changes nothing; a changed variable touches what it concerns; check mode says so before."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import pytest

from ..load import asking

if TYPE_CHECKING:
    from ..conftest import Container, Platform


MYSQL: dict[str, Any] = {
    "mysql_max_connections": 190,
    "mysql_memory": "1500m",
    "mysql_cpus": 1.5,
    "mysql_log_max_size": "5m",
    "mysql_log_max_files": 2,
    "mysql_environment": {"SET_BY": "an operator"},
}

# On the server until its next restart: these tests have left their changes there.
STAMP = "/run/changed-by-tests"


@pytest.fixture(scope="module", autouse=True)
def _as_the_inventory_says(platform: Platform) -> None:
    """What an earlier run of these tests left is put back."""
    if platform.host.file(STAMP).exists:
        platform.site().assert_ok()
    platform.host.check_output("touch %s", STAMP)


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


def test_mysql_options_touch_mysql_only(platform: Platform) -> None:
    assert apply(platform, **MYSQL) == {"mysql"}
    limits = platform.container("mysql")["HostConfig"]
    assert (limits["Memory"], limits["NanoCpus"]) == (1500 * 1024**2, 1_500_000_000)
    assert limits["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "5m", "max-file": "2"}}
    assert "SET_BY=an operator" in platform.container("mysql")["Config"]["Env"]


def test_mlflow_option_touches_mlflow_only(platform: Platform) -> None:
    assert apply(platform, **MYSQL, mlflow_workers=2) == {"mlflow"}


def test_user_list_touches_no_container(platform: Platform) -> None:
    anna = platform.password("anna")
    assert platform.login_status("anna", anna) == 200, "also fills the cache of verdicts"

    new = [{"name": "admin"}, {"name": "carla", "password": "carla's password"}]
    changes = {**MYSQL, "mlflow_workers": 2, "nginx_virtual_hosts": with_users(platform, new)}
    assert apply(platform, **changes) == set()
    assert platform.login_status("anna", anna) == 401, "a removed user is refused at once"
    assert platform.login_status("carla", "carla's password") == 200


def test_changed_password_loses_no_request(platform: Platform) -> None:
    new = [{"name": "admin"}, {"name": "carla", "password": "another password"}]
    before = platform.containers()
    admin = platform.password("admin")
    with asking([lambda: platform.login_status("admin", admin)] * 4, 0.05) as answers:
        platform.site(**MYSQL, mlflow_workers=2, nginx_virtual_hosts=with_users(platform, new)).assert_ok()
    assert platform.containers() == before
    assert platform.login_status("carla", "carla's password") == 401, "an old password is refused at once"
    assert platform.login_status("carla", "another password") == 200
    assert len(answers) > 50
    assert set(answers) == {200}


def test_back_to_the_inventory(platform: Platform) -> None:
    before = platform.containers()
    platform.site().assert_ok()
    assert touched(before, platform.containers()) == {"mysql", "mlflow"}
    assert platform.login_status("anna", platform.password("anna")) == 200
    assert platform.login_status("carla", "another password") == 401
