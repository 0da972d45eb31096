# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counting what is in the buckets of a store, and finding what will not come along to RustFS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from itertools import islice
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam_admin import StoreAdmin
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_bucket_settings import want
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_keys import OBJECT_BYTES, refused_key
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_limits import Limits
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_listing import (
    Entry,
    ask_for_metadata,
    objects,
    uploads,
    versions,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_settings import Settings, read
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import Store, client, error_code

ENCRYPTION = "x-amz-server-side-encryption"
CUSTOMER_KEY = "x-amz-server-side-encryption-customer-algorithm"
RETENTION = "x-amz-object-lock-mode"
RETAIN_UNTIL = "x-amz-object-lock-retain-until-date"
LEGAL_HOLD = "x-amz-object-lock-legal-hold"
PLAIN_CLASSES = ("STANDARD", "REDUCED_REDUNDANCY")
# Objects that are asked for at once.
CHUNK = 256

SELECTION_OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "prefix": {"type": "str", "default": ""},
    "target_name": {"type": "str"},
}


@dataclass(frozen=True)
class Selection:
    """A bucket, or what is under a prefix of it, and its name on the target."""

    name: str
    prefix: str = ""
    target_name: str = ""

    @property
    def target(self) -> str:
        """Return the name on the target."""
        return self.target_name or self.name


@dataclass
class Count:
    """What was counted in one bucket."""

    objects: int = 0
    bytes: int = 0
    largest_bytes: int = 0
    versions: int = 0
    delete_markers: int = 0
    encrypted_objects: int = 0
    incomplete_uploads: int = 0


@dataclass
class Bucket:
    """The inventory of one bucket."""

    selection: Selection
    settings: Settings
    limits: Limits
    count: Count = field(default_factory=Count)

    def as_result(self) -> dict[str, Any]:
        """Return it as a module's result has it."""
        settings = asdict(self.settings)
        for name in ("retention", "quota_kind", "unknown"):
            del settings[name]
        settings["encryption"] = bool(settings["encryption"])
        chosen = self.selection
        return {
            "name": chosen.name,
            "prefix": chosen.prefix,
            "target_name": chosen.target,
            **asdict(self.count),
            **_jsonable(settings),
        }


def selections(
    items: Iterable[Mapping[str, Any]], all_buckets: Iterable[str], variable: str = "buckets"
) -> list[Selection]:
    """Return what is chosen, every bucket where nothing is; raise InputError with the variable for a double choice."""
    chosen = [
        Selection(str(item["name"]), str(item.get("prefix") or ""), str(item.get("target_name") or item["name"]))
        for item in items
    ] or [Selection(name, "", name) for name in all_buckets]
    for number, one in enumerate(chosen):
        for other in chosen[:number]:
            inside = one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)
            if inside and one.name == other.name:
                raise InputError(
                    f"{variable}: {one.name!r} is there twice ({other.prefix!r} and {one.prefix!r}),"
                    " write prefixes of which none is in another."
                )
            if inside and one.target == other.target:
                raise InputError(
                    f"{variable}: {other.name!r} and {one.name!r} both go to {one.target!r},"
                    " write different target_names."
                )
    return chosen


