# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sample of artifacts against exchanges recorded from MLflow 3.17.2 and MinIO."""

from __future__ import annotations

import hashlib
import json
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import artifact_sample_rest, artifact_sample_run
from ansible_collections.onprem.mlflow.plugins.modules import mlflow_artifact_sample

EXCHANGES = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "mlflow-3.17.2-artifacts" / "exchanges.json").read_text()
)
PASSWORD = "$ \"'\\#%@:/? ä"
SECRET = "a secret % key"

PROXIED_RUN = "f49f09ebe4914852aec2e66efca0c777"
DIRECT_RUN = "62a7fa7f515a4a4bb13b961eb402a8f2"
PROXIED_MODEL = "m-3c52fc082c8242f697996877a697aaeb"
DIRECT_MODEL = "m-3e4a12b0ac8545118fd0acb20af26b41"

SPACE_PROXIED = f"GET /api/2.0/mlflow-artifacts/artifacts/2/{PROXIED_RUN}/artifacts/with%20space.txt"
SPACE_DIRECT = f"GET /get-artifact?run_id={DIRECT_RUN}&path=with+space.txt"
SPACE_STORE = f"GET /direct-files/my%20exp/{DIRECT_RUN}/artifacts/with%20space.txt"
MISSING_MLFLOW = EXCHANGES[f"mlflow GET /get-artifact?run_id={DIRECT_RUN}&path=missing.txt"]
MISSING_STORE = EXCHANGES["store GET /direct-files/missing"]
NO_BUCKET = EXCHANGES["store GET /no-such-bucket/missing"]

Sample = Callable[..., dict[str, Any]]
Exchange = dict[str, Any]


