# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store that a sample of artifacts is held against."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.artifact_sample import Digest, Place
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import Store, error_code, explain

CHUNK_BYTES = 1 << 20
PAGE_KEYS = 1000

_NOT_THERE = ("NoSuchKey", "NoSuchBucket", "NotFound", "404")


class StoreReadError(Exception):
    """A store that cannot be read; the message is one sentence."""


class _NotThereError(Exception):
    """No such bucket or object."""


class StoreReader:
    """Reads only; anything but a missing bucket or object is a StoreReadError."""

    def __init__(self, store: Store, client: Any, variable: str) -> None:
        """Keep the client and what the operator calls the store."""
        self._store = store
        self._client = client
        self._variable = variable

    def files(self, place: Place, limit: int) -> list[tuple[str, int]]:
        """Return at most `limit` objects under a place, with their paths below it and sizes in bytes."""
        prefix = f"{place.key}/" if place.key else ""
        found: list[tuple[str, int]] = []
        more: dict[str, str] = {}
        with contextlib.suppress(_NotThereError):
            while len(found) < limit:
                with self._explained():
                    page = self._client.list_objects_v2(
                        Bucket=place.bucket, Prefix=prefix, MaxKeys=min(PAGE_KEYS, limit), **more
                    )
                found += [(str(item["Key"])[len(prefix) :], int(item["Size"])) for item in page.get("Contents", [])]
                if not page.get("IsTruncated"):
                    break
                more = {"ContinuationToken": page["NextContinuationToken"]}
        return found[:limit]

    def read(self, place: Place) -> Digest | None:
        """Read an object to its end; None where there is none."""
        digest = hashlib.sha256()
        size = 0
        try:
            with self._explained():
                body = self._client.get_object(Bucket=place.bucket, Key=place.key)["Body"]
                with contextlib.closing(body):
                    for chunk in body.iter_chunks(CHUNK_BYTES):
                        digest.update(chunk)
                        size += len(chunk)
        except _NotThereError:
            return None
        return Digest(size, digest.hexdigest())

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as exc:
            response = getattr(exc, "response", None)
            if response and error_code(response) in _NOT_THERE:
                raise _NotThereError from exc
            raise StoreReadError(explain(exc, self._store, self._variable)) from exc