class Inventory:
    """Takes the inventory of buckets, several at once."""

    def __init__(self, store: Store, inspect_objects: bool = False, workers: int = 4, admin: bool = True) -> None:
        """Keep how to ask; without `admin` no quotas are known."""
        self._store = store
        self._inspect = inspect_objects
        self._workers = workers
        self._plain = client(store, workers * 4)
        self._rich = client(store, workers * 4)
        ask_for_metadata(self._rich)
        self._admin = StoreAdmin(store) if admin else None

    def names(self) -> list[str]:
        """Return the names of all buckets that the key may see."""
        return sorted(bucket["Name"] for bucket in self._plain.list_buckets().get("Buckets", []))

    def take(self, chosen: Iterable[Selection]) -> list[Bucket]:
        """Return the inventory of each, in the order given."""
        with ThreadPoolExecutor(self._workers) as pool:
            return list(pool.map(self._take, chosen))

    def _take(self, selection: Selection) -> Bucket:
        settings = read(self._plain, self._admin, selection.name)
        bucket = Bucket(selection, settings, Limits(selection.name))
        for code, text in want(settings, selection.name, selection.target).notes:
            bucket.limits.add(code, text)
        try:
            self._count(bucket, self._rich)
        except Exception as exc:
            # Metadata whose names are no names of XML elements make no XML: ask again without.
            if not _unreadable(exc):
                raise
            self._plain_count(bucket)
        for key in uploads(self._plain, selection.name, selection.prefix):
            bucket.count.incomplete_uploads += 1
            bucket.limits.add("incomplete_uploads", key)
        return bucket

    def _plain_count(self, bucket: Bucket) -> None:
        fresh = Bucket(bucket.selection, bucket.settings, Limits(bucket.selection.name))
        for code, text in want(bucket.settings, bucket.selection.name, bucket.selection.target).notes:
            fresh.limits.add(code, text)
        self._count(fresh, self._plain)
        bucket.count, bucket.limits = fresh.count, fresh.limits

    def _count(self, bucket: Bucket, s3: Any) -> None:
        chosen = bucket.selection
        listing = versions if bucket.settings.versioning else objects
        for entry in self._inspected(listing(s3, chosen.name, chosen.prefix), chosen.name):
            tally(entry, bucket)

    def _inspected(self, entries: Iterator[Entry], bucket: str) -> Iterator[Entry]:
        """Ask for each object whose encryption the listing did not tell, where that is wanted."""
        if not self._inspect:
            yield from entries
            return
        with ThreadPoolExecutor(self._workers * 4) as pool:
            while chunk := list(islice(entries, CHUNK)):
                yield from pool.map(lambda entry: self._asked(entry, bucket), chunk)

    def _asked(self, entry: Entry, bucket: str) -> Entry:
        if entry.headers is not None or entry.marker or not entry.latest:
            return entry
        try:
            headers = self._plain.head_object(Bucket=bucket, Key=entry.key)["ResponseMetadata"]["HTTPHeaders"]
        except self._plain.exceptions.ClientError as exc:
            status = exc.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == 404:
                # Deleted meanwhile.
                return entry
            if status != 400:
                raise
            # Asking without the client's key is a bad request.
            headers = {CUSTOMER_KEY: "AES256"}
        return Entry(entry.key, entry.size, storage_class=entry.storage_class, headers=headers)


def tally(entry: Entry, bucket: Bucket, now: datetime | None = None) -> None:
    """Count one version, and what will not come along of it."""
    count, limits = bucket.count, bucket.limits
    if entry.marker:
        count.delete_markers += 1
        limits.add("delete_markers", entry.key)
        return
    if not entry.latest:
        count.versions += 1
        limits.add("old_versions", entry.key)
        return
    count.objects += 1
    count.bytes += entry.size
    count.largest_bytes = max(count.largest_bytes, entry.size)
    code = refused_key(entry.key)
    if code is not None:
        limits.add(code, entry.key)
    if entry.size > OBJECT_BYTES:
        limits.add("object_size", entry.key)
    if entry.storage_class not in PLAIN_CLASSES:
        limits.add("tiered_objects", entry.key)
    elif entry.storage_class != "STANDARD":
        limits.add("storage_class", entry.key)
    _headers(entry, bucket, now or datetime.now(timezone.utc))


def _headers(entry: Entry, bucket: Bucket, now: datetime) -> None:
    limits, headers = bucket.limits, entry.headers
    if headers is None:
        limits.add("unknown_encryption", entry.key)
        return
    if CUSTOMER_KEY in headers or ENCRYPTION in headers:
        bucket.count.encrypted_objects += 1
        limits.add("customer_keys" if CUSTOMER_KEY in headers else "encrypted_objects", entry.key)
    if headers.get(RETENTION) and not _over(headers.get(RETAIN_UNTIL, ""), now):
        limits.add("retention", entry.key)
    if headers.get(LEGAL_HOLD, "").upper() == "ON":
        limits.add("legal_hold", entry.key)


def _unreadable(error: Exception) -> bool:
    """Tell whether an answer was no XML, which newer botocore calls an error of the server."""
    response = getattr(error, "response", None) or {}
    return type(error).__name__ in ("ResponseParserError", "ParseError") or error_code(response) == "500"


def _over(until: str, now: datetime) -> bool:
    """Tell whether a retention has ended; one that cannot be read has not."""
    try:
        ends = datetime.fromisoformat(until.partition(".")[0].rstrip("Z") + "+00:00")
    except ValueError:
        return False
    return ends <= now


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value
