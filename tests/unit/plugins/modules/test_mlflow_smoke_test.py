# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The smoke test against answers recorded from MLflow 3.17.2 and nginx."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mlflow_rest import Endpoint
from ansible_collections.onprem.mlflow.plugins.module_utils.smoke_test import content
from ansible_collections.onprem.mlflow.plugins.modules import mlflow_smoke_test
from hypothesis import given
from hypothesis import strategies as st

RECORDED = Path(__file__).parents[1] / "fixtures" / "mlflow-3.17.2"
USER = "jörg"
PASSWORD = "$ \"'\\#%@:/? ä"
API = "/api/2.0/mlflow/"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts/"
RUN_ID = "6ffcd384cb974d9dbb7c0bfcc51b84e1"
ARTIFACT_PATH = f"2/{RUN_ID}/artifacts/onprem-smoke-test.bin"

# What is recorded for each request that goes well.
ANSWERS = {
    "GET experiments/search": "experiments_search",
    "GET server-info": "server_info",
    "GET experiments/get-by-name": "experiment_found",
    "POST experiments/create": "experiment_created",
    "POST experiments/restore": "experiment_restored",
    "POST runs/create": "run_created",
    "POST runs/log-parameter": "parameter_logged",
    "POST runs/log-metric": "metric_logged",
    "PUT artifact": "artifact_written",
    "GET artifacts/list": "artifacts_listed",
    "GET runs/get": "run_found",
    "DELETE artifact": "artifact_deleted",
    "POST runs/update": "run_updated",
    "POST runs/delete": "run_deleted",
}


