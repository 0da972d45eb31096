"""PostgreSQL, MLflow's own login, and one server of MLflow: a client may have to ask again, and loses nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from ..load import Client, under_load
from ..other_databases.conftest import remove
from .conftest import LOAD, ROTATE, database_opens, journal, rotate

if TYPE_CHECKING:
    from ..conftest import Platform

OWN: dict[str, Any] = {
    "mlflow_platform_database": "postgres",
    "mlflow_platform_login": "mlflow",
    "mlflow_replicas": 1,
    "backup_repository": "",
    "mlflow_users": [
        {"name": "anna"},
        {"name": LOAD, "password": "load $HOME $$ \" ' \\ # % @ : / ? end", "admin": True},
    ],
    "nginx_virtual_hosts": [{"host_names": ["mlflow.lab", "localhost"], "port": 15000, "tls": "self_signed"}],
}


@pytest.fixture(scope="module", autouse=True)
def _another_platform(platform: Platform) -> Iterator[None]:
    remove(platform)
    platform.__dict__.pop("authority", None)
    platform.__dict__.pop("_front_context", None)
    platform.site(**OWN).assert_ok()
    yield
    remove(platform)


def roles(platform: Platform) -> set[str]:
    command = "docker exec mlflow-postgres-1 psql --username=postgres --no-align --tuples-only --command=%s"
    found = platform.host.check_output(command, "SELECT rolname FROM pg_roles WHERE rolcanlogin")
    return set(found.split())


def test_none_that_was_acknowledged_is_lost(platform: Platform) -> None:
    old = platform.secrets()
    started = platform.container("postgres")["State"]["StartedAt"]
    with under_load(platform, LOAD) as seen:
        rotate(platform, "all", **OWN).assert_ok()
        time.sleep(2)
    assert seen.acknowledged <= steps(platform, seen.run)
    assert len(seen.acknowledged) > 100
    # The one server was away for as long as it takes to be replaced, no longer.
    assert set(seen.failed) <= {502, 503}
    new = platform.secrets()
    assert not database_opens(platform, "mlflow", old["postgres_password"])
    assert database_opens(platform, "mlflow", new["postgres_password"])
    assert roles(platform) == {"postgres", "mlflow"}
    for user, name in (("admin", "mlflow_admin_password"), ("anna", "mlflow_user_anna_password")):
        assert old[name] != new[name]
        assert platform.login_status(user, old[name]) == 401
        assert platform.login_status(user, new[name]) == 200
    assert old["mlflow_session_key"] != new["mlflow_session_key"]
    assert old["postgres_superuser_password"] != new["postgres_superuser_password"]
    assert platform.container("postgres")["State"]["StartedAt"] == started
    log = platform.host.check_output("docker logs mlflow-postgres-1 2>&1")
    assert not [name for name, value in {**old, **new}.items() if value in log]


def steps(platform: Platform, run: str) -> set[int]:
    return Client(platform, LOAD).steps(run)


@pytest.mark.parametrize("task", ["replica | Start mlflow", "settle | Hand over the database's user again"])
def test_a_killed_run_is_gone_on_with(platform: Platform, task: str) -> None:
    old = platform.secrets()
    words = ["--extra-vars", json.dumps({**OWN, "rotate_secrets_what": "database"})]
    platform.play_until(ROTATE, task, *words, seconds=0.5)
    begun = journal(platform)["changes"]["postgres_password"]
    assert platform.login_status("anna", platform.secret("mlflow_user_anna_password")) in (200, 502)
    rotate(platform, "database", **OWN).assert_ok()
    assert platform.secret("postgres_password") == begun["new"] != old["postgres_password"]
    assert not database_opens(platform, "mlflow", old["postgres_password"])
    assert roles(platform) == {"postgres", "mlflow"}
    again = platform.site(**OWN)
    again.assert_ok()
    assert again.changed == []
