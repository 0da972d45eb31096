#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.mc_mirror."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mc_mirror
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.2.0
short_description: Copy a bucket from one S3 store to another with mc, in a container that outlives the controller
description:
  - Runs C(mc mirror) in a container of its own on the server, and shows how far it is every few seconds.
  - The container goes on when the controller dies or the connection breaks. The next task with the same O(bucket),
    O(target_bucket) and O(prefix) finds it and follows it, and fetches the result of one that has ended
    meanwhile. One that was killed, with its server or by somebody's hand, is started again and goes on where it was.
  - Whether an object was copied is read from what mc prints. Its exit status is not trusted, and objects of which mc
    does not tell whether they arrived are looked for on the target.
  - mc does not replace an object of the same size that is newer on the target, whatever it holds. Compare afterwards.
  - The keys reach mc in a file that the container deletes before it starts mc. They are never on a command line nor in
    the environment that C(docker inspect) shows.
  - It is an error if the target lacks the bucket, but in check mode. The source is never changed.
requirements:
  - Docker Engine and its command on the server
  - boto3 on the server
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.s3_store.source_and_target
options:
  source:
    description: The store to copy from. Its address must be reachable from the container, see O(networks).
  target:
    description: The store to copy to.
  bucket:
    description: Bucket of the source.
    type: str
    required: true
  target_bucket:
    description: Bucket of the target. The name of O(bucket) where it is left out.
    type: str
  prefix:
    description:
      - Folder to copy, with or without a slash at its end. The whole bucket where it is empty.
      - mc copies folders, so V(runs) stands for V(runs/), and does not take V(runs-old/) along.
    type: str
    default: ""
  image:
    description: Image with mc and a shell. It must be on the server or in a registry.
    type: str
    required: true
  project:
    description: Beginning of the container's name.
    type: str
    default: mlflow
  directory:
    description: Folder on the server for the journals. It is made where it is missing, with mode 0700.
    type: path
    required: true
  networks:
    description:
      - Docker networks that the container joins, such as those of two compose projects. Each address must be one that
        is reachable from there, and not that of the server's loopback.
      - The server's own network where the list is empty. There the container reaches whatever the server reaches,
        which are published ports and the addresses of other containers too.
    type: list
    elements: str
    default: []
  workers:
    description:
      - How many objects are copied at once, at most. mc decides by itself where it is V(0).
      - A mc without the option C(--max-workers), as that of Debian 13, cannot be held to a number. It is slowed down in
        adding workers then, and a warning says so; use O(limit_upload) for a hard limit.
    type: int
    default: 0
  limit_upload:
    description: Bytes per second to the target at most, such as V(50MiB/s). No limit where it is empty.
    type: str
    default: ""
  limit_download:
    description: Bytes per second from the source at most, such as V(50MiB/s). No limit where it is empty.
    type: str
    default: ""
  memory:
    description: Memory of the container at most, such as V(2g), at least V(128m). No limit where it is empty.
    type: str
    default: 2g
  objects_total:
    description: How many objects there are to be copied, for the progress; V(0) where that is not known.
    type: int
    default: 0
  bytes_total:
    description: How many bytes there are to be copied, for the progress; V(0) where that is not known.
    type: int
    default: 0
  fail_on_errors:
    description: Whether the task fails where objects were not copied, or mc did not get to its end.
    type: bool
    default: true
  wait:
    description: For how many seconds the server is asked at once, from 1 to 8. Progress is shown as often.
    type: int
    default: 5
  follow_only:
    description: Whether nothing is started. Used between two looks at the same copy.
    type: bool
    default: false
attributes:
  action:
    description: The following and the progress happen in an action plugin of the same name, on the controller.
    support: partial
  check_mode:
    description: Runs C(mc mirror --dry-run) where the image is on the server. Nothing is copied.
    support: full
  diff_mode:
    description: There is no difference to show that would not be too long.
    support: none
"""

EXAMPLES = r"""
- name: Copy the bucket while MLflow keeps running
  onprem.mlflow.mc_mirror:
    source: "{{ minio_store }}"
    target: "{{ rustfs_store }}"
    bucket: mlflow
    image: onprem/mc:1
    directory: /opt/mlflow/migration/copy
    objects_total: 20000
    bytes_total: 4294967296
  no_log: true
  register: first_pass
"""

RETURN = r"""
copied:
  description: What has been copied, by all runs of mc together.
  returned: success and failure, unless nothing could be started
  type: dict
  contains:
    bucket:
      description: Bucket of the source.
      type: str
    target_bucket:
      description: Bucket of the target.
      type: str
    prefix:
      description: Folder, with a slash at its end, or empty.
      type: str
    pass:
      description: V(mirror), where M(onprem.mlflow.s3_copy_keys) says V(again).
      type: str
    running:
      description: Whether the copy still goes on. Never, where the action plugin followed it.
      type: bool
    started_at:
      description: When the first run began, in UTC.
      type: str
    run_started_at:
      description: When the last run began, in UTC.
      type: str
    ended_at:
      description: When the last run ended, in UTC.
      type: str
    objects_total:
      description: Objects to be copied, as far as known.
      type: int
    bytes_total:
      description: Bytes to be copied, as far as known.
      type: int
    objects:
      description: Objects copied.
      type: int
    bytes:
      description: Bytes copied.
      type: int
    failed:
      description: Up to 1000 objects that were not copied, each with its C(key) and the C(reason).
      type: list
      elements: dict
    failed_count:
      description: How many objects were not copied.
      type: int
    samples:
      description: Up to 500 moments, each with C(at), C(objects) and C(bytes).
      type: list
      elements: dict
    exit_status:
      description: Exit status of mc, which proves nothing. V(null) where mc was killed.
      type: int
    errors:
      description: Errors that belong to no object.
      type: list
      elements: str
    runs:
      description: How many runs of mc it took.
      type: int
    journal:
      description: File on the server with all that mc printed in the last run.
      type: str
