# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container that runs mc for one bucket or prefix: its name, its options, its files. All of it is pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.content_digest import content_digest
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import BUCKET_NAME, Store

UID = 10012
LABEL_DIGEST = "onprem.mlflow.mc.digest"
LABEL_RUN = "onprem.mlflow.mc.run"
CONFIG_FILE = "config.json"
SCRIPT_FILE = "run.sh"

_PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]*")
_MEMORY = re.compile(r"([1-9][0-9]*)([kmg]?)")
_RATE = re.compile(r"[1-9][0-9]*(\.[0-9]+)? ?([KMGT]i?)?B?(/s)?")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}

# The keys leave the disk before mc starts, and are not in the container's environment, which `docker inspect` shows.
SCRIPT = r"""#!/bin/sh
# Runs mc, writes what it says and what it does to /job, and its exit status when it has ended.
set -u
umask 077
run=$1; source=$2; target=$3; workers=$4
shift 4
config=/tmp/mc

finish() {
    printf '%s %s\n' "$1" "$(date +%s)" > "/job/$run.status.new"
    mv "/job/$run.status.new" "/job/$run.status"
    exit 0
}

mc=$(command -v mc || command -v mcli || command -v minio-client) || {
    echo 'There is no mc in this image.' > "/job/$run.err"
    finish 127
}
mkdir -p "$config/certs/CAs"
cat /job/config.json > "$config/config.json" || finish 126
rm -f /job/config.json
for file in /job/*.crt; do
    if [ -e "$file" ]; then cat "$file" > "$config/certs/CAs/${file##*/}"; fi
done

if [ "$workers" -gt 0 ]; then
    case $("$mc" --config-dir "$config" mirror --help 2>/dev/null) in
    *--max-workers*) set -- "$@" --max-workers "$workers" ;;
    # Without the option mc begins with one worker per CPU, and adds GOMAXPROCS every 4 s while that makes it faster.
    *) GOMAXPROCS=$((workers / 4 > 0 ? workers / 4 : 1))
       export GOMAXPROCS
       echo "$GOMAXPROCS" > "/job/$run.workers" ;;
    esac
fi

"$mc" --config-dir "$config" mirror "$@" "$source" "$target" > "/job/$run.jsonl" 2> "/job/$run.err" &
pid=$!
stopped=
# A mc that was told to stop may say that all went well.
trap 'stopped=143; kill -TERM "$pid" 2> /dev/null' TERM INT

sample() {
    sent=-
    while read -r name value; do
        if [ "$name" = wchar: ]; then sent=$value; fi
    done 2> /dev/null < "/proc/$pid/io"
    size=$(wc -c < "/job/$run.jsonl")
    printf '%s %s %s\n' "$(date +%s)" "$sent" "$size" >> "/job/$run.samples"
}
while :; do sample; sleep 1; done > /dev/null 2>&1 &
sampler=$!

wait "$pid"
status=$?
# A signal ends the waiting before mc has ended.
while kill -0 "$pid" 2> /dev/null; do wait "$pid"; status=$?; done
kill "$sampler"
finish "${stopped:-$status}"
"""


@dataclass(frozen=True)
class Job:
    """What one container is to copy, and how."""

    project: str
    directory: str
    image: str
    source: Store
    target: Store
    bucket: str
    target_bucket: str
    prefix: str
    workers: int = 0
    limit_upload: str = ""
    limit_download: str = ""
    memory: str = "2g"
    networks: tuple[str, ...] = field(default=())

    @property
    def slug(self) -> str:
        """Name this selection; the same for every run of it."""
        what = "\0".join((self.bucket, self.prefix, self.target_bucket))
        return f"{self.bucket}-{hashlib.sha256(what.encode()).hexdigest()[:8]}"

    @property
    def container(self) -> str:
        """Name the container."""
        return f"{self.project}-mc-{self.slug}"

    @property
    def folder(self) -> str:
        """Name the folder of this selection's runs."""
        return f"{self.directory}/{self.slug}"

    @property
    def digest(self) -> str:
        """Digest what the copy depends on, without the secrets."""
        return content_digest(
            {
                "image": self.image,
                "stores": [
                    [store.endpoint_url, store.access_key, store.region, store.ca_certificate or ""]
                    for store in (self.source, self.target)
                ],
                "what": [self.bucket, self.prefix, self.target_bucket],
                "limits": [self.workers, self.limit_upload, self.limit_download, self.memory],
                "networks": list(self.networks),
            }
        )


