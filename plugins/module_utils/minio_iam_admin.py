# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What MinIO's admin API tells without encryption: its users and policies as an archive, quotas, its identity."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_admin import BotocoreTransport, Transport
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import Store

MINIO = "/minio/admin/v3"
RUSTFS = "/rustfs/admin/v3"


class AdminRefusedError(Exception):
    """The admin API does not do it for this key, or is none; the message says what it answered."""


class StoreAdmin:
    """The admin API of a store, of MinIO's kind or of RustFS's."""

    def __init__(self, store: Store, prefix: str = MINIO, transport: Transport | None = None) -> None:
        """Keep where to ask; one connection pool for all questions."""
        self._store = store
        self._prefix = prefix
        self._transport = transport or BotocoreTransport(store.region, store.ca_certificate or True)

    def iam_archive(self) -> bytes:
        """Return the zip file that `mc admin cluster iam export` writes; it holds secrets."""
        return self._call("GET", "export-iam")

    def deployment_id(self) -> str | None:
        """Return the number that a store gave itself when it was set up, None where it tells administrators none."""
        found = self._json("GET", "info")
        for name in ("deploymentID", "deploymentId", "deployment_id"):
            if found.get(name):
                return str(found[name])
        return None

    def quota(self, bucket: str) -> tuple[int | None, str]:
        """Return how many bytes a bucket may hold, None where there is no limit, and the kind of the limit."""
        found = self._json("GET", f"get-bucket-quota?bucket={quote(bucket, safe='')}")
        size = int(found.get("size") or found.get("quota") or 0)
        return (size or None), str(found.get("quotatype") or "").lower()

    def set_quota(self, bucket: str, size: int | None) -> None:
        """Limit a bucket to this many bytes, or take the limit away."""
        body = {"quota": size or 0, "size": size or 0, "quotatype": "hard"}
        self._call("PUT", f"set-bucket-quota?bucket={quote(bucket, safe='')}", json.dumps(body).encode())

    def _json(self, method: str, action: str) -> dict[str, Any]:
        try:
            found = json.loads(self._call(method, action))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise AdminRefusedError(f"{action.partition('?')[0]}: the answer is not MinIO's")
        return found

    def _call(self, method: str, action: str, body: bytes = b"") -> bytes:
        url = f"{self._store.endpoint_url}{self._prefix}/{action}"
        answer = self._transport.send(method, url, body, self._store.access_key, self._store.secret_key)
        if answer.status != 200:
            raise AdminRefusedError(f"{action.partition('?')[0]}: {answer.status} {_code(answer.body)}".rstrip())
        return answer.body


def _code(body: bytes) -> str:
    """Return the error code of an answer, which is JSON here."""
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    return str(found.get("Code") or "") if isinstance(found, dict) else ""
