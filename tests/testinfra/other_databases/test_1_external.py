"""A database that exists elsewhere is asked before anything is touched, and then used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .conftest import Elsewhere, everything, log_a_run

if TYPE_CHECKING:
    from ..conftest import Platform, PlayResult


def refused(result: PlayResult, sentence: str) -> None:
    assert result.returncode != 0, "the run went through"
    print(result.message)
    assert sentence in result.message
    assert len(result.messages) == 1, "one sentence"
    assert "Traceback" not in result.output


def test_bare_server_refuses_before_anything_is_deployed(platform: Platform, elsewhere: Elsewhere) -> None:
    if elsewhere.engine != "mysql":
        pytest.skip("the first one has no image of MLflow to ask with, the second one has")
    platform.host.check_output("docker image rm $(docker image ls --quiet onprem/mlflow)")
    refused(elsewhere.site(password="wrong"), "mlflow_database.password: ")
    assert platform.host.run("ls /opt/mlflow/secrets/mlflow_backend_store_uri").rc != 0
    assert not platform.host.file("/opt/mlflow/services/mlflow.yml").exists


# What both say in words of their own; the unit tests have more of them.
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "another authority": ({"ca_certificate": "stranger"}, "mlflow_database.ca_certificate: did not sign"),
    "another port": ({"port": 4242}, "mlflow_database.host: "),
    "few privileges": ({"user": "reader", "password": "reader"}, "mlflow_database.user: "),
    "Latin-1": ({"name": "latin"}, "mlflow_database.name: the database 'latin' has the character set "),
    "another program's": ({"name": "shop"}, "mlflow_database.name: the database 'shop' holds tables that are not"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_database_is_refused(platform: Platform, elsewhere: Elsewhere, name: str) -> None:
    change, sentence = BAD[name]
    if "ca_certificate" in change:
        change = {"ca_certificate": elsewhere.certificate(change["ca_certificate"])}
    before = everything(platform)
    result = elsewhere.site(**change)
    refused(result, sentence)
    assert result.changed == []
    assert everything(platform) == before


def test_triggers_are_asked_for(platform: Platform, elsewhere: Elsewhere) -> None:
    if elsewhere.engine != "mysql":
        pytest.skip("only MySQL's binary log forbids them")
    before = everything(platform)
    refused(elsewhere.site(), "set log_bin_trust_function_creators = ON there.")
    assert everything(platform) == before
    elsewhere.ask("SET GLOBAL log_bin_trust_function_creators = ON")


def test_it_is_used(platform: Platform, elsewhere: Elsewhere) -> None:
    elsewhere.site().assert_ok()
    log_a_run(platform)
    assert elsewhere.ask("SELECT COUNT(*) FROM runs") >= "1"
    names = platform.host.check_output(
        "docker ps --filter label=com.docker.compose.project=mlflow --format '{{.Names}}'"
    )
    assert set(names.split()) == {"mlflow-mlflow-1", "mlflow-nginx-1"}
    left = "SELECT COUNT(*) FROM information_schema.tables WHERE table_name LIKE 'onprem%'"
    assert elsewhere.ask(left).strip() == "0", "the check leaves nothing"


def test_connections_are_encrypted(elsewhere: Elsewhere) -> None:
    if elsewhere.engine == "mysql":
        statement = (
            "SELECT COUNT(*), SUM(connection_type = 'SSL/TLS') FROM performance_schema.threads"
            " WHERE processlist_user = 'mlflow'"
        )
    else:
        statement = (
            "SELECT COUNT(*), SUM(ssl::int) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'mlflow'"
        )
    every, encrypted = elsewhere.ask(statement).replace("|", "\t").split()
    assert every == encrypted != "0"


def test_second_run_changes_nothing(elsewhere: Elsewhere) -> None:
    again = elsewhere.site()
    again.assert_ok()
    assert again.changed == []


def test_secret_is_a_file(platform: Platform, elsewhere: Elsewhere) -> None:
    password = elsewhere.option()["password"]
    assert platform.host.file("/opt/mlflow/secrets/mlflow_backend_store_uri").mode == 0o600
    found = platform.host.run(
        "grep --recursive --files-with-matches --fixed-strings -- %s /opt/mlflow", password
    ).stdout
    assert found.split() == []
    assert password not in platform.host.check_output("docker inspect mlflow-mlflow-1")


def test_platform_that_runs_is_left_alone(platform: Platform, elsewhere: Elsewhere) -> None:
    before = everything(platform)
    if elsewhere.engine == "mysql":
        refused(elsewhere.site(password="wrong"), "mlflow_database.password: ")
        refused(
            platform.site(mlflow_platform_database="mysql"),
            "mlflow_platform_database: found 'mysql', but the runs of this platform are in the database 'mlflow' at",
        )
    else:
        refused(
            elsewhere.site(name="latin"), "mlflow_database.name: found 'latin', but the runs of this platform are in"
        )
    assert everything(platform) == before


def test_changed_option_touches_mlflow_only(platform: Platform, elsewhere: Elsewhere) -> None:
    nginx = platform.container("nginx")["State"]["StartedAt"]
    change: dict[str, Any] = {"tls": "require", "ca_certificate": None}
    predicted = elsewhere.site(check=True, **change)
    predicted.assert_ok()
    elsewhere.site(**change).assert_ok()
    assert [name for name in predicted.changed if "mlflow" in name]
    assert platform.container("nginx")["State"]["StartedAt"] == nginx
    log_a_run(platform)
