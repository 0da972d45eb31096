# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing from the target what is no longer on the source. mc's own --remove is not safe, see mc_job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import error_code


def surplus(source: Iterable[str], target: Iterable[str]) -> Iterator[str]:
    """Yield the keys of the target that the source lacks; both in the order of S3, which is that of code points."""
    ours = iter(source)
    current = next(ours, None)
    for key in target:
        while current is not None and current < key:
            current = next(ours, None)
        if key != current:
            yield key


def list_keys(client: Any, bucket: str, prefix: str) -> Iterator[str]:
    """Yield the keys of a bucket below a prefix."""
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            yield item["Key"]


def is_gone(client: Any, bucket: str, key: str) -> bool:
    """Ask for one object: a listing that was cut short must not lead to a deletion."""
    try:
        client.head_object(Bucket=bucket, Key=key)
    except Exception as error:
        if error_code(getattr(error, "response", {})) in ("404", "NoSuchKey", "NotFound"):
            return True
        raise
    return False


def prune(source: tuple[Any, str], target: tuple[Any, str], prefix: str) -> Iterator[str]:
    """Delete each surplus object of the target, and yield its key; each side is a client and a bucket."""
    for key in surplus(list_keys(*source, prefix), list_keys(*target, prefix)):
        if is_gone(*source, key):
            target[0].delete_object(Bucket=target[1], Key=key)
            yield key