incomplete:
  description: Whether objects were not copied, or mc did not get to its end.
  returned: success and failure
  type: bool
started:
  description: Whether mc was started, and not found at work or done.
  returned: success and failure
  type: bool
msg:
  description: One sentence.
  returned: always
  type: str
"""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_arrival import Arrivals
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_job import Job, as_folder, check_job
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_runs import (
    McError,
    Runs,
    dry_run,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_text import outcome
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import (
    STORE_OPTIONS,
    check_bucket,
    client,
    explained,
    store_of,
)

MAX_WAIT = 8

ARGUMENT_SPEC: dict[str, Any] = {
    "source": {"type": "dict", "required": True, "options": STORE_OPTIONS},
    "target": {"type": "dict", "required": True, "options": STORE_OPTIONS},
    "bucket": {"type": "str", "required": True},
    "target_bucket": {"type": "str"},
    "prefix": {"type": "str", "default": ""},
    "image": {"type": "str", "required": True},
    "project": {"type": "str", "default": "mlflow"},
    "directory": {"type": "path", "required": True},
    "networks": {"type": "list", "elements": "str", "default": []},
    "workers": {"type": "int", "default": 0},
    "limit_upload": {"type": "str", "default": ""},
    "limit_download": {"type": "str", "default": ""},
    "memory": {"type": "str", "default": "2g"},
    "objects_total": {"type": "int", "default": 0},
    "bytes_total": {"type": "int", "default": 0},
    "fail_on_errors": {"type": "bool", "default": True},
    "wait": {"type": "int", "default": 5},
    "follow_only": {"type": "bool", "default": False},
}


def job_of(params: dict[str, Any]) -> Job:
    """Build the job from the options, and check it."""
    job = Job(
        project=params["project"],
        directory=params["directory"],
        image=params["image"],
        source=store_of(params["source"], "source"),
        target=store_of(params["target"], "target"),
        bucket=params["bucket"],
        target_bucket=params["target_bucket"] or params["bucket"],
        prefix=as_folder(params["prefix"]),
        workers=params["workers"],
        limit_upload=params["limit_upload"],
        limit_download=params["limit_download"],
        memory=params["memory"],
        networks=tuple(params["networks"]),
    )
    check_job(job)
    if not 1 <= params["wait"] <= MAX_WAIT:
        raise InputError(f"wait: found {params['wait']}, write a number of seconds from 1 to {MAX_WAIT}.")
    return job


def check_buckets(job: Job, sides: tuple[Any, Any]) -> None:
    """Raise InputError in one sentence where a bucket is missing or a store does not answer."""
    check_bucket(sides[0], job.source, job.bucket, "source")
    check_bucket(sides[1], job.target, job.target_bucket, "target")


def has_bucket(target: Any, job: Job) -> bool:
    """Tell whether the target has the bucket; raise InputError where it does not answer."""
    with explained(job.target, "target"):
        try:
            target.head_bucket(Bucket=job.target_bucket)
        except target.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
    return True


def run(module: AnsibleModule) -> dict[str, Any]:
    """Do one step: start or find the copy, read on for a while, and settle it where it has ended."""
    params = module.params
    job = job_of(params)
    sides = (client(job.source), client(job.target))

    def docker(words: Sequence[str]) -> tuple[int, str, str]:
        status, out, err = module.run_command([module.get_bin_path("docker", required=True), *words])
        return status, out, err

    if module.check_mode:
        check_bucket(sides[0], job.source, job.bucket, "source")
        # In check mode nothing has made the target's bucket before.
        found = dry_run(job, docker) if has_bucket(sides[1], job) else params["bytes_total"] or None
        return {
            "changed": found is None or found > 0,
            "msg": f"Would copy {job.bucket}, {'an unknown number of' if found is None else found} bytes.",
            "bytes_to_copy": found,
        }

    Path(job.directory).mkdir(mode=0o700, parents=True, exist_ok=True)
    with Path(job.directory, f".{job.slug}.lock").open("w") as lock:
        os.fchmod(lock.fileno(), 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not params["follow_only"]:
            check_buckets(job, sides)
        runs = Runs(job, docker, Arrivals(*sides, job.bucket, job.target_bucket))
        started = runs.begin(params["follow_only"])
        running = runs.follow(params["wait"])
        copied = runs.result(params["objects_total"], params["bytes_total"])
        last = runs.runs[-1]
        result: dict[str, Any] = {
            "changed": started or bool(copied["objects"]),
            "started": started,
            "copied": copied,
            "msg": outcome(copied),
        }
        if last.workers_step and not running:
            module.warn(
                f"workers: the mc of {job.image} cannot be held to a number; it begins with one for each CPU and adds"
                f" {last.workers_step} every 4 seconds while that makes it faster."
            )
        result["incomplete"] = not running and not last.complete
    return result


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = run(module)
    except (InputError, McError) as exc:
        module.fail_json(msg=str(exc))
    except OSError as exc:
        module.fail_json(msg=f"directory: {exc.filename} cannot be used ({exc.strerror}); become root, or make room.")
    if result.get("incomplete") and module.params["fail_on_errors"]:
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
