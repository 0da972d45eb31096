# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run with an artifact, written through the front door and read back."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from ansible_collections.onprem.mlflow.plugins.module_utils.mlflow_rest import (
    CHUNK_BYTES,
    ConnectionFailedError,
    Login,
    RestClient,
    RestError,
    StatusError,
    explain,
)

ARTIFACT_NAME = "onprem-smoke-test.bin"
PARAMETER = ("onprem_smoke_test", "written")
METRIC = ("onprem_smoke_test", 0.4375)
WRONG_HOST = "wrong-host.invalid"
CLOSED = "closed connection"
DIRECT_TRANSFER = ("multipart_downloads_enabled", "multipart_uploads_enabled")

_T = TypeVar("_T")


class SmokeTestError(Exception):
    """A step that failed; the message is one sentence."""


@dataclass
class Outcome:
    """What was seen."""

    run_id: str = ""
    experiment_id: str = ""
    artifact_bytes: int = 0
    sha256: str = ""
    upload_seconds: float = 0.0
    download_seconds: float = 0.0
    total_seconds: float = 0.0
    refused: dict[str, str] = field(default_factory=dict)

    def as_result(self) -> dict[str, Any]:
        """Return the values for a module's result."""
        return asdict(self)


def content(size: int) -> Iterator[bytes]:
    """Make bytes that no compression helps with, the same at each call."""
    for start in range(0, size, CHUNK_BYTES):
        yield hashlib.shake_128(f"{ARTIFACT_NAME} {start}".encode()).digest(min(CHUNK_BYTES, size - start))


