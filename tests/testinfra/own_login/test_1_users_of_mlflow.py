"""MLflow asks for passwords itself: users with permissions, and a health that knows of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException
from requests.exceptions import HTTPError
from testinfra.host import Host

from .conftest import Apply, LogIn, password

if TYPE_CHECKING:
    from ..conftest import Answer, Platform

SEARCH = "/api/2.0/mlflow/experiments/search?max_results=1"
USERS = ("admin", "anna", "bert", "clara")
HEALTH = "docker exec mlflow-mlflow-1 python3 /opt/mlflow/onprem/healthcheck.py"


def ask(platform: Platform, login: tuple[str, str] | None, path: str = SEARCH) -> Answer:
    return platform.request(path, login, host="mlflow.example.org:15000")


def test_only_right_passwords_are_let_in_by_every_worker(platform: Platform) -> None:
    answer = ask(platform, None)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="mlflow"'
    assert ask(platform, ("nobody", "a password of nobody")).status == 401
    for user in USERS:
        right = password(platform, user)
        assert ask(platform, (user, f"{right}x")).status == 401
        # More often than there are workers.
        assert {ask(platform, (user, right)).status for _ in range(6)} == {200}, user


@pytest.mark.parametrize("path", ["/ajax-api/3.0/mlflow/assistant/config", "/gateway/", "/ajax-api/3.0/jobs"])
def test_what_the_proxy_denies_stays_denied_to_an_administrator(platform: Platform, path: str) -> None:
    assert ask(platform, ("admin", password(platform, "admin")), path).status == 403


@pytest.mark.usefixtures("resolved")
def test_a_user_keeps_what_is_his_from_the_others(log_in: LogIn, tmp_path: Path) -> None:
    anna = log_in("anna")
    experiment = anna.create_experiment("of anna")
    run = anna.create_run(experiment).info.run_id
    anna.log_metric(run, "loss", 0.5)
    (tmp_path / "model.bin").write_bytes(b"\x00\xff" * 4096)
    anna.log_artifact(run, str(tmp_path / "model.bin"))
    read = Path(download_artifacts(run_id=run, artifact_path="model.bin", dst_path=str(tmp_path / "anna")))
    assert read.read_bytes() == b"\x00\xff" * 4096

    bert = log_in("bert")
    assert "of anna" not in [found.name for found in bert.search_experiments()]
    for attempt in (
        lambda: bert.get_run(run),
        lambda: bert.log_metric(run, "loss", 0.1),
        lambda: bert.delete_experiment(experiment),
        lambda: bert.list_artifacts(run),
        lambda: download_artifacts(artifact_uri=f"mlflow-artifacts:/{experiment}/{run}/artifacts/model.bin"),
    ):
        # Of artifacts MLflow's client hands on what requests says.
        with pytest.raises((MlflowException, HTTPError), match=r"403|Permission denied"):
            attempt()

    clara = log_in("clara")
    assert clara.get_run(run).data.metrics == {"loss": 0.5}
    clara.log_metric(run, "loss", 0.25)


def test_health_needs_the_database_and_the_login(server: Host) -> None:
    assert server.run(HEALTH).rc == 0
    server.check_output("docker pause mlflow-mysql-1")
    try:
        assert server.run(HEALTH).rc != 0
    finally:
        server.check_output("docker unpause mlflow-mysql-1")
    assert server.run(HEALTH).rc == 0


def test_no_secret_is_seen_from_outside_of_a_container(platform: Platform, server: Host) -> None:
    seen = json.dumps(platform.container("mlflow")) + server.check_output("ps -eww -o args")
    assert not [name for name, secret in platform.secrets().items() if secret in seen]


def test_a_changed_list_of_users_is_in_force_without_a_restart(platform: Platform, apply: Apply) -> None:
    anna, bert = password(platform, "anna"), password(platform, "bert")
    wanted = [{"name": "anna", "password": "another one of anna's"}, {"name": "clara"}]
    assert apply(predict=True, repeat=True, mlflow_users=wanted) == set()
    assert ask(platform, ("anna", anna)).status == 401
    assert ask(platform, ("bert", bert)).status == 401
    clara = ("clara", password(platform, "clara"))
    assert {ask(platform, ("anna", "another one of anna's")).status for _ in range(6)} == {200}
    assert ask(platform, clara).status == 200
    assert ask(platform, clara, "/api/2.0/mlflow/users/get?username=anna").status == 403, "is no administrator any more"
