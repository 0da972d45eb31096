# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Digests of structured content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


def content_digest(content: object) -> str:
    """Return the SHA-256 of the content's canonical JSON: only the order of dict keys does not matter."""
    canonical = json.dumps(_plain(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: object) -> object:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise InputError("content_digest cannot digest a number that is not finite, write a finite one.")
        return value
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise InputError(f"content_digest wants strings as keys of a dict, quote the key {key!r}.")
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    raise InputError(f"content_digest cannot digest a {type(value).__name__}, write it as a string.")
