# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copying single objects by their exact keys, whatever stands on the target: what mc cannot be told to do.

mc cleans paths, takes some keys for folders, and leaves alone what it believes to be the same. So this uses boto3.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Union
from urllib.parse import urlencode

from ansible_collections.onprem.mlflow.plugins.module_utils.s3_headers import COMPARED, META
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import error_code

# Up to here an object is written at once, so that its ETag is its MD5; it is held in memory meanwhile.
WHOLE_BYTES = 64 << 20
MAX_PARTS = 9_000
# What a result shows of each list.
SHOWN = 1000
WRITES = ("PutObject", "CreateMultipartUpload")


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of an answer that belong to the object."""
    return {name: value for name, value in headers.items() if name in COMPARED or name.startswith(META)}


def part_bytes(size: int) -> int:
    """Return the size of the parts of a large object, of which S3 takes ten thousand."""
    return max(WHOLE_BYTES, -(-size // MAX_PARTS))


class Copier:
    """Copies objects one after the other, for one thread; both sides are boto3 clients and buckets."""

    def __init__(self, source: tuple[Any, str], target: tuple[Any, str]) -> None:
        self.source, self.source_bucket = source
        self.target, self.target_bucket = target
        self._headers: dict[str, str] = {}
        for operation in WRITES:
            # Headers go over as they came: boto3's own options would not take each of them.
            self.target.meta.events.register(f"before-call.s3.{operation}", self._add_headers)

    def _add_headers(self, params: dict[str, Any], **_unused: Any) -> None:
        params["headers"].update(self._headers)

    def copy(self, key: str) -> int:
        """Copy one object with its headers and tags, and return its size in bytes."""
        answer = self.source.get_object(Bucket=self.source_bucket, Key=key)
        size = int(answer["ContentLength"])
        tags = self.source.get_object_tagging(Bucket=self.source_bucket, Key=key)["TagSet"]
        tagging = urlencode([(tag["Key"], tag["Value"]) for tag in tags])
        extra = {"Tagging": tagging} if tagging else {}
        self._headers = kept_headers(answer["ResponseMetadata"]["HTTPHeaders"])
        body = answer["Body"]
        if size <= WHOLE_BYTES:
            content = body.read()
            self.target.put_object(Bucket=self.target_bucket, Key=key, Body=io.BytesIO(content), **extra)
        else:
            from boto3.s3.transfer import TransferConfig

            config = TransferConfig(
                multipart_threshold=WHOLE_BYTES, multipart_chunksize=part_bytes(size), max_concurrency=2
            )
            self.target.upload_fileobj(body, self.target_bucket, key, ExtraArgs=extra, Config=config)
        written = self.target.head_object(Bucket=self.target_bucket, Key=key)["ContentLength"]
        if written != size:
            raise OSError(f"{written} bytes arrived of {size}")
        return size

    def remove(self, key: str) -> bool:
        """Delete one object of the target, unless the source has it; tell whether it was."""
        try:
            self.source.head_object(Bucket=self.source_bucket, Key=key)
        except Exception as error:
            if error_code(getattr(error, "response", {})) not in ("404", "NoSuchKey", "NotFound"):
                raise
            self.target.delete_object(Bucket=self.target_bucket, Key=key)
            return True
        return False


def reason_of(error: Exception) -> str:
    """Say why an object was not copied, on one line."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):
        message = (response.get("Error") or {}).get("Message") or ""
        return " ".join(f"{error_code(response)} {message}".split())[:300]
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


@dataclass
class Repaired:
    """What was copied and deleted, with up to so many keys as a result shows."""

    objects: int = 0
    bytes: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)
    failed_count: int = 0
    removed: list[str] = field(default_factory=list)
    removed_count: int = 0

    def fail(self, key: str, reason: str) -> None:
        """Count an object that was not copied or not deleted."""
        self.failed_count += 1
        if len(self.failed) < SHOWN:
            self.failed.append({"key": key, "reason": reason})

    def remove(self, key: str) -> None:
        """Count an object that was deleted."""
        self.removed_count += 1
        if len(self.removed) < SHOWN:
            self.removed.append(key)


Outcome = Union[int, bool, Exception]


def attempt(work: Callable[[str], Outcome], key: str) -> Outcome:
    """Do the work for one key; one that fails does not stop the others."""
    try:
        return work(key)
    except Exception as error:
        return error


def each(makers: Callable[[], Copier], method: str, keys: Iterable[str], workers: int) -> Iterator[tuple[str, Outcome]]:
    """Do a method of a copier for each key, several at once; every thread has a copier of its own."""
    mine = threading.local()

    def work(key: str) -> Outcome:
        if not hasattr(mine, "copier"):
            mine.copier = makers()
        outcome: Outcome = getattr(mine.copier, method)(key)
        return outcome

    remaining = iter(keys)
    with ThreadPoolExecutor(workers) as pool:
        while some := list(islice(remaining, SHOWN)):
            yield from zip(some, pool.map(partial(attempt, work), some))


def copy_all(makers: Callable[[], Copier], keys: Iterable[str], remove: Iterable[str], workers: int = 1) -> Repaired:
    """Copy and delete objects, go on where one fails, and return the counts and the failures."""
    found = Repaired()
    for key, outcome in each(makers, "copy", keys, workers):
        if isinstance(outcome, Exception):
            found.fail(key, reason_of(outcome))
        else:
            found.objects += 1
            found.bytes += outcome
    for key, outcome in each(makers, "remove", remove, workers):
        if isinstance(outcome, Exception):
            found.fail(key, f"was not deleted: {reason_of(outcome)}")
        elif outcome:
            found.remove(key)
    return found
