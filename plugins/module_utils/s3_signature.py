# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signature version 4 for requests that read, as cheap as it can be: a comparison signs two for every object."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlsplit

from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import Store

EMPTY = hashlib.sha256(b"").hexdigest()
DEFAULT_PORTS = {"http": 80, "https": 443}


def object_path(bucket: str, key: str) -> str:
    """Return the path of an object; S3 wants everything but `/` and the unreserved characters quoted, once."""
    return f"/{bucket}/{quote(key, safe='/-_.~')}"


def query_string(parameters: Mapping[str, str]) -> str:
    """Return a query in the order that is signed."""
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parameters.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


class Signer:
    """Makes the head of a signed request without a body."""

    def __init__(self, store: Store) -> None:
        """Keep the key and the name that the store is asked under."""
        parts = urlsplit(store.endpoint_url)
        host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
        named = parts.port and parts.port != DEFAULT_PORTS[parts.scheme]
        self.host = f"{host}:{parts.port}" if named else host
        self._store = store
        self._second = -1
        self._day = self._stamp = self._scope = ""
        self._key = b""

    def head(
        self, method: str, path: str, query: str = "", signed: Iterable[tuple[str, str]] = (), plain: str = ""
    ) -> bytes:
        """Return the request; signed are further x-amz- headers in small letters, plain is lines of other ones."""
        self._tick()
        headers = sorted((*signed, ("host", self.host), ("x-amz-content-sha256", EMPTY), ("x-amz-date", self._stamp)))
        names = ";".join([name for name, _ in headers])
        lines = "\n".join([f"{name}:{value}" for name, value in headers])
        canonical = f"{method}\n{path}\n{query}\n{lines}\n\n{names}\n{EMPTY}"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{self._stamp}\n{self._scope}\n{digest}"
        signature = hmac.digest(self._key, text.encode(), "sha256").hex()
        lines = "\r\n".join([f"{name}: {value}" for name, value in headers])
        target = f"{path}?{query}" if query else path
        return (
            f"{method} {target} HTTP/1.1\r\n{lines}\r\n"
            f"authorization: AWS4-HMAC-SHA256 Credential={self._store.access_key}/{self._scope},"
            f"SignedHeaders={names},Signature={signature}\r\n"
            f"accept-encoding: identity\r\nuser-agent: onprem.mlflow\r\n{plain}\r\n"
        ).encode()

    def _tick(self) -> None:
        now = int(time.time())
        if now == self._second:
            return
        self._second = now
        self._stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        day = self._stamp[:8]
        if day != self._day:
            self._day = day
            self._scope = f"{day}/{self._store.region}/s3/aws4_request"
            key = f"AWS4{self._store.secret_key}".encode()
            for part in self._scope.split("/"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._key = key
