# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a key may do in a bucket what MLflow does there, found out without leaving anything behind."""

from __future__ import annotations

import contextlib
import json
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import Store, error_code, explain

DENIED = frozenset(("AccessDenied", "AllAccessDisabled", "UnauthorizedAccess", "403"))


def bucket_problem(client: Any, store: Store, bucket: str, prefix: str, variable: str) -> str | None:
    """Return a sentence where the bucket is not there, or may not be listed, read or written; else None."""
    key = f"{prefix}/" * bool(prefix) + f".onprem-mlflow-check-{uuid.uuid4().hex}"
    where = f"s3://{bucket}/{prefix}".rstrip("/")

    def read() -> None:
        try:
            client.get_object(Bucket=bucket, Key=key)
        except Exception as exc:
            # What is not there may be read.
            if _code(exc) != "NoSuchKey":
                raise

    def write() -> None:
        # A bucket with versions keeps an object that is removed again: an upload that is called off leaves nothing.
        upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)

    steps: tuple[tuple[str, str, Callable[[], object]], ...] = (
        ("list", "s3:ListBucket", lambda: client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)),
        ("read", "s3:GetObject", read),
        ("write", "s3:PutObject and s3:AbortMultipartUpload", write),
    )
    for verb, permission, step in steps:
        try:
            step()
        except Exception as exc:
            if _code(exc) in DENIED:
                # Stores do not tell a key that may not list from a bucket that is not there.
                absent = f" (or has no bucket {bucket!r})" if verb == "list" else ""
                return (
                    f"{variable}.access_key: {store.endpoint_url} does not let the access key {store.access_key!r}"
                    f" {verb} in {where}{absent}, give it the permission {permission}, or write another key."
                )
            if _code(exc) == "NoSuchBucket":
                return (
                    f"{variable}.bucket: {store.endpoint_url} has no bucket {bucket!r},"
                    " write the name of one that it has, or make it there."
                )
            return explain(exc, store, variable)
    return None


def _code(error: Exception) -> str:
    response = getattr(error, "response", None)
    return error_code(response) if isinstance(response, Mapping) else ""


def addresses_on_network(network: str, containers: str) -> dict[str, str]:
    """Return the address of every name that containers have on a network, out of what `docker inspect` printed."""
    found: dict[str, str] = {}
    for item in json.loads(containers):
        endpoint = item["NetworkSettings"]["Networks"].get(network) or {}
        if endpoint.get("IPAddress"):
            names = [item["Name"].lstrip("/"), *(endpoint.get("Aliases") or []), *(endpoint.get("DNSNames") or [])]
            found.update(dict.fromkeys(names, endpoint["IPAddress"]))
    return found


@contextlib.contextmanager
def names_known(addresses: Mapping[str, str]) -> Iterator[None]:
    """Let this process find names that only a network of containers knows; certificates are still held to the name."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **settings: Any) -> Any:
        return resolve(addresses.get(host, host), *args, **settings)

    socket.getaddrinfo = getaddrinfo
    try:
        yield
    finally:
        socket.getaddrinfo = resolve