def check_job(job: Job) -> None:
    """Raise InputError where mc or Docker would not understand an option, or mean something else by it."""
    if not _PROJECT.fullmatch(job.project):
        raise InputError(
            f"project: found {job.project!r}, write lower case letters, digits and the characters _ - only."
        )
    for name, value in (("bucket", job.bucket), ("target_bucket", job.target_bucket)):
        if not BUCKET_NAME.fullmatch(value):
            raise InputError(f"{name}: found {value!r}, write a bucket of 3 to 63 of the characters a-z 0-9 . -.")
    if job.prefix.startswith("/") or "//" in job.prefix or {".", ".."} & set(job.prefix.split("/")):
        raise InputError(f"prefix: found {job.prefix!r}, write a folder such as 'artifacts/' that mc can name.")
    if (job.source.endpoint_url, job.bucket) == (job.target.endpoint_url, job.target_bucket):
        raise InputError(
            f"target: is the same store and bucket as source ({job.target.endpoint_url}, {job.bucket}), write another."
        )
    if job.workers < 0:
        raise InputError(f"workers: found {job.workers}, write a number from 1, or 0 for no limit.")
    for name, value in (("limit_upload", job.limit_upload), ("limit_download", job.limit_download)):
        if value and not _RATE.fullmatch(value):
            raise InputError(f"{name}: found {value!r}, write a rate such as '50MiB/s', or nothing for no limit.")
    memory_bytes(job.memory)


def as_folder(prefix: str) -> str:
    """Return the prefix as mc understands it: the name of a folder, which ends with a slash; empty stays empty."""
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def memory_bytes(text: str) -> int:
    """Return the bytes that Docker takes a limit for; 0 where there is none."""
    if not text:
        return 0
    match = _MEMORY.fullmatch(text)
    if not match or int(match[1]) * _UNITS[match[2]] < 128 << 20:
        raise InputError(f"memory: found {text!r}, write at least '128m', such as '2g', or nothing for no limit.")
    return int(match[1]) * _UNITS[match[2]]


def mc_config(source: Store, target: Store) -> str:
    """Return mc's configuration, with the keys."""
    aliases = {
        name: {
            "url": store.endpoint_url,
            "accessKey": store.access_key,
            "secretKey": store.secret_key,
            "api": "S3v4",
            "path": "on",
        }
        for name, store in (("src", source), ("dst", target))
    }
    return json.dumps({"version": "10", "aliases": aliases})


def mirror_flags(job: Job, dry_run: bool = False) -> list[str]:
    """Return the options of `mc mirror`.

    Without --retry an object that may not be written is passed over without a word. --remove is not among them: mc
    compares normalised names in the order of the bare ones, and may take an object for surplus that is not.
    """
    flags = ["--json", "--preserve", "--overwrite", "--skip-errors", "--retry"]
    if dry_run:
        flags.append("--dry-run")
    for flag, rate in (("--limit-upload", job.limit_upload), ("--limit-download", job.limit_download)):
        if rate:
            # mc means seconds and does not want to hear it.
            flags += [flag, rate.replace(" ", "").removesuffix("/s")]
    return flags


def paths(job: Job) -> tuple[str, str]:
    """Return source and target as mc writes them."""
    return f"src/{job.bucket}/{job.prefix}", f"dst/{job.target_bucket}/{job.prefix}"


def create_arguments(job: Job, run: str, number: int, dry_run: bool = False) -> list[str]:
    """Return the arguments of `docker create`, none of them a secret."""
    arguments = [
        "create",
        *("--name", f"{job.container}-dry-run" if dry_run else job.container),
        *("--label", f"{LABEL_DIGEST}={job.digest}"),
        *("--label", f"{LABEL_RUN}={number}"),
        *("--user", f"{UID}:{UID}"),
        "--read-only",
        *("--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges:true"),
        *("--tmpfs", "/tmp:rw,nosuid,nodev,noexec,size=64m,mode=1777"),  # noqa: S108
        *("--env", "HOME=/tmp"),
        # The engine labels it where SELinux is on, and does nothing elsewhere.
        *("--volume", f"{job.folder}:/job:z"),
        *("--network", job.networks[0] if job.networks else "host"),
    ]
    limit = memory_bytes(job.memory)
    if limit:
        # On cgroup v2 mc does not see the limit by itself.
        arguments += ["--memory", str(limit), "--env", f"GOMEMLIMIT={limit * 9 // 10}"]
    source, target = paths(job)
    command = [f"/job/{SCRIPT_FILE}", run, source, target, str(job.workers), *mirror_flags(job, dry_run)]
    return [*arguments, "--entrypoint", "/bin/sh", job.image, *command]


def last_lines(text: str, count: int = 5) -> str:
    """Return the end of what a program said, on one line, shortened."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-count:])[-800:]


def labels_of(inspected: dict[str, Any]) -> dict[str, str]:
    """Return the labels in an answer of `docker inspect`."""
    return dict((inspected.get("Config") or {}).get("Labels") or {})


def run_name(number: int) -> str:
    """Name the files of a run."""
    return f"run-{number:04d}"


def run_numbers(names: Sequence[str]) -> list[int]:
    """Return the numbers of the runs whose files are in a folder."""
    found = {int(match[1]) for name in names if (match := re.fullmatch(r"run-(\d{4,})\.json", name))}
    return sorted(found)
