"""What MLflow's published holes tried, tried by a user with a password."""

from __future__ import annotations

import base64
import http.client
import json
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from ..conftest import Answer, Platform

API = "/api/2.0/mlflow"
# Folders of MLflow's container with what no user may read, and files in them.
FOLDERS = {
    "file:///run/secrets": "mlflow_backend_store_uri",
    "/run/secrets": "mlflow_backend_store_uri",
    "file://localhost/run/secrets": "mlflow_backend_store_uri",
    "FILE:///run/secrets": "mlflow_backend_store_uri",
    "c:/../run/secrets": "mlflow_backend_store_uri",
    "/artifacts/../run/secrets": "mlflow_backend_store_uri",
    "file:///proc/self": "environ",
    "/etc": "passwd",
    "/": "etc/passwd",
    ".": "etc/passwd",
}
UP = (
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "%252e%252e%252fetc%252fpasswd",
    "/etc/passwd",
)
# Addresses that the server would have to ask for its user.
INSIDE = (
    "http://127.0.0.1:5000/",
    "http://mysql:3306/",
    "https://rustfs:9000/mlflow",
    "ftp://127.0.0.1/",
    "sftp://root@127.0.0.1/",
    "hdfs://127.0.0.1/",
    "mlflow-artifacts://mysql:3306/",
)


class User:
    """A user who sends what no client of MLflow's would."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.login = ("admin", platform.password("admin"))
        self.secrets = [value.encode() for value in platform.secrets().values()]

    def get(self, path: str) -> Answer:
        answer = self.platform.request(path, self.login)
        self.assert_harmless(answer.body)
        return answer

    def post(self, path: str, **content: Any) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection(self.platform.address, 15000, timeout=60)
        body = json.dumps(content)
        headers = {
            "Host": "mlflow.lab:15000",
            "Content-Type": "application/json",
            "Authorization": http_basic(*self.login),
        }
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        self.assert_harmless(text)
        return answer.status, json.loads(text) if text.startswith(b"{") else {}

    def assert_harmless(self, text: bytes) -> None:
        assert b"root:x:0" not in text
        assert b"MLFLOW_BACKEND_STORE_URI=" not in text
        assert not [secret for secret in self.secrets if secret in text]


def http_basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture(scope="module")
def user(platform: Platform) -> User:
    return User(platform)


@pytest.fixture
def run(user: User) -> Iterator[str]:
    """A run of the user's own, whose artifacts are where they should be."""
    status, made = user.post(f"{API}/experiments/create", name=f"holes-{uuid.uuid4()}")
    assert status == 200
    status, begun = user.post(f"{API}/runs/create", experiment_id=made["experiment_id"], start_time=1)
    assert status == 200
    yield begun["run"]["info"]["run_id"]
    user.post(f"{API}/experiments/delete", experiment_id=made["experiment_id"])


@pytest.mark.parametrize("location", FOLDERS)
def test_no_folder_of_the_server_is_an_artifact_location(user: User, location: str) -> None:
    status, made = user.post(f"{API}/experiments/create", name=f"holes-{uuid.uuid4()}", artifact_location=location)
    if status == 200:
        _, begun = user.post(f"{API}/runs/create", experiment_id=made["experiment_id"], start_time=1)
        run_id = begun["run"]["info"]["run_id"]
        file = FOLDERS[location]
        assert user.get(f"/get-artifact?run_id={run_id}&path={quote(file, safe='')}").status >= 400
        assert user.get(f"{API}/artifacts/list?run_id={run_id}").status >= 400
        status, _ = user.post(f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run_id}&path=x", x="y")
        assert status >= 400
        user.post(f"{API}/experiments/delete", experiment_id=made["experiment_id"])


@pytest.mark.parametrize("path", UP)
def test_no_path_leads_out_of_the_artifacts(user: User, run: str, path: str) -> None:
    for address in (
        f"/api/2.0/mlflow-artifacts/artifacts/{path}",
        f"/ajax-api/2.0/mlflow-artifacts/artifacts/{path}",
        f"/api/2.0/mlflow-artifacts/artifacts?path={path}",
        f"/get-artifact?run_id={run}&path={path}",
        f"{API}/artifacts/list?run_id={run}&path={path}",
        f"/ajax-api/2.0/mlflow/get-trace-artifact?request_id={path}",
        f"/static-files/{path}",
    ):
        answer = user.get(address)
        # A redirect leads to the same path with single slashes.
        assert answer.status != 200 or answer.headers["content-type"].startswith("application/json"), address
        assert b'"files": [{' not in answer.body, address


@pytest.mark.parametrize(
    "source", ["file:///etc", "/etc", "file:///run/secrets", "../../../etc", "mlflow-artifacts:/../../etc"]
)
def test_no_model_version_comes_from_a_folder_of_the_server(user: User, run: str, source: str) -> None:
    name = f"holes-{uuid.uuid4()}"
    assert user.post(f"{API}/registered-models/create", name=name)[0] == 200
    for options in ({}, {"run_id": run}):
        assert user.post(f"{API}/model-versions/create", name=name, source=source, **options)[0] >= 400
    assert user.get(f"/model-versions/get-artifact?name={name}&version=1&path=passwd").status >= 400
    assert user.platform.request(f"{API}/registered-models/get?name={name}", user.login).status == 200
    user.post(f"{API}/registered-models/delete", name=name)


@pytest.mark.parametrize("address", INSIDE)
def test_the_server_asks_nobody_for_its_user(user: User, address: str) -> None:
    name = f"holes-{uuid.uuid4()}"
    assert user.post(f"{API}/experiments/create", name=name, artifact_location=address)[0] == 400
    webhook = {"name": name, "url": address, "events": [{"entity": "REGISTERED_MODEL", "action": "CREATED"}]}
    assert user.post(f"{API}/webhooks", **webhook)[0] >= 400


def test_the_gateway_asks_nobody_either(user: User) -> None:
    path = "/ajax-api/2.0/mlflow/gateway-proxy"
    # It has no gateway to ask: this is what it says by itself.
    assert json.loads(user.get(f"{path}?gateway_path=http://127.0.0.1:5000/health").body) == {"endpoints": []}
    status, answer = user.post(path, gateway_path="http://127.0.0.1:5000/health")
    assert status >= 400 or answer == {"endpoints": []}


def test_a_page_among_the_artifacts_does_not_run(user: User, run: str) -> None:
    status, _ = user.post(f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=page.html", page="<script>")
    assert status == 200
    headers = user.get(f"/get-artifact?run_id={run}&path=page.html").headers
    assert headers["content-disposition"].startswith("attachment")
    assert headers["x-content-type-options"] == "nosniff"
