#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.s3_compare."""

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_compare
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.2.0
short_description: Compare every object of two buckets, content included
description:
  - Lists a bucket on both sides and compares each object. Its size, content, content type, the headers for caching,
    disposition, encoding, language and expiry, its user metadata and its tags. Of a bucket with versions, the latest
    ones. Nothing is written to either side.
  - Content is proven by an ETag if it is the same MD5 on both sides and neither is encrypted, or by a stored checksum
    of the whole object (SHA-256, SHA-1 or CRC-64) of the same kind. Everything else is read from both sides and
    compared byte by byte. The ETag of an upload in parts proves nothing.
  - An object that is written while it is compared is compared again, and named if that does not end.
  - Both listings have to be in the order of the keys' UTF-8 bytes. It is an error if one is not.
  - Memory does not grow with the number of objects. A store that does not answer is waited for. A comparison that was
    killed is continued by the next one with the same O(journal).
  - Runs on the server. Proxy settings of the environment are not followed.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.s3_store.source_and_target
options:
  source:
    description: The store that is right, and a key that may list the bucket and read its objects and their tags.
  target:
    description: The store that is to be the same, and a key that may do so there.
  source_name:
    description: What error messages call O(source), such as the variable it comes from.
    type: str
    default: source
  target_name:
    description: What error messages call O(target).
    type: str
    default: target
  bucket:
    description: Bucket of the source. It is an error if the store does not have it.
    type: str
    required: true
  target_bucket:
    description: Bucket of the target. O(bucket) where it is left out.
    type: str
  prefix:
    description:
      - Only keys that begin with this text are compared. It is an error if the source has no such key, unless it is
        empty.
    type: str
    default: ''
  journal:
    description:
      - File on the server for everything that is found, as JSON lines, made with mode 0600. It is an error if its
        folder does not exist, if it is something else, or if another comparison writes it.
      - A comparison of the same stores, buckets, prefix and O(run) that did not end is continued where its journal
        ends. Otherwise the file is begun anew.
      - A file of the same name with C(.seen) at its end is written beside it, for O(since). It has what both listings
        told of each object that is the same, as a digest by key, and takes about 50 bytes for each.
      - Not read and not written in check mode.
    type: path
  run:
    description:
      - Name of this comparison, such as when the copy before it ended. A journal with another name is not continued,
        so that nothing is taken over that was compared before something was copied again.
    type: str
    default: ''
  since:
    description:
      - Journal of a comparison of the same, with the same O(read) and O(tags), that is complete. An object that it
        found the same is not compared again if both listings tell of it exactly what they told then. It is an error if
        the journal is not complete or is of something else, or if the file beside it is missing or damaged.
      - Listings tell size, ETag and time to the millisecond. Those of MinIO and RustFS tell user metadata and tags,
        too, to a key that may read tags, so that such a comparison takes as long as both listings. Where a listing does
        not tell tags, headers are compared again, and tags as O(tags) says, and only content is not read again.
    type: path
  only:
    description:
      - Journal of a comparison of the same, with the same O(read) and O(tags), that is complete. Only the keys that it
        did not find the same are compared, such as after they were copied again, and neither side is listed.
      - RV(objects), RV(bytes), RV(same), RV(by) and RV(earlier) are then of both comparisons together.
      - It is an error if it has more than 100000 of such keys.
    type: path
  read:
    description:
      - V(auto) reads content that nothing else proves the same.
      - V(always) reads all content.
      - V(never) reads none. Objects whose content is not proven are then in RV(unreadable).
    type: str
    choices: [auto, always, never]
    default: auto
  tags:
    description:
      - V(auto) takes the tags that both listings tell, if they are the same and as many as the headers say. Otherwise
        the tags are asked for of objects that have some, by the count that MinIO, RustFS and AWS send with the headers,
        and of all objects of a store that is not known to send it.
      - V(always) asks for the tags of all objects.
      - V(never) compares no tags.
    type: str
    choices: [auto, always, never]
    default: auto
  workers:
    description: How many objects, or batches of small ones, are compared at once. 1 to 256.
    type: int
    default: 16
  chunk_bytes:
    description:
      - How much of each side is read before it is compared, in bytes, 4096 to 67108864. Each worker holds two of them.
    type: int
    default: 1048576
  patience:
    description: For how many seconds a store that does not answer is waited for.
    type: int
    default: 120
  progress:
    description:
      - File on the server that is replaced every two seconds with C(objects), C(bytes), C(differences) and the time
        C(at), as JSON. Not written in check mode.
    type: path
