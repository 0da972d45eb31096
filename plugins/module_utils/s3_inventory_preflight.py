# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a migration can begin: both stores answer, are two, agree on the time, and the keys may do what is needed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.minio_iam_admin import (
    MINIO,
    RUSTFS,
    AdminRefusedError,
    StoreAdmin,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory import Selection
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_limits import shown
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_listing import objects
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_inventory_settings import REFUSED
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_merge import UnsortedError, merge
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import Store, client, error_code, explain

# S3 refuses requests at 15 minutes.
CLOCK_SECONDS = 300
EXAMPLES = 10


@dataclass(frozen=True)
class Problem:
    """Why a migration cannot begin: one sentence that says what to do, and a code."""

    code: str
    text: str


@dataclass(frozen=True)
class Names:
    """What the operator calls the options, for messages."""

    source: str = "source"
    target: str = "target"
    buckets: str = "buckets"


@dataclass
class Side:
    """What one store told about itself."""

    role: str
    store: Store
    variable: str
    clock_seconds: int = 0
    deployment_id: str | None = None
    administrator: bool = False
    # Names and when they were made.
    buckets: dict[str, datetime] = field(default_factory=dict)


@dataclass
class Overlap:
    """What a target bucket holds already, against the source."""

    bucket: str
    present: int = 0
    present_bytes: int = 0
    foreign: int = 0
    examples: list[str] = field(default_factory=list)