class Replay(ThreadingHTTPServer):
    """Answers as recorded, with nginx's checks in front."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Any] = dict(ANSWERS)
        self.requests: list[str] = []
        self.stored: bytes | None = None
        self.checks_login = True
        self.checks_host = True

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Replay

    def answer(self, recorded: str) -> None:
        document = json.loads((RECORDED / f"{recorded}.json").read_text())
        self.send_bytes(document["status"], document["body"].encode())

    def send_bytes(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self) -> None:
        host = self.headers["Host"].partition(":")[0]
        if self.server.checks_host and host != "mlflow.lab":
            self.close_connection = True
            return
        _scheme, _, encoded = (self.headers["Authorization"] or "").partition(" ")
        if self.server.checks_login and b64decode(encoded).decode() != f"{USER}:{PASSWORD}":
            self.answer("nginx_unauthorized")
            return
        path = self.path.partition("?")[0]
        route = (
            f"{self.command} artifact" if path == ARTIFACTS + ARTIFACT_PATH else f"{self.command} {path[len(API) :]}"
        )
        self.server.requests.append(route)
        answer = self.server.answers.get(route)
        if callable(answer):
            answer(self)
        elif route == "GET artifact" and answer is None:
            self.send_bytes(200, self.server.stored or b"")
        elif answer is None:
            self.send_bytes(404, b"unexpected " + route.encode())
        else:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if route == "PUT artifact":
                self.server.stored = body
                if self.server.answers["GET artifacts/list"] == "artifacts_deleted":
                    self.server.answers["GET artifacts/list"] = "artifacts_listed"
            if route == "DELETE artifact":
                self.server.answers["GET artifacts/list"] = "artifacts_deleted"
            self.answer(answer)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def replay() -> Iterator[Replay]:
    with Replay() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def smoke(run_module: Callable[..., dict[str, Any]], replay: Replay) -> Callable[..., dict[str, Any]]:
    def run(check: bool = False, **args: Any) -> dict[str, Any]:
        defaults = {
            "url": "http://mlflow.lab:15000",
            "connect_address": replay.address,
            "username": USER,
            "password": PASSWORD,
            "timeout": 5,
        }
        result = run_module(mlflow_smoke_test.main, {**defaults, **args}, check=check)
        result.pop("invocation")
        assert PASSWORD not in json.dumps(result, ensure_ascii=False)
        assert result.get("changed", False) is False
        return result

    return run


Smoke = Callable[..., dict[str, Any]]


def test_everything_is_written_and_read_back(smoke: Smoke, replay: Replay) -> None:
    result = smoke()

    assert replay.requests == [
        "GET experiments/search",
        "GET server-info",
        "GET experiments/get-by-name",
        "POST runs/create",
        "POST runs/log-parameter",
        "POST runs/log-metric",
        "PUT artifact",
        "GET artifacts/list",
        "GET artifact",
        "GET runs/get",
        "DELETE artifact",
        "GET artifacts/list",
        "POST runs/update",
        "POST runs/delete",
    ]
    assert replay.stored is not None
    assert len(replay.stored) == 1048576
    assert result["sha256"] == hashlib.sha256(replay.stored).hexdigest()
    assert (result["run_id"], result["experiment_id"], result["artifact_bytes"]) == (RUN_ID, "2", 1048576)
    assert result["refused"] == {
        "no_password": "401",
        "wrong_password": "401",
        "wrong_host": "closed connection",
    }
    assert 0 <= result["upload_seconds"] <= result["total_seconds"]
    assert 0 <= result["download_seconds"] <= result["total_seconds"]


def test_missing_experiment_is_made(smoke: Smoke, replay: Replay) -> None:
    replay.answers["GET experiments/get-by-name"] = "experiment_missing"

    assert smoke()["experiment_id"] == "2"
    assert "POST experiments/create" in replay.requests


def test_experiment_that_somebody_else_made_meanwhile_is_taken(smoke: Smoke, replay: Replay) -> None:
    def first_missing(handler: Handler) -> None:
        replay.answers["GET experiments/get-by-name"] = "experiment_found"
        handler.answer("experiment_missing")

    replay.answers["GET experiments/get-by-name"] = first_missing
    replay.answers["POST experiments/create"] = "experiment_exists"

    assert smoke()["experiment_id"] == "2"


def test_deleted_experiment_is_restored(smoke: Smoke, replay: Replay) -> None:
    replay.answers["GET experiments/get-by-name"] = "experiment_found_deleted"

    smoke()

    assert "POST experiments/restore" in replay.requests


def test_other_address_below_a_path(smoke: Smoke, replay: Replay) -> None:
    result = smoke(url="http://mlflow.lab/below/")

    assert "HTTP 404" in result["msg"]
    assert result["msg"].endswith("look at the path of the address.")


@pytest.mark.parametrize(
    ("route", "answer", "step", "advice"),
    [
        (
            "GET experiments/search",
            "nginx_bad_gateway",
            "asking for an answer",
            "the proxy was reached, MLflow was not",
        ),
        ("GET experiments/search", "host_refused", "asking for an answer", "look at the virtual hosts"),
        ("POST runs/create", "nginx_bad_gateway", "making a run", "look at the log of MLflow"),
        ("POST runs/log-metric", "artifact_missing", "logging a parameter and a metric", "look at the path"),
        ("PUT artifact", "nginx_bad_gateway", "uploading the artifact", "look at the log of MLflow"),
        ("GET artifacts/list", "artifacts_none", "listing the artifact", "look at the artifact store"),
        ("GET artifact", "artifact_missing", "downloading the artifact", "look at the path"),
        ("GET runs/get", "run_created", "reading the run back", "look at the database"),
        ("DELETE artifact", "nginx_bad_gateway", "deleting the artifact", "look at the log of MLflow"),
        ("POST runs/delete", "nginx_bad_gateway", "deleting the run", "look at the log of MLflow"),
    ],
)
def test_failing_step_is_named_and_the_run_removed(
    smoke: Smoke, replay: Replay, route: str, answer: str, step: str, advice: str
) -> None:
    replay.answers[route] = answer

    result = smoke()

    assert result["msg"].startswith(f"The smoke test failed at {step}: ")
    assert advice in result["msg"]
    assert result["msg"].count(". ") == 0
    made = "POST runs/create" in replay.requests and route != "POST runs/create"
    assert ("POST runs/delete" in replay.requests) is made


def test_spoilt_artifact_is_found(smoke: Smoke, replay: Replay) -> None:
    replay.answers["GET artifact"] = lambda handler: handler.send_bytes(200, bytes(1048576))

    assert "are not the 1048576 that were sent" in smoke()["msg"]
    assert replay.requests[-1] == "POST runs/delete"


def test_broken_download_is_found(smoke: Smoke, replay: Replay) -> None:
    def break_off(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1048576")
        handler.end_headers()
        handler.wfile.write(b"x" * 1000)

    replay.answers["GET artifact"] = break_off

    assert "failed at downloading the artifact" in smoke()["msg"]


def test_refusal_in_the_middle_of_an_upload_is_read(smoke: Smoke, replay: Replay) -> None:
    def too_large(handler: Handler) -> None:
        handler.send_bytes(413, b"<html><head><title>413 Request Entity Too Large</title></head></html>")
        handler.close_connection = True

    replay.answers["PUT artifact"] = too_large

    msg = smoke(artifact_bytes=30_000_000)["msg"]
    assert "HTTP 413 Request Entity Too Large" in msg or "gave no answer" in msg
    assert "failed at uploading the artifact" in msg


def test_transfer_past_the_proxy_is_a_failure(smoke: Smoke, replay: Replay) -> None:
    replay.answers["GET server-info"] = "server_info_direct"

    assert "multipart_downloads_enabled and multipart_uploads_enabled would send clients" in smoke()["msg"]
    assert "POST runs/create" not in replay.requests


def test_transfer_past_the_proxy_is_what_was_wanted(smoke: Smoke, replay: Replay) -> None:
    replay.answers["GET server-info"] = "server_info_direct"

    assert smoke(expect_direct_transfer=True)["run_id"] == RUN_ID


def test_transfer_past_the_proxy_is_missed(smoke: Smoke, replay: Replay) -> None:
    assert "clients are not sent to the object store" in smoke(expect_direct_transfer=True)["msg"]
    assert "POST runs/create" not in replay.requests


def test_older_server_without_an_answer_is_taken(smoke: Smoke, replay: Replay) -> None:
    replay.answers["GET server-info"] = lambda handler: handler.send_bytes(404, b"")

    assert smoke()["run_id"] == RUN_ID


def test_artifacts_that_are_not_proxied_are_named(smoke: Smoke, replay: Replay) -> None:
    def elsewhere(handler: Handler) -> None:
        text = json.loads((RECORDED / "run_created.json").read_text())["body"]
        handler.send_bytes(200, text.replace("mlflow-artifacts:/", "s3://bucket/").encode())

    replay.answers["POST runs/create"] = elsewhere

    assert "leaves them at s3://bucket/2" in smoke()["msg"]
    assert replay.requests[-1] == "POST runs/delete"


def test_something_else_than_mlflow_is_told(smoke: Smoke, replay: Replay) -> None:
    replay.answers["GET experiments/search"] = lambda handler: handler.send_bytes(200, b"<html>hello</html>")
    assert "is not MLflow's JSON" in smoke()["msg"]

    replay.answers["GET experiments/search"] = "experiments_search"
    replay.answers["GET experiments/get-by-name"] = lambda handler: handler.send_bytes(200, b'{"experiment": 3}')
    assert "is not MLflow's" in smoke()["msg"]


def test_redirect_is_not_followed(smoke: Smoke, replay: Replay) -> None:
    def redirect(handler: Handler) -> None:
        handler.send_response(301)
        handler.send_header("Location", "https://mlflow.lab/x" + handler.path)
        handler.end_headers()

    replay.answers["GET experiments/search"] = redirect

    assert smoke()["msg"].endswith("write the address that it leads to as url, https://mlflow.lab/x.")


def test_open_door_is_a_failure(smoke: Smoke, replay: Replay) -> None:
    replay.checks_login = False
    assert "failed at trying no password: 200 came in place of 401" in smoke()["msg"]
    assert smoke(expect_login=False)["refused"] == {"wrong_host": "closed connection"}

    replay.checks_host = False
    assert "failed at trying a wrong host name: 200 came" in smoke(expect_login=False)["msg"]
    assert smoke(expect_login=False, expect_host_check=False)["refused"] == {}


def test_wrong_login_is_told(smoke: Smoke) -> None:
    assert smoke(password="other")["msg"].endswith(
        "HTTP 401 Authorization Required; look at the user and the password."
    )


def test_unreachable_server_is_told(smoke: Smoke) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert "gave no answer, Connection refused" in smoke(connect_address=f"127.0.0.1:{port}")["msg"]
    assert "the host name is not known here" in smoke(connect_address="mlflow.invalid")["msg"]


def test_silent_server_is_told(smoke: Smoke) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"

        assert "gave no answer, no answer in time" in smoke(connect_address=address, timeout=1)["msg"]


def test_check_mode_sends_nothing(smoke: Smoke, replay: Replay) -> None:
    assert "Nothing was sent" in smoke(check=True)["msg"]
    assert replay.requests == []
    assert "write an address such as" in smoke(check=True, url="mlflow.lab")["msg"]


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({"url": "ftp://mlflow.lab"}, "url: found 'ftp://mlflow.lab'"),
        ({"url": "http://mlflow.lab:0x"}, "Port could not be cast"),
        ({"url": "http://mlflow.lab/?a=b"}, "write it without a query"),
        ({"url": "http://user:hush@mlflow.lab"}, "url: holds a user"),
        ({"connect_address": "a:b:c d"}, "connect_address: found"),
        ({"connect_address": "mlflow.lab:70000"}, "connect_address: found"),
        ({"ca_path": "/does/not/exist.pem"}, "ca_path: /does/not/exist.pem holds no certificates"),
        ({"artifact_bytes": 0}, "artifact_bytes: found 0, write at least 1."),
        ({"timeout": 0}, "timeout: found 0, write at least 1."),
        ({"username": None, "password": None}, "username: is missing"),
    ],
)
def test_bad_option_is_refused(smoke: Smoke, replay: Replay, args: dict[str, Any], sentence: str) -> None:
    result = smoke(**args)

    assert sentence in result["msg"]
    assert "hush" not in result["msg"]
    assert replay.requests == []


@pytest.mark.parametrize(
    ("url", "connect", "host_header", "connects_to"),
    [
        ("http://mlflow.lab", None, "mlflow.lab", "mlflow.lab:80"),
        ("https://mlflow.lab:443/x", None, "mlflow.lab", "mlflow.lab:443"),
        ("http://mlflow.lab:443", None, "mlflow.lab:443", "mlflow.lab:443"),
        ("http://mlflow.lab:15000", "10.0.0.5", "mlflow.lab:15000", "10.0.0.5:15000"),
        ("http://mlflow.lab", "10.0.0.5:15000", "mlflow.lab", "10.0.0.5:15000"),
        ("http://mlflow.lab", "[fd00::5]:15000", "mlflow.lab", "[fd00::5]:15000"),
        ("http://mlflow.lab", "fd00::5", "mlflow.lab", "[fd00::5]:80"),
        ("http://[fd00::5]:15000", None, "[fd00::5]:15000", "[fd00::5]:15000"),
    ],
)
def test_addresses(url: str, connect: str | None, host_header: str, connects_to: str) -> None:
    endpoint = Endpoint.parse(url, connect)

    assert (endpoint.host_header, endpoint.connects_to) == (host_header, connects_to)


@given(st.text(max_size=20), st.none() | st.text(max_size=20))
def test_any_address_is_good_or_refused(url: str, connect: str | None) -> None:
    try:
        endpoint = Endpoint.parse(f"http://{url}", connect)
    except InputError:
        return
    assert 1 <= endpoint.connect_port <= 65535
    assert endpoint.host_header.isprintable()
    assert " " not in endpoint.prefix


@given(st.integers(1, 3 << 20))
def test_content_has_its_size_and_repeats_itself(size: int) -> None:
    first = b"".join(content(size))

    assert len(first) == size
    assert first == b"".join(content(size))