requirements:
  - boto3, on the host that the module runs on
attributes:
  check_mode:
    description: Compares as it does otherwise, and writes neither journal nor progress.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: none
"""

EXAMPLES = r"""
- name: Compare the artifacts
  onprem.mlflow.s3_compare:
    source:
      endpoint_url: http://127.0.0.1:9000
      access_key: "{{ vault_minio_access_key }}"
      secret_key: "{{ vault_minio_secret_key }}"
    target:
      endpoint_url: http://127.0.0.1:9100
      access_key: mlflow-artifacts
      secret_key: "{{ vault_mlflow_secret_key }}"
    bucket: mlflow
    journal: /opt/mlflow/migration/compare/mlflow.jsonl
  register: comparison
  failed_when: not comparison.equal

- name: Compare what has changed since
  onprem.mlflow.s3_compare:
    source: "{{ minio_migration_source }}"
    target: "{{ minio_migration_target }}"
    bucket: mlflow
    journal: /opt/mlflow/migration/compare/mlflow-last.jsonl
    since: /opt/mlflow/migration/compare/mlflow.jsonl

- name: Compare once more what was not the same
  onprem.mlflow.s3_compare:
    source: "{{ minio_migration_source }}"
    target: "{{ minio_migration_target }}"
    bucket: mlflow
    journal: /opt/mlflow/migration/compare/mlflow-again.jsonl
    only: /opt/mlflow/migration/compare/mlflow-last.jsonl
"""

RETURN = r"""
equal:
  description: Whether every object is the same on both sides, none is missing and none is there in addition.
  type: bool
  returned: success
bucket:
  description: Bucket of the source.
  type: str
  returned: success
prefix:
  description: What the keys begin with.
  type: str
  returned: success
objects:
  description: How many objects of the source were compared or are missing on the target.
  type: int
  returned: success
bytes:
  description: Their size on the source, in bytes.
  type: int
  returned: success
same:
  description: How many are the same in everything.
  type: int
  returned: success
by:
  description:
    - How content was compared, C(etag), C(checksum) or C(read), and for how many objects. Those of different size are
      in none, and those in RV(earlier) neither.
  type: dict
  returned: success
earlier:
  description: How many of those in RV(same) were the same in the comparison of O(since), and not compared again.
  type: int
  returned: success
earlier_by:
  description: How content was compared in the comparison of O(since), as in RV(by); empty without one.
  type: dict
  returned: success
different:
  description:
    - The first 1000 objects that differ, each with its C(key), a list C(what) and the values in C(source) and
      C(target). In C(what) are V(size), V(content), V(content_type), V(cache_control), V(content_disposition),
      V(content_encoding), V(content_language), V(expires), V(metadata) and V(tags). C(first_difference) is the byte at
      which content differs, counted from 0.
  type: list
  elements: dict
  returned: success
different_count:
  description: How many objects differ.
  type: int
  returned: success
missing:
  description: The first 1000 keys that only the source has.
  type: list
  elements: str
  returned: success
missing_count:
  description: How many keys only the source has.
  type: int
  returned: success
extra:
  description: The first 1000 keys that only the target has.
  type: list
  elements: str
  returned: success
extra_count:
  description: How many keys only the target has.
  type: int
  returned: success
