"""The platform from outside: a real MLflow client, and requests that must be refused."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mlflow.artifacts import download_artifacts
from mlflow.entities import Metric, ViewType
from mlflow.tracking import MlflowClient
from testinfra.host import Host

if TYPE_CHECKING:
    from ..conftest import Platform

HOST = "mlflow.lab"
PORT = 15000
USERS = ("admin", "anna")
SEARCH = "/api/2.0/mlflow/experiments/search?max_results=1"
DENIED = (
    "/ajax-api/3.0/mlflow/assistant/config",
    "/ajax-api/3.0/MLflow/Assistant/config",
    "/ajax-api/3.0/mlflow/%61ssistant/config",
    "/ajax-api//3.0//mlflow/assistant/config",
    "/api/3.0/mlflow/../mlflow/assistant/config",
    "/ajax-api/3.0/jobs",
    "/ajax-api/3.0/jobs/search",
    "/gateway/",
    "/gateway/anything/invocations",
)


@pytest.fixture
def admin(platform: Platform) -> tuple[str, str]:
    return "admin", platform.password("admin")


@pytest.fixture(params=USERS)
def client(
    request: pytest.FixtureRequest, platform: Platform, resolved: None, monkeypatch: pytest.MonkeyPatch
) -> MlflowClient:
    """A client as users have it; one of them has a password of hostile characters."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{HOST}:{PORT}")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", request.param)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", platform.password(request.param))
    return MlflowClient(f"http://{HOST}:{PORT}")


def test_client_logs_runs_and_an_artifact(client: MlflowClient, tmp_path: Path) -> None:
    experiment = client.get_experiment_by_name("testinfra")
    experiment_id = experiment.experiment_id if experiment else client.create_experiment("testinfra")
    run_ids = [client.create_run(experiment_id).info.run_id for _ in range(5)]
    for step, run_id in enumerate(run_ids):
        client.log_param(run_id, "step", step)
        client.log_batch(run_id, metrics=[Metric("loss", 1 / number, 0, number) for number in range(1, 101)])

    content = os.urandom(20_000_000)
    (tmp_path / "model ä.bin").write_bytes(content)
    client.log_artifact(run_ids[0], str(tmp_path / "model ä.bin"), "folder")
    assert [item.path for item in client.list_artifacts(run_ids[0], "folder")] == ["folder/model ä.bin"]
    back = download_artifacts(run_id=run_ids[0], artifact_path="folder/model ä.bin", dst_path=str(tmp_path / "back"))
    assert hashlib.sha256(Path(back).read_bytes()).digest() == hashlib.sha256(content).digest()

    found = client.search_runs([experiment_id], "params.step = '3'", ViewType.ACTIVE_ONLY)
    assert run_ids[3] in [run.info.run_id for run in found]
    assert len(client.get_metric_history(run_ids[4], "loss")) == 100
    assert client.get_run(run_ids[0]).info.artifact_uri.startswith("mlflow-artifacts:/")
    for run_id in run_ids:
        client.delete_run(run_id)


def test_clients_are_not_sent_to_the_object_store(platform: Platform, admin: tuple[str, str]) -> None:
    """MLflow offers addresses of the object store, which no client can reach: the proxy keeps them back."""
    for api in ("api", "ajax-api"):
        answer = platform.request(f"/{api}/3.0/mlflow/server-info", admin)
        assert answer.status == 200
        offered = json.loads(answer.body)
        assert offered["multipart_downloads_enabled"] is False
        assert offered["multipart_uploads_enabled"] is False


def test_login_is_needed(platform: Platform) -> None:
    answer = platform.request(SEARCH)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("path", ["/", "/version", "/metrics", "/static-files/index.html", "/health"])
def test_nothing_is_open_without_a_password(platform: Platform, path: str) -> None:
    assert platform.request(path).status == 401


def test_right_password_is_let_in(platform: Platform) -> None:
    for user in USERS:
        assert platform.login_status(user, platform.password(user)) == 200


@pytest.mark.parametrize("password", ["wrong", "", " "])
def test_wrong_password_is_refused(platform: Platform, password: str) -> None:
    assert platform.login_status("admin", password) == 401


def test_passwords_that_differ_in_one_character_are_refused(platform: Platform) -> None:
    right = platform.password("anna")
    for wrong in (right[:-1], right + " ", right.replace("$HOME", ""), right.replace("ä", "a"), right.upper()):
        assert platform.login_status("anna", wrong) == 401, wrong


def test_users_of_one_virtual_host_are_strangers_to_the_other(platform: Platform) -> None:
    assert platform.login_status("bert", platform.password("bert")) == 401


def test_refusals_are_never_cached_as_a_right_password(platform: Platform) -> None:
    """Both sorts of requests at the same time, for the same user."""
    right = platform.password("anna")

    def ask(number: int) -> tuple[bool, int]:
        is_right = number % 2 == 0
        return is_right, platform.login_status("anna", right if is_right else f"no {number}")

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask, range(40)))
    assert answers == {(True, 200), (False, 401)}


@pytest.mark.parametrize("host", ["other.example.org", f"{HOST}:1", "192.0.2.1", "mlflow.lab.example.org:15000"])
def test_unknown_host_names_are_refused(platform: Platform, admin: tuple[str, str], host: str) -> None:
    assert platform.request(SEARCH, admin, host=host, port=PORT).status in (400, 403, 404, 421)


@pytest.mark.parametrize("path", DENIED)
def test_dangerous_paths_are_denied(platform: Platform, admin: tuple[str, str], path: str) -> None:
    for method in ("GET", "POST"):
        answer = platform.request(path, admin, method=method)
        assert (answer.status, b"nginx" in answer.body) == (403, True), f"{method} {path} reached MLflow"


def test_browser_of_another_site_is_refused(platform: Platform, admin: tuple[str, str]) -> None:
    path = "/ajax-api/2.0/mlflow/experiments/create"
    headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}
    foreign = platform.request(path, admin, method="POST", headers={**headers, "Origin": "http://evil.example.org"})
    own = platform.request(path, admin, method="POST", headers={**headers, "Origin": f"http://{HOST}:{PORT}"})
    assert foreign.status == 403
    assert own.status == 400, "let in, and then refused for its empty body"


def test_security_headers(platform: Platform, admin: tuple[str, str]) -> None:
    headers = platform.request("/", admin).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert not any(character.isdigit() for character in headers["server"]), "the version is nobody's business"


def test_user_interface_is_served(platform: Platform, admin: tuple[str, str]) -> None:
    answer = platform.request("/", admin)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert b"MLflow" in answer.body


def test_health_is_for_the_server_itself_only(platform: Platform, server: Host) -> None:
    ask = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:15080/health').read().decode())"
    assert server.check_output("python3 -c %s", ask) == "OK"
    with pytest.raises(ConnectionRefusedError):
        platform.request("/health", port=15080)


def test_second_virtual_host(platform: Platform) -> None:
    login = ("bert", platform.password("bert"))
    assert platform.request(SEARCH, login, host="second.lab:15001", port=15001).status == 200