class Replay(ThreadingHTTPServer):
    """Answers what is recorded under its name, unless a test says otherwise."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.exchanges: dict[str, Exchange] = {
            key.removeprefix(f"{name} "): answer for key, answer in EXCHANGES.items() if key.startswith(f"{name} ")
        }
        self.requests: list[str] = []
        self.logins: set[str] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def change(self, key: str, answer: Exchange | None) -> None:
        """Give another answer, or `unexpected`."""
        assert key in self.exchanges
        if answer is None:
            del self.exchanges[key]
        else:
            self.exchanges[key] = answer

    def rewrite(self, old: str, new: str) -> None:
        """Change the text of all answers of the API."""
        for key, answer in self.exchanges.items():
            if answer.get("body", "").startswith("{"):
                self.exchanges[key] = {**answer, "body": answer["body"].replace(old, new)}


class Handler(BaseHTTPRequestHandler):
    server: Replay

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        key = f"{self.command} {self.path} {body}".rstrip()
        self.server.requests.append(key)
        self.server.logins.add(self.headers["Authorization"] or "")
        answer = self.server.exchanges.get(key, {"status": 418, "body": f"unexpected {key}"})
        if key not in self.server.exchanges and "max-keys=1&" in key:
            # Asked whether a file is a folder too.
            answer = {"status": 200, "body": "<ListBucketResult/>"}
        content = b64decode(answer["base64"]) if "base64" in answer else answer["body"].encode()
        self.send_response(answer["status"])
        self.send_header("Content-Length", str(answer.get("length", len(content))))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer  # noqa: N815

    def log_message(self, *args: Any) -> None:
        pass


def serve(name: str) -> Iterator[Replay]:
    with Replay(name) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def mlflow() -> Iterator[Replay]:
    yield from serve("mlflow")


@pytest.fixture
def store() -> Iterator[Replay]:
    yield from serve("store")


@pytest.fixture
def sample(
    run_module: Callable[..., dict[str, Any]], mlflow: Replay, store: Replay, monkeypatch: pytest.MonkeyPatch
) -> Sample:
    # As it was recorded.
    monkeypatch.setattr(artifact_sample_rest, "PAGE_ITEMS", 2)
    monkeypatch.setattr(artifact_sample_rest, "EXPERIMENTS_AT_ONCE", 2)
    monkeypatch.setattr(artifact_sample_rest, "PAUSES", (0, 0, 0))

    def run(check: bool = False, **args: Any) -> dict[str, Any]:
        defaults = {
            "url": "http://mlflow.lab:15000",
            "connect_address": mlflow.address,
            "username": "jörg",
            "password": PASSWORD,
            "timeout": 5,
            "store": {"endpoint_url": f"http://{store.address}", "access_key": "key", "secret_key": SECRET},
            "store_name": "minio_migration_source",
            "artifacts_destination": "s3://mlflow-files/artifacts",
            "sample": 1000,
        }
        given = {name: value for name, value in {**defaults, **args}.items() if value is not None}
        result = run_module(mlflow_artifact_sample.main, given, check=check)
        result.pop("invocation")
        text = json.dumps(result, ensure_ascii=False)
        assert PASSWORD not in text
        assert SECRET not in text
        assert result.get("changed", False) is False
        return result

    return run


def names(items: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(item["id"], item["path"]) for item in items}


def test_everything_is_read_from_both_sides(sample: Sample, mlflow: Replay) -> None:
    result = sample()

    assert len(result["drawn"]) == result["same"] == 30
    assert result["listed"] == result["looked_at"] == {"run": 4, "logged_model": 2, "model_version": 2}
    # hash#tag.txt, 100%25.txt and Foo:bar.txt are in S3, and MLflow does not serve such names from there.
    assert result["passed_over"] == {"too_large": 0, "refused": 3, "elsewhere": 0, "gone": 0}
    assert (result["different"], result["missing_in_store"], result["missing_in_mlflow"]) == ([], [], [])
    item = next(item for item in result["drawn"] if (item["id"], item["path"]) == (DIRECT_RUN, "what?.txt"))
    digest = hashlib.sha256(b"what?.txt of direct\n").hexdigest()
    assert item == {
        "kind": "run",
        "id": DIRECT_RUN,
        "path": "what?.txt",
        "uri": f"s3://direct-files/my exp/{DIRECT_RUN}/artifacts/what?.txt",
        "bytes": 20,
        "sha256": digest,
        "source_bytes": 20,
        "source_sha256": digest,
        "same": True,
    }
    assert {item["kind"] for item in result["drawn"]} == {"run", "logged_model", "model_version"}
    assert {item["id"] for item in result["drawn"] if item["kind"] == "model_version"} == {
        "a model, direct/1",
        "a model, proxied/1",
    }
    assert "msg" not in result
    assert len(mlflow.logins) == 1
    assert next(iter(mlflow.logins)).startswith("Basic ")


def test_small_sample_has_one_of_each_kind_and_scheme(sample: Sample) -> None:
    result = sample(sample=5)

    assert {item["kind"] for item in result["drawn"]} == {"run", "logged_model", "model_version"}
    assert sum(item["uri"].startswith("s3:") for item in result["drawn"] if item["kind"] != "model_version") == 2
    assert result["same"] == 5


def test_seed_draws_the_same_again(sample: Sample) -> None:
    assert sample(sample=7, seed="x")["drawn"] == sample(sample=7, seed="x")["drawn"]
    assert len({json.dumps(sample(sample=7, seed=str(seed))["drawn"]) for seed in range(4)}) > 1


def test_check_mode_reads_the_same(sample: Sample) -> None:
    assert sample(check=True, seed="x") == sample(seed="x")


def test_former_sample_is_read_again_without_listing_runs(sample: Sample, mlflow: Replay) -> None:
    before = sample(sample=9)
    mlflow.requests.clear()

    after = sample(expected=before["drawn"])

    assert after["drawn"] == before["drawn"]
    assert not any("search" in request for request in mlflow.requests)


def test_no_file_is_held_in_memory_whole(sample: Sample, mlflow: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact_sample_rest, "CHUNK_BYTES", 7)

    assert sample()["same"] == 30


def test_different_content_is_found(sample: Sample, mlflow: Replay) -> None:
    mlflow.change(SPACE_PROXIED, {"status": 200, "body": "another text"})

    result = sample()

    assert names(result["different"]) == {(PROXIED_RUN, "with space.txt")}
    assert result["failed"]
    assert result["same"] == 29
    assert result["msg"].startswith(
        f"Of 30 artifacts that were to be read through {mlflow.address}, 1 different: run {PROXIED_RUN}"
        " 'with space.txt' has 12 bytes with SHA-256 "
    )
    assert result["msg"].endswith("look at the endpoint, the key and the bucket that MLflow has, and at its log.")


def test_what_mlflow_cannot_read_is_found(sample: Sample, mlflow: Replay) -> None:
    mlflow.change(SPACE_DIRECT, MISSING_MLFLOW)

    result = sample()

    assert names(result["missing_in_mlflow"]) == {(DIRECT_RUN, "with space.txt")}
    assert f"run {DIRECT_RUN} 'with space.txt' cannot be read through MLflow (HTTP 500" in result["msg"]


def test_what_mlflow_does_not_list_is_found_in_the_store(sample: Sample, mlflow: Replay) -> None:
    listing = f"GET /api/2.0/mlflow/artifacts/list?run_id={PROXIED_RUN}"
    document = json.loads(mlflow.exchanges[listing]["body"])
    document["files"] = [item for item in document["files"] if item["path"] != "with space.txt"]
    mlflow.change(listing, {"status": 200, "body": json.dumps(document)})

    result = sample()
    assert names(result["missing_in_mlflow"]) == {(PROXIED_RUN, "with space.txt")}
    assert "its folder is listed without it" in result["msg"]

    mlflow.change(SPACE_PROXIED, MISSING_MLFLOW)
    assert "HTTP 500" in sample()["missing_in_mlflow"][0]["reason"]

    mlflow.change(listing, {"status": 500, "body": '{"error_code": "INTERNAL_ERROR", "message": "Access Denied"}'})
    reasons = {item["reason"] for item in sample()["missing_in_mlflow"]}
    assert "its folder is not listed, HTTP 500 Access Denied" in reasons


def test_what_the_store_lacks_is_found(sample: Sample, store: Replay) -> None:
    store.change(SPACE_STORE, MISSING_STORE)

    result = sample()

    assert names(result["missing_in_store"]) == {(DIRECT_RUN, "with space.txt")}
    assert f"1 not in the store: run {DIRECT_RUN} 'with space.txt' is not in the store;" in result["msg"]


def test_no_more_than_three_are_named(sample: Sample, mlflow: Replay) -> None:
    for key in mlflow.exchanges:
        if key.startswith("GET /api/2.0/mlflow-artifacts/artifacts/2/"):
            mlflow.change(key, MISSING_MLFLOW)

    result = sample()

    assert len(result["missing_in_mlflow"]) == 15
    assert "15 not readable through MLflow" in result["msg"]
    assert "; and 12 more; look at" in result["msg"]
    assert result["msg"].count(". ") == 0


def test_file_that_is_gone_on_both_sides_is_no_failure_unless_expected(
    sample: Sample, mlflow: Replay, store: Replay
) -> None:
    before = sample()
    mlflow.change(SPACE_DIRECT, MISSING_MLFLOW)
    store.change(SPACE_STORE, MISSING_STORE)

    result = sample()
    assert (len(result["drawn"]), result["same"], result["passed_over"]["gone"]) == (29, 29, 1)

    assert names(sample(expected=before["drawn"])["missing_in_mlflow"]) == {(DIRECT_RUN, "with space.txt")}


def test_name_that_mlflow_refuses_is_no_failure_unless_expected(sample: Sample, mlflow: Replay) -> None:
    before = sample()
    mlflow.change(SPACE_DIRECT, EXCHANGES[f"mlflow GET /get-artifact?run_id={DIRECT_RUN}&path=hash%23tag.txt"])

    assert sample()["passed_over"]["refused"] == 4
    assert "HTTP 400 Invalid path" in sample(expected=before["drawn"])["msg"]


def test_file_with_the_name_of_a_folder_is_passed_over(sample: Sample, mlflow: Replay, store: Replay) -> None:
    mlflow.change(SPACE_DIRECT, {"status": 200, "body": ""})
    listing = next(key for key in store.exchanges if f"{DIRECT_RUN}%2Fartifacts%2F&" in key)
    key = listing.replace("artifacts%2F&", "artifacts%2Fwith%20space.txt%2F&").replace("max-keys=1000", "max-keys=1")
    store.exchanges[key] = store.exchanges[listing]

    result = sample()

    assert (result["passed_over"]["refused"], result["different"]) == (4, [])


def test_table_that_was_appended_to_is_told(sample: Sample, mlflow: Replay, store: Replay) -> None:
    before = sample()
    mlflow.change(SPACE_DIRECT, {"status": 200, "body": "longer"})
    store.change(SPACE_STORE, {"status": 200, "body": "longer"})

    result = sample(expected=before["drawn"])

    assert names(result["changed_since"]) == {(DIRECT_RUN, "with space.txt")}
    assert result["same"] == 30


def test_run_that_is_gone_is_a_failure_where_it_is_expected(sample: Sample) -> None:
    gone = {"kind": "run", "id": "0" * 32, "path": "x", "uri": "s3://a/x"}

    result = sample(expected=[gone])

    assert result["missing_in_mlflow"][0]["reason"] == "MLflow does not have it"
    assert result["drawn"][0]["uri"] == "s3://a/x"


def test_large_files_are_counted(sample: Sample) -> None:
    result = sample(max_bytes=100)

    assert result["passed_over"]["too_large"] > 4
    assert all(item["bytes"] <= 100 for item in result["drawn"])


def test_other_names_in_the_store(sample: Sample, mlflow: Replay) -> None:
    mlflow.rewrite("s3://direct-files/my exp", "s3://new/place")

    result = sample(
        artifacts_destination="s3://new/proxied",
        bucket_map={"new/place": "direct-files/my exp", "new": "wrong", "new/proxied": "mlflow-files/artifacts"},
    )

    assert result["same"] == 30
    assert {item["uri"].partition("/place/")[0] for item in result["drawn"] if "place" in item["uri"]} == {"s3://new"}


def test_bucket_that_the_store_lacks(sample: Sample, store: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in store.exchanges:
        if key.startswith("GET /direct-files"):
            store.change(key, NO_BUCKET)

    # Without a list of the store's there is nothing to draw of the version, which MLflow does not list.
    assert len(sample()["missing_in_store"]) == 10

    # Beyond the first runs, MLflow is asked only for what those have that are in the store.
    monkeypatch.setattr(artifact_sample_run, "OWNERS_LISTED_ANYWAY", 0)
    result = sample()
    assert (len(result["drawn"]), result["same"]) == (15, 15)


def test_artifacts_elsewhere_are_counted(sample: Sample, mlflow: Replay) -> None:
    mlflow.rewrite("s3://direct-files", "file:///mlruns")
    result = sample()
    assert result["passed_over"]["elsewhere"] == 4
    assert result["same"] == 15

    mlflow.rewrite("mlflow-artifacts:", "file:")
    result = sample()
    assert (result["drawn"], result.get("failed")) == ([], None)
    assert result["msg"] == (
        "No artifact of 4 of 4 runs, 2 of 2 logged models, 2 of 2 model versions could be drawn, what they have was"
        " passed over (8 elsewhere)."
    )


def test_destination_is_asked_for(sample: Sample) -> None:
    assert sample(artifacts_destination=None)["msg"].startswith(
        "artifacts_destination: is missing and MLflow serves mlflow-artifacts:/2/"
    )


@pytest.fixture
def empty(mlflow: Replay) -> Replay:
    """Answers as an MLflow without runs."""
    for key in mlflow.exchanges:
        if "/search" in key and "experiments/search" not in key:
            mlflow.change(key, {"status": 200, "body": "{}"})
    return mlflow


def test_nothing_is_no_failure(sample: Sample, empty: Replay) -> None:
    result = sample()

    assert (result["drawn"], result.get("failed")) == ([], None)
    assert result["msg"] == "MLflow has no runs, logged models and model versions, so there was no artifact to read."
    assert sample(expected=[])["msg"] == "No artifact is expected, so none was read."


def test_runs_without_artifacts_are_no_failure(sample: Sample, mlflow: Replay, store: Replay) -> None:
    for key in mlflow.exchanges:
        if "artifacts/list" in key or "directories" in key or "artifacts?path" in key:
            mlflow.change(key, {"status": 200, "body": "{}"})
    for key in store.exchanges:
        if "list-type" in key:
            store.change(key, {"status": 200, "body": "<ListBucketResult/>"})

    assert sample()["msg"] == (
        "MLflow has no artifacts, 4 of 4 runs, 2 of 2 logged models, 2 of 2 model versions were looked at and have"
        " none."
    )


def test_mlflow_2_has_no_logged_models(sample: Sample, mlflow: Replay) -> None:
    page = {"status": 404, "body": "<title>404 Not Found</title>"}
    for key in mlflow.exchanges:
        if "logged-models/search" in key:
            mlflow.change(key, page)

    assert sample()["listed"]["logged_model"] == 0

    for key in mlflow.exchanges:
        if "logged-models/search" in key:
            mlflow.change(key, {"status": 404, "body": '{"error_code": "X", "message": "no"}'})
    assert "HTTP 404 no; look at the path" in sample()["msg"]


def test_page_that_is_too_large_is_asked_for_in_parts(
    sample: Sample, mlflow: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    largest = max(len(answer["body"]) for key, answer in mlflow.exchanges.items() if "search" in key or "/get?" in key)
    monkeypatch.setattr(artifact_sample_rest, "PAGE_ITEMS", 8)
    monkeypatch.setattr(artifact_sample_rest, "MAX_JSON_BYTES", largest)
    for key, answer in list(mlflow.exchanges.items()):
        if "search" in key:
            whole = key.replace('"max_results": 2', '"max_results": 8').replace("max_results=2", "max_results=8")
            if "page_token" not in key:
                mlflow.exchanges[whole] = {"status": 200, "body": " " * (largest + 1)}
            assert answer["status"] == 200

    assert sample()["same"] == 30

    monkeypatch.setattr(artifact_sample_rest, "PAGE_ITEMS", 1)
    monkeypatch.setattr(artifact_sample_rest, "MAX_JSON_BYTES", 10)
    key = "GET /api/2.0/mlflow/experiments/search?view_type=ACTIVE_ONLY&max_results=1"
    mlflow.exchanges[key] = {"status": 200, "body": " " * 11}
    assert "an answer of 11 bytes" in sample()["msg"]


def test_server_that_is_not_ready_is_asked_again(
    sample: Sample, mlflow: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = mlflow.exchanges[SPACE_DIRECT]
    mlflow.change(SPACE_DIRECT, {"status": 503, "body": "<title>503 Service Unavailable</title>"})
    waited = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        mlflow.change(SPACE_DIRECT, answer)

    monkeypatch.setattr(time, "sleep", sleep)

    assert sample()["same"] == 30
    assert len(waited) == 1


def test_answer_that_breaks_off_is_told(sample: Sample, mlflow: Replay) -> None:
    mlflow.change(SPACE_DIRECT, {**mlflow.exchanges[SPACE_DIRECT], "length": 1000})

    assert "gave no answer, the answer ended after 25 of 1000 bytes" in sample()["msg"]


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "look at the user and the password."),
        (421, "look at what the proxy denies, and whether the host name is one that MLflow knows."),
        (403, "look at what the proxy denies, and whether the host name is one that MLflow knows."),
        (404, "look at the path of the address."),
        (502, "the proxy was reached and MLflow was not: look at the log of MLflow."),
        (500, "look at the log of MLflow."),
    ],
)
def test_refused_question_is_told(sample: Sample, mlflow: Replay, status: int, advice: str) -> None:
    key = "GET /api/2.0/mlflow/experiments/search?view_type=ACTIVE_ONLY&max_results=2"
    mlflow.change(key, {"status": status, "body": "<title>Nope</title>"})

    assert sample()["msg"] == (
        f"MLflow's artifacts cannot be read: {mlflow.address} answered HTTP {status} Nope; {advice}"
    )


def test_password_that_ends_to_be_right_ends_everything(sample: Sample, mlflow: Replay) -> None:
    mlflow.change(SPACE_DIRECT, {"status": 401, "body": "<title>401 Authorization Required</title>"})
    assert "look at the user and the password" in sample()["msg"]

    # With a code it is MLflow whom its store refuses.
    mlflow.change(SPACE_DIRECT, {"status": 401, "body": '{"error_code": "UNAUTHENTICATED", "message": "no such key"}'})
    assert "HTTP 401 no such key" in sample()["missing_in_mlflow"][0]["reason"]


def test_something_else_than_mlflow_is_told(sample: Sample, mlflow: Replay) -> None:
    key = "GET /api/2.0/mlflow/experiments/search?view_type=ACTIVE_ONLY&max_results=2"
    mlflow.change(key, {"status": 200, "body": '{"experiments": 3}'})
    assert "is not MLflow's; look at the path of the address." in sample()["msg"]


def test_store_that_refuses_is_explained(sample: Sample, store: Replay) -> None:
    error = "<Error><Code>SignatureDoesNotMatch</Code></Error>"
    for key in store.exchanges:
        store.change(key, {"status": 403, "body": error})

    assert sample()["msg"].startswith("minio_migration_source.secret_key: ")


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({"url": "ftp://mlflow.lab"}, "url: found 'ftp://mlflow.lab'"),
        ({"sample": 0}, "sample: found 0, write at least 1."),
        ({"max_bytes": 0}, "max_bytes: found 0, write at least 1."),
        ({"timeout": 0}, "timeout: found 0, write at least 1."),
        ({"artifacts_destination": "./mlartifacts"}, "artifacts_destination: found './mlartifacts'"),
        ({"bucket_map": {"a": ""}}, "bucket_map: found 'a': ''"),
        ({"expected": [{"kind": "trace", "id": "1", "path": "x"}]}, "must be one of: run, logged_model, model_version"),
        (
            {"store": {"endpoint_url": "x", "access_key": "key", "secret_key": SECRET}},
            "minio_migration_source.endpoint_url",
        ),
        ({"username": "alice", "password": None}, "required together"),
    ],
)
def test_bad_option_is_refused(
    sample: Sample, mlflow: Replay, store: Replay, args: dict[str, Any], sentence: str
) -> None:
    assert sentence in sample(**args)["msg"]
    assert mlflow.requests == store.requests == []


def test_every_recorded_route_is_the_one_of_client_or_ui(sample: Sample, mlflow: Replay) -> None:
    sample()

    read = [urlsplit(request.removeprefix("GET ")) for request in mlflow.requests if "artifact" in request]
    routes = {parts.path for parts in read}
    assert f"/api/2.0/mlflow-artifacts/artifacts/2/{PROXIED_RUN}/artifacts/{quote('100%.txt')}" in routes
    assert f"/api/2.0/mlflow-artifacts/artifacts/2/models/{PROXIED_MODEL}/artifacts/MLmodel" in routes
    assert f"/ajax-api/2.0/mlflow/logged-models/{DIRECT_MODEL}/artifacts/files" in routes
    queries = [parse_qs(parts.query) for parts in read if parts.path == "/model-versions/get-artifact"]
    assert {"name": ["a model, direct"], "version": ["1"], "path": ["MLmodel"]} in queries
    assert {"run_id": [DIRECT_RUN], "path": ["what?.txt"]} in [
        parse_qs(parts.query) for parts in read if parts.path == "/get-artifact"
    ]