unsettled:
  description: The first 1000 keys of objects that were written again and again while they were compared.
  type: list
  elements: str
  returned: success
unsettled_count:
  description: How many objects were written again and again.
  type: int
  returned: success
unreadable:
  description: The first 1000 objects that could not be compared, each with its C(key) and the C(reason).
  type: list
  elements: dict
  returned: success
unreadable_count:
  description: How many objects could not be compared.
  type: int
  returned: success
differences:
  description: How many keys are not found the same, that is all of the five kinds above.
  type: int
  returned: success
fit_for_only:
  description: Whether those are few enough to be compared alone, with the journal of this comparison as O(only).
  type: bool
  returned: success
continued:
  description: Whether a comparison that was killed was continued.
  type: bool
  returned: success
bytes_read:
  description: How much content was read on both sides together, in bytes, since it was continued.
  type: int
  returned: success
seconds:
  description: How long it took, in seconds, since it was continued.
  type: float
  returned: success
memory_bytes:
  description: The most memory that the module had, in bytes.
  type: int
  returned: success
started_at:
  description: When it began, in UTC. That of the first run if it was continued.
  type: str
  returned: success
ended_at:
  description: When it ended, in UTC.
  type: str
  returned: success
"""

import resource
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_comparison import HopelessError, run, run_only, utc_now
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_journal import LISTS, Journal, read_earlier
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_journal_keys import Rest, is_fit, read_rest
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_listing import ListingError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_merge import UnsortedError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_objects import Habits, Place
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_seen import Seen
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import STORE_OPTIONS, client, explain, store_of
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_wire import WireError

ARGUMENT_SPEC: dict[str, Any] = {
    "source": {"type": "dict", "required": True, "options": STORE_OPTIONS},
    "target": {"type": "dict", "required": True, "options": STORE_OPTIONS},
    "source_name": {"type": "str", "default": "source"},
    "target_name": {"type": "str", "default": "target"},
    "bucket": {"type": "str", "required": True},
    "target_bucket": {"type": "str"},
    "prefix": {"type": "str", "default": ""},
    "journal": {"type": "path"},
    "run": {"type": "str", "default": ""},
    "since": {"type": "path"},
    "only": {"type": "path"},
    "read": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
    "tags": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
    "workers": {"type": "int", "default": 16},
    "chunk_bytes": {"type": "int", "default": 1 << 20},
    "patience": {"type": "int", "default": 120},
    "progress": {"type": "path"},
}
RANGES = {"workers": (1, 256), "chunk_bytes": (4096, 64 << 20), "patience": (0, 86400)}


class StoreError(Exception):
    """A store that cannot be compared; the message is one sentence."""


def check(params: dict[str, Any]) -> tuple[Place, Place]:
    """Check the options without asking a store."""
    for name, (low, high) in RANGES.items():
        if not low <= params[name] <= high:
            raise InputError(f"{name}: found {params[name]}, write a number from {low} to {high}.")
    source = Place(store_of(params["source"], params["source_name"]), params["bucket"], params["source_name"])
    target_bucket = params["target_bucket"] or params["bucket"]
    target = Place(store_of(params["target"], params["target_name"]), target_bucket, params["target_name"])
    for name, value in (("bucket", source.bucket), ("target_bucket", target.bucket)):
        if not value or "/" in value or not value.isprintable() or not value.isascii():
            raise InputError(f"{name}: found {value!r}, write the name of a bucket.")
    if (source.store.endpoint_url, source.bucket) == (target.store.endpoint_url, target.bucket):
        raise InputError(f"{target.variable}: is bucket {target.bucket!r} of the source itself, write another store.")
    journal = params["journal"]
    for name in ("since", "only"):
        if None not in (params[name], journal) and Path(params[name]).resolve() == Path(journal).resolve():
            raise InputError(f"{name}: is the journal of this comparison itself, write the path of an earlier one.")
    return source, target


def has_keys(place: Place, prefix: str) -> bool:
    """Ask a store once; tell whether there is a key."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = client(place.store, 1).list_objects_v2(Bucket=place.bucket, Prefix=prefix, MaxKeys=1)
    except (BotoCoreError, ClientError) as exc:
        raise StoreError(explain(exc, place.store, place.variable)) from exc
    return bool(answer.get("Contents"))


