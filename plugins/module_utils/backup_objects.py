# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest of a backup: all objects of the bucket, in the order of their keys, with what a copy has to have.

A line of JSON for each object. What an object's headers are is asked once: as long as its listing stays the same, the
manifest before has them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Optional

_AT_ONCE = 1000
# Headers that a copy is given, in the words of boto3.
_HEADERS = {
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-language": "ContentLanguage",
    "content-type": "ContentType",
}
_METADATA = "x-amz-meta-"


@dataclass(frozen=True)
class Entry:
    """One object; the size is in bytes."""

    key: str
    size: int
    etag: str
    modified: str
    headers: Mapping[str, Any] = field(default_factory=dict)
    # The backup has it below `late`, and not below `artifacts`.
    late: bool = False

    @property
    def late_name(self) -> str:
        """Return the name of its file below `late`; a key may be no path."""
        return hashlib.sha256(self.key.encode("utf-8", "surrogatepass")).hexdigest()

    def same(self, other: Entry) -> bool:
        """Tell whether the listing says the same of both."""
        return (self.key, self.size, self.etag) == (other.key, other.size, other.etag)

    def line(self) -> str:
        """Return it as a line of the manifest."""
        said = {name: value for name, value in asdict(self).items() if value or name == "size"}
        return json.dumps(said, sort_keys=True) + "\n"


# Asks for objects as they are now, with their headers; None for one that is gone.
AskHeads = Callable[[Sequence[Entry]], Sequence[Optional[Entry]]]


def read(path: Path) -> Iterator[Entry]:
    """Yield what a manifest holds, in its order; nothing where there is none."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield Entry(**json.loads(line))


def listing(client: Any, bucket: str) -> Iterator[Entry]:
    """Yield the objects of a bucket in the order of their keys, without their headers."""
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page.get("Contents", []):
            yield Entry(item["Key"], item["Size"], item["ETag"].strip('"'), item["LastModified"].isoformat())


def paired(ours: Iterable[Entry], others: Iterable[Entry]) -> Iterator[tuple[Entry, Entry | None]]:
    """Yield each of ours with the other of the same key; both are in the order of their keys."""
    rest = iter(others)
    other = next(rest, None)
    for entry in ours:
        key = entry.key.encode("utf-8", "surrogatepass")
        while other is not None and other.key.encode("utf-8", "surrogatepass") < key:
            other = next(rest, None)
        yield entry, other if other is not None and other.key == entry.key else None


def head(client: Any, bucket: str, entry: Entry) -> Entry | None:
    """Return the object as it is now, with its headers; None where it is gone."""
    try:
        answer = client.head_object(Bucket=bucket, Key=entry.key)
    except client.exceptions.ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
            return None
        raise
    return told(entry, answer["ResponseMetadata"]["HTTPHeaders"])


def told(entry: Entry, headers: Mapping[str, str]) -> Entry:
    """Return an object as an answer has it; its time stays the listing's, which the next one is held against."""
    kept: dict[str, Any] = {name: headers[header] for header, name in _HEADERS.items() if headers.get(header)}
    metadata = {name.removeprefix(_METADATA): value for name, value in headers.items() if name.startswith(_METADATA)}
    if metadata:
        kept["Metadata"] = metadata
    return replace(
        entry, size=int(headers["content-length"]), etag=headers["etag"].strip('"'), headers=kept, late=False
    )


def write(path: Path, entries: Iterable[Entry]) -> tuple[int, int]:
    """Write a manifest, and return number and bytes of its objects."""
    count = size = 0
    with path.open("w", encoding="utf-8") as file:
        for entry in entries:
            file.write(entry.line())
            count += 1
            size += entry.size
    return count, size


def take(listed: Iterable[Entry], heads: AskHeads, before: Path, path: Path) -> tuple[int, int]:
    """Write the manifest of what is listed, and return number and bytes of its objects."""

    def entries() -> Iterator[Entry]:
        pairs = paired(listed, read(before))
        while batch := list(islice(pairs, _AT_ONCE)):
            now = {entry.key: there for entry, there in batch if there is not None and unchanged(entry, there)}
            asked = [entry for entry, _there in batch if entry.key not in now]
            now |= {entry.key: found for entry, found in zip(asked, heads(asked)) if found is not None}
            yield from (replace(now[entry.key], late=False) for entry, _there in batch if entry.key in now)

    return write(path, entries())


def unchanged(listed: Entry, known: Entry) -> bool:
    """Tell whether what is known of an object is all of it still."""
    return known.same(listed) and known.modified == listed.modified
