# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What MLflow's API tells about artifacts, and the artifacts themselves by the routes of its clients and its UI."""

from __future__ import annotations

import hashlib
import posixpath
import time
from collections.abc import Iterable, Iterator, Mapping
from http.client import HTTPResponse
from itertools import islice
from typing import Any, Callable, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

from ansible_collections.onprem.mlflow.plugins.module_utils.artifact_sample import (
    LOGGED_MODEL,
    MODEL_VERSION,
    PROXIED,
    RUN,
    Digest,
    Owner,
    proxied_path,
    scheme_of,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.mlflow_rest import (
    ARTIFACTS,
    CHUNK_BYTES,
    MAX_JSON_BYTES,
    ConnectionFailedError,
    RestClient,
    RestError,
    StatusError,
)

# A page of runs has all their parameters and metrics: where that is too large, fewer are asked for.
PAGE_ITEMS = 1000
EXPERIMENTS_AT_ONCE = 50
# Seconds to wait before a request is sent again.
PAUSES = (1, 4, 10)
NOT_READY = (502, 503, 504)

_T = TypeVar("_T")


class TooLargeError(RestError):
    """An answer that is larger than what is kept in memory."""


class Entry(NamedTuple):
    """A file or a folder as MLflow lists it, with its path below its owner's artifacts; the size is in bytes."""

    path: str
    is_folder: bool
    size: int


class ArtifactClient(RestClient):
    """Reads only. A server that is not ready is asked again."""

    def experiments(self) -> Iterator[str]:
        """Return the identifiers of all active experiments."""
        for item in self._pages("GET", "experiments/search", {"view_type": "ACTIVE_ONLY"}, "experiments"):
            yield str(item["experiment_id"])

    def owners(self) -> Iterator[Owner]:
        """Return all active runs, all logged models and all model versions; URIs of the latter are not known yet."""
        for batch in _batches(self.experiments(), EXPERIMENTS_AT_ONCE):
            query = {"experiment_ids": batch, "run_view_type": "ACTIVE_ONLY"}
            for item in self._pages("POST", "runs/search", query, "runs"):
                yield Owner(RUN, str(item["info"]["run_id"]), str(item["info"].get("artifact_uri", "")))
            for item in self._logged_models(batch):
                yield Owner(LOGGED_MODEL, str(item["info"]["model_id"]), str(item["info"].get("artifact_uri", "")))
        for item in self._pages("GET", "model-versions/search", {}, "model_versions"):
            yield Owner(MODEL_VERSION, f"{item['name']}/{item['version']}", "")

    def current_uri(self, owner: Owner) -> str:
        """Return the URI of an owner's artifacts as MLflow has it now."""
        if owner.kind == RUN:
            return str(self._again(lambda: self.get("runs/get", {"run_id": owner.id}))["run"]["info"]["artifact_uri"])
        if owner.kind == LOGGED_MODEL:
            path = f"logged-models/{quote(owner.id, safe='')}"
            return str(self._again(lambda: self.get(path, {}))["model"]["info"]["artifact_uri"])
        return str(self._again(lambda: self.get("model-versions/get-download-uri", _version(owner)))["artifact_uri"])

    def has_list(self, owner: Owner) -> bool:
        """Tell whether MLflow lists the artifacts of such an owner; of a model version in S3 it does not."""
        return owner.kind != MODEL_VERSION or scheme_of(owner.uri) == PROXIED

    def folder(self, owner: Owner, path: str) -> list[Entry]:
        """List a folder of an owner's artifacts; its own is an empty path."""
        if owner.kind == RUN:
            query = {"run_id": owner.id, **({"path": path} if path else {})}
            answer = self._again(lambda: self.get("artifacts/list", query))
        elif owner.kind == LOGGED_MODEL:
            query = {"artifact_directory_path": path} if path else {}
            route = f"logged-models/{quote(owner.id, safe='')}/artifacts/directories"
            answer = self._again(lambda: self.get(route, query))
        else:
            full = posixpath.join(proxied_path(owner.uri), path) if path else proxied_path(owner.uri)
            answer = self._again(lambda: self._get_json(f"{ARTIFACTS}?{urlencode({'path': full})}"))
        return [
            Entry(
                # Names without their folder come where MLflow does not know the owner.
                posixpath.join(path, posixpath.basename(str(item["path"]))),
                bool(item.get("is_dir")),
                int(item.get("file_size") or 0),
            )
            for item in answer.get("files", [])
        ]

    def read(self, owner: Owner, path: str) -> Digest:
        """Read an artifact to its end."""
        target = _download(owner, path)

        def attempt() -> Digest:
            digest = hashlib.sha256()
            size = 0
            with self._exchange("GET", target) as response:
                length = response.getheader("Content-Length")
                for chunk in iter(lambda: self._read(response, CHUNK_BYTES), b""):
                    digest.update(chunk)
                    size += len(chunk)
            if length is not None and size != int(length):
                reason = f"the answer ended after {size} of {length} bytes"
                raise ConnectionFailedError(reason, "look at the logs of the proxy and of MLflow")
            return Digest(size, digest.hexdigest())

        return self._again(attempt)

    def _logged_models(self, experiment_ids: list[str]) -> Iterator[Mapping[str, Any]]:
        try:
            yield from self._pages("POST", "logged-models/search", {"experiment_ids": experiment_ids}, "models")
        except StatusError as exc:
            # MLflow 2 does not know the question; an error of MLflow's has a code.
            if exc.status != 404 or exc.code:
                raise

    def _pages(self, method: str, path: str, query: Mapping[str, Any], field: str) -> Iterator[Mapping[str, Any]]:
        size = PAGE_ITEMS
        token = ""
        while True:
            asked = {**query, "max_results": size, **({"page_token": token} if token else {})}
            try:
                answer = self._again(lambda: (self.get if method == "GET" else self.post)(path, asked))  # noqa: B023
            except TooLargeError:
                if size == 1:
                    raise
                size = max(1, size // 4)
                continue
            yield from answer.get(field, [])
            token = str(answer.get("next_page_token") or "")
            if not token:
                return

    def _get_json(self, target: str) -> dict[str, Any]:
        with self._exchange("GET", target) as response:
            return self._json(response)

    def _json(self, response: HTTPResponse) -> dict[str, Any]:
        length = response.getheader("Content-Length") or ""
        if length.isdigit() and int(length) > MAX_JSON_BYTES:
            raise TooLargeError(f"an answer of {length} bytes")
        return super()._json(response)

    def _again(self, action: Callable[[], _T]) -> _T:
        for pause in PAUSES:
            try:
                return action()
            except ConnectionFailedError:
                pass
            except StatusError as exc:
                if exc.status not in NOT_READY:
                    raise
            time.sleep(pause)
        return action()


def _version(owner: Owner) -> dict[str, str]:
    name, _, version = owner.id.rpartition("/")
    return {"name": name, "version": version}


def _download(owner: Owner, path: str) -> str:
    """Return the route that a client takes for a proxied artifact, and the UI for one that only the server may read."""
    if scheme_of(owner.uri) == PROXIED:
        return f"{ARTIFACTS}/{quote(posixpath.join(proxied_path(owner.uri), path))}"
    if owner.kind == RUN:
        return "/get-artifact?" + urlencode({"run_id": owner.id, "path": path})
    if owner.kind == LOGGED_MODEL:
        route = f"/ajax-api/2.0/mlflow/logged-models/{quote(owner.id, safe='')}/artifacts/files?"
        return route + urlencode({"artifact_file_path": path})
    return "/model-versions/get-artifact?" + urlencode({**_version(owner), "path": path})


def _batches(items: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