def compare(params: dict[str, Any], dry_run: bool) -> dict[str, Any]:
    """Compare and return the module's result."""
    began = time.monotonic()
    source, target = check(params)
    identity = {
        "source": [source.store.endpoint_url, source.bucket],
        "target": [target.store.endpoint_url, target.bucket],
        "prefix": params["prefix"],
        "read": params["read"],
        "tags": params["tags"],
    }
    earlier = None if params["since"] is None else read_earlier(params["since"], identity)
    rest = None if params["only"] is None else read_rest(params["only"], identity)
    if not has_keys(source, params["prefix"]) and params["prefix"]:
        raise InputError(
            f"prefix: found {params['prefix']!r}, which no key in bucket {source.bucket!r} of the source begins with,"
            " write another or leave it empty."
        )
    has_keys(target, params["prefix"])
    earlier_by = earlier.by if earlier else rest.whole["earlier_by"] if rest else {}
    habits = Habits(params["read"], params["tags"], params["chunk_bytes"], float(params["patience"]))
    journal = Journal(None if dry_run else params["journal"], identity, params["run"])
    continued = journal.continued
    try:
        journal.begin({"at": utc_now(), "earlier_by": earlier_by, **({} if rest is None else {"whole": rest.whole})})
        progress = None if dry_run else params["progress"]
        read = _run(source, target, params, habits, journal, earlier or (), rest, progress)
        ended_at = utc_now()
        journal.end(ended_at)
    finally:
        journal.close()
    findings = journal.findings
    if rest is not None:
        findings.complete(rest.whole)
    return {
        "changed": False,
        "equal": not findings.differences,
        "bucket": source.bucket,
        "prefix": params["prefix"],
        **findings.counts,
        "by": findings.by,
        "earlier_by": earlier_by,
        **{name: findings.lists[name] for name in LISTS},
        "differences": findings.differences,
        "fit_for_only": is_fit(findings),
        "started_at": journal.start["at"],
        "ended_at": ended_at,
        "continued": continued,
        "bytes_read": read,
        "seconds": round(time.monotonic() - began, 3),
        # Linux tells kibibytes.
        "memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def _run(
    source: Place,
    target: Place,
    params: dict[str, Any],
    habits: Habits,
    journal: Journal,
    earlier: Iterable[Seen],
    rest: Rest | None,
    progress: str | None,
) -> int:
    try:
        if rest is not None:
            return run_only(source, target, rest.keys, habits, params["workers"], journal, progress)
        return run(source, target, params["prefix"], habits, params["workers"], journal, earlier, progress)
    except (WireError, ListingError, HopelessError) as exc:
        # Asked again by a client whose errors can be explained.
        for place in (source, target):
            has_keys(place, params["prefix"])
        raise StoreError(
            f"{source.variable}, {target.variable}: the comparison of bucket {source.bucket!r} broke off"
            f" ({str(exc).rstrip('.')}); look at the logs of both stores, and run this again to go on."
        ) from exc
    except UnsortedError as exc:
        raise StoreError(str(exc)) from exc


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC, mutually_exclusive=[("since", "only")], supports_check_mode=True
    )
    try:
        result = compare(module.params, module.check_mode)
    except ImportError as exc:
        module.fail_json(msg=missing_required_lib("boto3"), exception=str(exc))
    except OSError as exc:
        name = exc.filename or module.params["journal"]
        module.fail_json(
            msg=f"journal, progress: {name!r} cannot be written ({exc.strerror or exc}), make room for it."
        )
    except (InputError, StoreError) as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