class Preflight:
    """Asks the stores; problems are collected, so that all can be read at once."""

    def __init__(self, source: Store, target: Store | None, names: Names) -> None:
        """Keep the stores; nothing is asked yet. Without a target only what concerns the source can be asked."""
        self.problems: list[Problem] = []
        self.source = Side("source", source, names.source)
        self.target = Side("target", target, names.target) if target else None
        self._buckets = names.buckets
        self._clients = {side.role: client(side.store) for side in self._sides()}

    def _sides(self) -> list[Side]:
        return [self.source, *([self.target] if self.target else [])]

    def _problem(self, code: str, text: str) -> None:
        self.problems.append(Problem(code, text))

    def answers(self) -> bool:
        """Ask each side for its buckets, clock and identity; tell whether all answered."""
        # The second is asked even where the first is silent.
        answered = [self._answers(side) for side in self._sides()]
        return all(answered)

    def clocks(self) -> dict[str, int]:
        """Return how many seconds each side's clock is ahead of this server's."""
        return {side.role: side.clock_seconds for side in self._sides()}

    def _answers(self, side: Side) -> bool:
        started = time.time()
        try:
            found = self._clients[side.role].list_buckets()
        except Exception as exc:
            self._problem(f"{side.role}_answer", explain(exc, side.store, side.variable))
            return False
        side.buckets = {bucket["Name"]: bucket["CreationDate"] for bucket in found.get("Buckets", [])}
        self._clock(side, found["ResponseMetadata"]["HTTPHeaders"].get("date", ""), (started + time.time()) / 2)
        for prefix in (RUSTFS, MINIO):
            try:
                side.deployment_id = StoreAdmin(side.store, prefix).deployment_id()
                side.administrator = True
                break
            except AdminRefusedError:
                # The other kind of server, or another kind of key.
                continue
        return True

    def _clock(self, side: Side, date: str, now: float) -> None:
        try:
            side.clock_seconds = round(parsedate_to_datetime(date).timestamp() - now)
        except (TypeError, ValueError):
            return
        if abs(side.clock_seconds) > CLOCK_SECONDS:
            way = "ahead of" if side.clock_seconds > 0 else "behind"
            self._problem(
                "clock",
                f"{side.variable}: the clock of {side.store.endpoint_url} is {abs(side.clock_seconds)} seconds"
                f" {way} that of this server, set both by NTP.",
            )

    def two_stores(self) -> None:
        """Complain where both addresses lead to one store."""
        source, target = self.source, self.target
        if target is None:
            return
        if source.deployment_id and target.deployment_id:
            same = source.deployment_id == target.deployment_id
        else:
            # No store makes two buckets of the same name, and no two stores make them in the same millisecond.
            same = any(target.buckets.get(name) == made for name, made in source.buckets.items())
        if same or source.store.endpoint_url == target.store.endpoint_url:
            self._problem(
                "same_store",
                f"{source.variable}.endpoint_url: {source.store.endpoint_url} is the same store as the target"
                f" {target.store.endpoint_url}, write the address of another one.",
            )

    def target_key(self) -> None:
        """Complain where the key of the target is not its administrator's."""
        if self.target and not self.target.administrator:
            self._problem(
                "target_key",
                f"{self.target.variable}.access_key: {self.target.store.access_key!r} is not the administrator's at"
                f" {self.target.store.endpoint_url}, write RustFS's root access key.",
            )

    def readable(self, chosen: Iterable[Selection]) -> None:
        """Complain about unknown buckets and prefixes, and about what the source's key may not do."""
        for selection in chosen:
            self._readable(selection)

    def _readable(self, selection: Selection) -> None:
        side = self.source
        s3 = self._clients["source"]
        where = f"bucket {selection.name!r} of {side.store.endpoint_url}"
        try:
            page = s3.list_objects_v2(Bucket=selection.name, Prefix=selection.prefix, MaxKeys=1)
        except s3.exceptions.ClientError as exc:
            code = error_code(exc.response)
            if code in REFUSED:
                self._denied(where, "list objects", "s3:ListBucket")
            elif code == "NoSuchBucket":
                known = ", ".join(sorted(side.buckets)[:EXAMPLES]) or "none"
                text = f"{self._buckets}: there is no {where}, write one of those that the key sees: {known}."
                self._problem("unknown_bucket", text)
            else:
                self._problem("source_answer", explain(exc, side.store, side.variable))
            return
        found = page.get("Contents", [])
        if not found:
            if selection.prefix:
                text = (
                    f"{self._buckets}: nothing in {where} begins with {selection.prefix!r}, write a prefix that exists."
                )
                self._problem("unknown_prefix", text)
            return
        key = found[0]["Key"]
        self._may(s3, where, "read objects", "s3:GetObject", selection.name, key)
        self._may(s3, where, "read tags of objects", "s3:GetObjectTagging", selection.name, key)

    def _may(self, s3: Any, where: str, what: str, action: str, bucket: str, key: str) -> None:
        try:
            if action == "s3:GetObject":
                s3.get_object(Bucket=bucket, Key=key)["Body"].close()
            else:
                s3.get_object_tagging(Bucket=bucket, Key=key)
        except s3.exceptions.ClientError as exc:
            # One that is gone meanwhile, or needs a client's key, is no matter of rights.
            if error_code(exc.response) in REFUSED:
                self._denied(where, what, action)

    def _denied(self, where: str, what: str, action: str) -> None:
        self._problem(
            "source_key",
            f"{self.source.variable}.access_key: {self.source.store.access_key!r} may not {what} in {where},"
            f" write a key with {action}, or MinIO's root key.",
        )

    def overlap(self, chosen: Iterable[Selection]) -> list[Overlap]:
        """List what is on the target already; complain about objects that are not on the source by key."""
        result = []
        for selection in chosen:
            if self.target is None or selection.target not in self.target.buckets:
                continue
            found = Overlap(selection.target)
            sides = (
                objects(self._clients["source"], selection.name, selection.prefix),
                objects(self._clients["target"], selection.target, selection.prefix),
            )
            try:
                for left, right in merge(*sides):
                    if right is None:
                        continue
                    if left is not None:
                        found.present += 1
                        found.present_bytes += right.size
                        continue
                    found.foreign += 1
                    if len(found.examples) < EXAMPLES:
                        found.examples.append(right.key)
            except UnsortedError as exc:
                self._problem("listing", str(exc))
            if found.foreign:
                self._problem(
                    "foreign_objects",
                    f"The bucket {selection.target!r} on the target holds {found.foreign} objects that the source has"
                    f" not, such as {shown(found.examples[0])}: remove them, or write another target_name.",
                )
            result.append(found)
        return result