class SmokeTest:
    """The steps in their order. Whatever happens, the run is removed again."""

    def __init__(
        self,
        client: RestClient,
        experiment: str,
        artifact_bytes: int,
        expect_login: bool = True,
        expect_host_check: bool = True,
        expect_direct_transfer: bool = False,
    ) -> None:
        """Keep what shall be tried."""
        self._client = client
        self._experiment = experiment
        self._expect_login = expect_login
        self._expect_host_check = expect_host_check
        self._expect_direct_transfer = expect_direct_transfer
        self._artifact_root = ""
        self.outcome = Outcome(artifact_bytes=artifact_bytes)

    def run(self) -> Outcome:
        """Do everything, and raise SmokeTestError at the first thing that is not as it must be."""
        started = time.monotonic()
        self._step("asking for an answer", self._ask)
        self._check_refusals()
        self._step("asking how artifacts travel", self._check_transfer)
        self.outcome.experiment_id = self._step("finding its experiment", self._find_experiment)
        self._step("making a run", self._make_run)
        try:
            self._step("logging a parameter and a metric", self._log)
            self._step("uploading the artifact", self._upload)
            self._step("listing the artifact", self._list)
            self._step("downloading the artifact", self._download)
            self._step("reading the run back", self._read_back)
            self._step("deleting the artifact", self._delete_artifact)
        except BaseException:
            self._clean_up()
            raise
        self._step("deleting the run", self._delete_run)
        self.outcome.total_seconds = round(time.monotonic() - started, 3)
        return self.outcome

    def _step(self, name: str, action: Callable[[], _T]) -> _T:
        try:
            return action()
        except RestError as exc:
            explained = explain(exc, self._client.endpoint, _advice)
            raise SmokeTestError(f"The smoke test failed at {name}: {explained}.") from exc
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            raise SmokeTestError(
                f"The smoke test failed at {name}: {self._client.endpoint.connects_to} answered with something that"
                " is not MLflow's; look at the path of the address."
            ) from exc

    def _ask(self, client: RestClient | None = None, host: str | None = None) -> None:
        (client or self._client).get("experiments/search", {"max_results": 1}, host=host)

    def _check_refusals(self) -> None:
        login = self._client.login
        if self._expect_login:
            attempts: dict[str, Login | None] = {"no_password": None}
            if login:
                attempts["wrong_password"] = Login(login.username, f"not {login.password}")
            for name, wrong in attempts.items():
                status = self._refusal(self._client.as_user(wrong))
                if status != "401":
                    raise SmokeTestError(
                        f"The smoke test failed at trying {name.replace('_', ' ')}: {status} came in place of 401;"
                        " look at auth_basic in the proxy's configuration."
                    )
                self.outcome.refused[name] = status
        if self._expect_host_check:
            port = self._client.endpoint.host_header.rpartition(":")[2]
            host = f"{WRONG_HOST}:{port}" if port.isdigit() else WRONG_HOST
            status = self._refusal(self._client, host)
            if status[0] in "23":
                raise SmokeTestError(
                    f"The smoke test failed at trying a wrong host name: {status} came in place of a refusal;"
                    " look at the default server of the proxy and at MLFLOW_SERVER_ALLOWED_HOSTS."
                )
            self.outcome.refused["wrong_host"] = status

    def _check_transfer(self) -> None:
        """Look for the offers that clients of MLflow prefer, and that lead them past it to the object store."""
        try:
            offers = self._client.server_info()
        except StatusError as exc:
            # Older servers do not know the question.
            if exc.status != 404:
                raise
            return
        offered = sorted(name for name in DIRECT_TRANSFER if offers.get(name))
        if self._expect_direct_transfer and not offered:
            raise SmokeTestError(
                "The smoke test failed at asking how artifacts travel: clients are not sent to the object store."
            )
        if offered and not self._expect_direct_transfer:
            raise SmokeTestError(
                f"The smoke test failed at asking how artifacts travel: {' and '.join(offered)} would send clients"
                " straight to the object store; look at server-info in the proxy's configuration."
            )

    def _refusal(self, client: RestClient, host: str | None = None) -> str:
        try:
            self._ask(client, host)
        except StatusError as exc:
            return str(exc.status)
        except ConnectionFailedError:
            return CLOSED
        return "200"

    def _find_experiment(self) -> str:
        try:
            return self._existing_experiment()
        except StatusError as exc:
            if exc.code != "RESOURCE_DOES_NOT_EXIST":
                raise
        try:
            return str(self._client.post("experiments/create", {"name": self._experiment})["experiment_id"])
        except StatusError as exc:
            if exc.code != "RESOURCE_ALREADY_EXISTS":
                raise
        # Another smoke test was quicker.
        return self._existing_experiment()

    def _existing_experiment(self) -> str:
        found = self._client.get("experiments/get-by-name", {"experiment_name": self._experiment})["experiment"]
        if found.get("lifecycle_stage") == "deleted":
            self._client.post("experiments/restore", {"experiment_id": found["experiment_id"]})
        return str(found["experiment_id"])

    def _make_run(self) -> None:
        request = {
            "experiment_id": self.outcome.experiment_id,
            "run_name": "onprem-smoke-test",
            "start_time": int(time.time() * 1000),
        }
        info = self._client.post("runs/create", request)["run"]["info"]
        self.outcome.run_id = str(info["run_id"])
        scheme, _, rest = str(info["artifact_uri"]).partition(":")
        if scheme != "mlflow-artifacts":
            self._delete_run()
            raise SmokeTestError(
                f"The smoke test failed at making a run: the server does not serve the artifacts of experiment"
                f" {self._experiment!r} itself but leaves them at {scheme}:{rest}; write another experiment."
            )
        if rest.startswith("//"):
            rest = rest[2:].partition("/")[2]
        self._artifact_root = rest.strip("/")

    @property
    def _artifact_path(self) -> str:
        return f"{self._artifact_root}/{ARTIFACT_NAME}"

    def _log(self) -> None:
        run_id = self.outcome.run_id
        self._client.post("runs/log-parameter", {"run_id": run_id, "key": PARAMETER[0], "value": PARAMETER[1]})
        self._client.post(
            "runs/log-metric",
            {"run_id": run_id, "key": METRIC[0], "value": METRIC[1], "timestamp": int(time.time() * 1000), "step": 0},
        )

    def _upload(self) -> None:
        size = self.outcome.artifact_bytes
        digest = hashlib.sha256()
        for chunk in content(size):
            digest.update(chunk)
        self.outcome.sha256 = digest.hexdigest()
        started = time.monotonic()
        self._client.put_artifact(self._artifact_path, content(size), size)
        self.outcome.upload_seconds = round(time.monotonic() - started, 3)

    def _list(self) -> None:
        files = self._client.get("artifacts/list", {"run_id": self.outcome.run_id}).get("files", [])
        sizes = {str(item.get("path")): int(item.get("file_size", -1)) for item in files}
        if sizes.get(ARTIFACT_NAME) != self.outcome.artifact_bytes:
            raise SmokeTestError(
                f"The smoke test failed at listing the artifact: {sizes or 'nothing'} is there in place of"
                f" {self.outcome.artifact_bytes} bytes; look at the artifact store."
            )

    def _download(self) -> None:
        digest = hashlib.sha256()
        size = 0
        started = time.monotonic()
        for chunk in self._client.get_artifact(self._artifact_path):
            digest.update(chunk)
            size += len(chunk)
        self.outcome.download_seconds = round(time.monotonic() - started, 3)
        if (size, digest.hexdigest()) != (self.outcome.artifact_bytes, self.outcome.sha256):
            raise SmokeTestError(
                f"The smoke test failed at downloading the artifact: the {size} bytes that came are not the"
                f" {self.outcome.artifact_bytes} that were sent; look at the artifact store and at the proxy's buffers."
            )

    def _read_back(self) -> None:
        data = self._client.get("runs/get", {"run_id": self.outcome.run_id})["run"]["data"]
        params = {item["key"]: item["value"] for item in data.get("params", [])}
        metrics = {item["key"]: item["value"] for item in data.get("metrics", [])}
        if (params.get(PARAMETER[0]), metrics.get(METRIC[0])) != (PARAMETER[1], METRIC[1]):
            raise SmokeTestError(
                f"The smoke test failed at reading the run back: parameters {params} and metrics {metrics} came in"
                " place of what was logged; look at the database."
            )

    def _delete_artifact(self) -> None:
        self._client.delete_artifact(self._artifact_path)
        left = self._client.get("artifacts/list", {"run_id": self.outcome.run_id}).get("files", [])
        if left:
            raise SmokeTestError(
                "The smoke test failed at deleting the artifact: it is still listed; look at the artifact store."
            )

    def _delete_run(self) -> None:
        run_id = self.outcome.run_id
        finished = {"run_id": run_id, "status": "FINISHED", "end_time": int(time.time() * 1000)}
        self._client.post("runs/update", finished)
        self._client.post("runs/delete", {"run_id": run_id})

    def _clean_up(self) -> None:
        """Remove what can be removed; the first failure is what counts."""
        with contextlib.suppress(RestError):
            self._client.delete_artifact(self._artifact_path)
        with contextlib.suppress(RestError):
            self._delete_run()


def _advice(error: StatusError) -> str:
    if error.location:
        return f"write the address that it leads to as url, {error.location.partition('/api/')[0]}"
    if error.status == 401:
        return "look at the user and the password"
    if error.status == 403 and "Host header" in error.message:
        return "MLflow was reached and does not know the host name: look at the virtual hosts"
    if error.status == 403:
        return "look at what the proxy denies"
    if error.status == 404:
        return "look at the path of the address"
    if error.status == 413:
        return "the proxy limits the size of a request: look at client_max_body_size"
    if error.status in (502, 504):
        return "the proxy was reached, MLflow was not: look at the log of MLflow"
    if error.status == 503:
        return "MLflow or what it needs is not ready: look at the logs of MLflow and of the artifact store"
    if error.status >= 500:
        return "look at the log of MLflow"
    return "look at what answers there"
