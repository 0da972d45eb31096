# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All objects of a bucket, one after the other, with what MinIO tells about each beside the standard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

PAGE = 1000
# MinIO lists user metadata, encryption and object lock of every object where it is asked to.
METADATA = "metadata=true"
LISTINGS = ("ListObjectsV2", "ListObjectVersions")
_EXTRAS = "_onprem_extras"


@dataclass(frozen=True)
class Entry:
    """One version of an object, or a delete marker."""

    key: str
    size: int
    latest: bool = True
    marker: bool = False
    storage_class: str = "STANDARD"
    version_id: str | None = None
    # Header names in lower case; None where the store tells nothing.
    headers: Mapping[str, str] | None = field(default=None, hash=False)


def ask_for_metadata(client: Any) -> None:
    """Let a boto3 client ask for, and keep, what MinIO lists beside the standard."""
    for operation in LISTINGS:
        client.meta.events.register(f"before-call.s3.{operation}", _ask)
        client.meta.events.register(f"after-call.s3.{operation}", _keep)


def _ask(params: dict[str, Any], **_: Any) -> None:
    params["url"] += f"{'&' if '?' in params['url'] else '?'}{METADATA}"


def _keep(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
    if http_response.status_code == 200:
        parsed[_EXTRAS] = extras(http_response.content)


def extras(body: bytes) -> list[dict[str, str] | None]:
    """Return the metadata of each object in an answer, in its order, without delete markers."""
    found = []
    # What the store itself answers; botocore has parsed it before.
    for node in ElementTree.fromstring(body):  # noqa: S314
        if _tag(node) in ("Contents", "Version"):
            metadata = next((child for child in node if _tag(child) == "UserMetadata"), None)
            values = None if metadata is None else {_tag(child).lower(): child.text or "" for child in metadata}
            found.append(values)
    return found


def _tag(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]


def objects(client: Any, bucket: str, prefix: str) -> Iterator[Entry]:
    """List the objects of a bucket that has no versions."""
    position: dict[str, str] = {}
    while True:
        page = client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=PAGE, **position)
        for item, headers in _with_extras(page.get("Contents", []), page):
            storage_class = item.get("StorageClass") or "STANDARD"
            yield Entry(item["Key"], int(item["Size"]), storage_class=storage_class, headers=headers)
        if not page.get("IsTruncated"):
            return
        position = {"ContinuationToken": page["NextContinuationToken"]}


def versions(client: Any, bucket: str, prefix: str) -> Iterator[Entry]:
    """List all versions and delete markers of a bucket."""
    position: dict[str, str] = {}
    while True:
        page = client.list_object_versions(Bucket=bucket, Prefix=prefix, MaxKeys=PAGE, **position)
        for item, headers in _with_extras(page.get("Versions", []), page):
            yield Entry(
                item["Key"],
                int(item["Size"]),
                latest=bool(item["IsLatest"]),
                storage_class=item.get("StorageClass") or "STANDARD",
                version_id=item.get("VersionId"),
                headers=headers,
            )
        for item in page.get("DeleteMarkers", []):
            yield Entry(item["Key"], 0, latest=bool(item["IsLatest"]), marker=True)
        if not page.get("IsTruncated"):
            return
        position = {"KeyMarker": page["NextKeyMarker"]}
        if page.get("NextVersionIdMarker"):
            position["VersionIdMarker"] = page["NextVersionIdMarker"]


def uploads(client: Any, bucket: str, prefix: str) -> Iterator[str]:
    """List the keys of uploads that were begun and not completed."""
    position: dict[str, str] = {}
    while True:
        page = client.list_multipart_uploads(Bucket=bucket, Prefix=prefix, **position)
        for item in page.get("Uploads", []):
            yield item["Key"]
        if not page.get("IsTruncated"):
            return
        position = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page.get("NextUploadIdMarker", "")}


def _with_extras(
    items: list[dict[str, Any]], page: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], dict[str, str] | None]]:
    found = page.get(_EXTRAS) or []
    if len(found) != len(items):
        found = [None] * len(items)
    yield from zip(items, found)
