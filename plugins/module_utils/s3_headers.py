# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an object's headers say about it: whether two are the same, and what proves the same content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl
from xml.parsers import expat

Headers = Mapping[str, str]

COMPARED = {
    "content-type": "content_type",
    "cache-control": "cache_control",
    "content-disposition": "content_disposition",
    "content-encoding": "content_encoding",
    "content-language": "content_language",
    "expires": "expires",
}
META = "x-amz-meta-"
TAG_COUNT = "x-amz-tagging-count"
# Of 64 bits and more: 32 are too few where millions of objects are compared.
PROVING = ("x-amz-checksum-sha256", "x-amz-checksum-sha1", "x-amz-checksum-crc64nvme")
# Stores known to tell how many tags an object has, and to say nothing only where it has none.
TELLING = ("minio", "rustfs", "amazons3")

MONTHS = dict(
    zip(
        ("01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"),
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    )
)

_MD5 = re.compile(r"[0-9a-f]{32}")


def size(headers: Headers) -> int:
    """Return the object's size in bytes."""
    return int(headers["content-length"])


def etag(headers: Headers) -> str:
    """Return the ETag without its quotes."""
    return headers.get("etag", "").strip('"')


def version(headers: Headers) -> tuple[str, str, str]:
    """Return what changes when an object is written again."""
    return etag(headers), headers.get("last-modified", ""), headers.get("content-length", "")


def is_time(headers: Headers, listed: str) -> bool:
    """Tell whether an object was written at the second that a listing tells, as text such as 2026-11-21T13:43:05.9Z."""
    # Parsing both is what a comparison of many small objects would spend a good part of its time on.
    month = MONTHS.get(listed[5:7])
    return headers.get("last-modified", "")[5:] == f"{listed[8:10]} {month} {listed[:4]} {listed[11:19]} GMT"


def encrypted(headers: Headers) -> bool:
    """Tell whether the store encrypts the object, which makes its ETag no digest of the content."""
    return any(name.startswith("x-amz-server-side-encryption") for name in headers)


def is_md5(text: str) -> bool:
    """Tell whether an ETag has the form of an MD5, which one of an upload in parts has not."""
    return _MD5.fullmatch(text) is not None


def proof(source: Headers, target: Headers) -> str:
    """Return etag or checksum if that proves the content to be the same, else nothing: it has to be read."""
    one = etag(source)
    if one == etag(target) and is_md5(one) and not encrypted(source) and not encrypted(target):
        return "etag"
    kinds = (source.get("x-amz-checksum-type"), target.get("x-amz-checksum-type"))
    if kinds == ("FULL_OBJECT", "FULL_OBJECT"):
        for name in PROVING:
            if name in source and source[name] == target.get(name):
                return "checksum"
    return ""


def metadata(headers: Headers) -> dict[str, str]:
    """Return the user metadata."""
    return {name[len(META) :]: value for name, value in headers.items() if name.startswith(META)}


def differences(source: Headers, target: Headers) -> dict[str, tuple[object, object]]:
    """Return what differs, apart from content and tags, with both values; an absent header is None."""
    found: dict[str, tuple[object, object]] = {}
    if source["content-length"] != target["content-length"]:
        found["size"] = (size(source), size(target))
    for header, name in COMPARED.items():
        one, other = source.get(header), target.get(header)
        if one != other and not (name == "expires" and _same_time(one, other)):
            found[name] = (readable(one), readable(other))
    ours, theirs = metadata(source), metadata(target)
    if ours != theirs:
        found["metadata"] = (_readable(ours), _readable(theirs))
    return found


def readable(value: str | None) -> str | None:
    """Return a header as people wrote it: stores send UTF-8 as it is."""
    return value if value is None else value.encode("latin-1").decode("utf-8", "backslashreplace")


def _readable(values: Mapping[str, str]) -> dict[str, str]:
    return {str(readable(name)): str(readable(value)) for name, value in sorted(values.items())}


def _same_time(one: str | None, other: str | None) -> bool:
    """Tell whether two dates are the same moment, however they are written."""
    times: list[datetime] = []
    for text in (one, other):
        try:
            times.append(parsedate_to_datetime(text or ""))
        except (TypeError, ValueError):
            return False
    try:
        return times[0] == times[1]
    except TypeError:
        return False


def tells_tags(headers: Headers) -> bool:
    """Tell whether the store that sent this answer tells the number of tags where there are any."""
    return TAG_COUNT in headers or headers.get("server", "").lower().startswith(TELLING)


def listed_tags(text: str) -> dict[str, str]:
    """Read the tags of a listing, which are written as in a URL."""
    return dict(parse_qsl(text, keep_blank_values=True)) if text else {}


def parse_tags(document: bytes) -> dict[str, str]:
    """Read an answer to GetObjectTagging; raise ValueError where it is none."""
    names: list[str] = []
    tags: dict[str, str] = {}
    pair: dict[str, str] = {}
    text: list[str] = []

    def start(name: str, _attributes: object) -> None:
        names.append(name)
        text.clear()

    def end(name: str) -> None:
        if name in ("Key", "Value"):
            pair[name] = "".join(text)
        elif name == "Tag":
            tags[pair.get("Key", "")] = pair.get("Value", "")
            pair.clear()
        text.clear()

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text.append
    try:
        parser.Parse(document, True)
    except expat.ExpatError as exc:
        raise ValueError(f"tags that are not XML ({exc})") from exc
    if not names or names[0] != "Tagging":
        raise ValueError("tags that are not S3's")
    return tags
