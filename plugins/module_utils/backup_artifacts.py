# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The artifacts of a backup, put back into a bucket or a folder. What is there and the same is left alone."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils import backup_objects
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_found import Backup
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_mount import unmount
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_objects import Entry
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_repository import Restic, explain
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_settings import (
    ARTIFACTS,
    LATE,
    MANIFEST,
    WORK,
    Settings,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_store import store_of
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import client, explained

AT_ONCE = 8
_BATCH = 200
_WAIT_SECONDS = 120
_MIB = 1 << 20
# Sizes of parts that clients cut objects into: boto3, rclone, mc, and others.
_PART_SIZES = tuple(size * _MIB for size in (8, 5, 16, 10, 32, 64, 100, 128, 256, 512))
# More than this is stored in parts only.
_WHOLE_BYTES = 5 << 30


@dataclass
class PutBack:
    """What was put back, or would be; the size is in bytes."""

    objects: int = 0
    bytes: int = 0
    there: int = 0


def restore(settings: Settings, restic: Restic, backup: Backup, disks: Sequence[str], *, dry_run: bool) -> PutBack:
    """Put back what the bucket or the folder lacks, or has otherwise."""
    if settings.artifacts.kind == "local":
        return _restore_folder(settings, restic, backup, dry_run=dry_run)
    store = store_of(settings)
    with explained(store, "backup_restore"):
        side = client(store, AT_ONCE * 2)
        return _restore_bucket(settings, restic, backup, side, disks, dry_run=dry_run)


def _restore_folder(settings: Settings, restic: Restic, backup: Backup, *, dry_run: bool) -> PutBack:
    path = settings.artifacts.path
    found = PutBack()
    for name, size in restic.files(backup.snapshot.id, path):
        there = settings.project_dir / path / name
        if there.is_file() and there.stat().st_size == size:
            found.there += 1
        else:
            found.objects += 1
            found.bytes += size
    must_have_room(found, [str(settings.project_dir)])
    if not dry_run:
        words = ["--include", f"/{path}", "--target", str(settings.project_dir)]
        restic.run(["restore", "--quiet", backup.snapshot.id, *words])
    return found


def _restore_bucket(
    settings: Settings, restic: Restic, backup: Backup, side: Any, disks: Sequence[str], *, dry_run: bool
) -> PutBack:
    bucket, work = settings.artifacts.bucket, settings.work
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    manifest, lacking = work / "restored.jsonl", work / "lacking.jsonl"
    manifest.write_bytes(restic.file(backup.snapshot.id, f"{WORK}/{MANIFEST}"))
    try:
        found = PutBack()
        pairs = backup_objects.paired(backup_objects.read(manifest), backup_objects.listing(side, bucket))
        different = (entry for entry, there in pairs if there is None or not there.same(entry))
        found.objects, found.bytes = backup_objects.write(lacking, different)
        found.there = backup.description["objects"] - found.objects
        must_have_room(found, disks)
        if not dry_run and found.objects:
            with snapshot_mounted(settings, restic, backup) as folder:
                put_all(side, bucket, backup_objects.read(lacking), folder)
        return found
    finally:
        manifest.unlink(missing_ok=True)
        lacking.unlink(missing_ok=True)


def must_have_room(found: PutBack, disks: Sequence[str]) -> None:
    """Raise InputError where the disks cannot take what is lacking; several may need half of their room for parity."""
    needed = found.bytes * (2 if len(disks) > 1 else 1)
    free = sum(shutil.disk_usage(disk).free for disk in disks)
    if free < needed:
        raise InputError(
            f"{', '.join(disks)}: {free >> 20} MiB are free, but the artifacts of the backup need {needed >> 20} MiB:"
            " make room."
        )


@contextlib.contextmanager
def snapshot_mounted(settings: Settings, restic: Restic, backup: Backup) -> Iterator[Path]:
    """Show a backup as a folder for as long as it is read."""
    folder = settings.work / "snapshot"
    folder.mkdir(mode=0o700, exist_ok=True)
    unmount(folder)
    log = settings.work / "restic.log"
    arguments = ["mount", "--path-template", "ids/%i", str(folder)]
    with (
        log.open("w+b") as errors,
        restic.start(arguments, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors) as process,
    ):
        try:
            end = time.monotonic() + _WAIT_SECONDS
            while not os.path.ismount(folder):
                if process.poll() is not None or time.monotonic() > end:
                    text = log.read_text(encoding="utf-8", errors="replace")
                    raise InputError(explain(settings, process.poll() or 1, text))
                time.sleep(0.1)
            yield folder / "ids" / backup.name / WORK
        finally:
            unmount(folder)
            process.terminate()


def put_all(side: Any, bucket: str, entries: Iterator[Entry], folder: Path) -> None:
    """Write objects into the bucket, several at once."""

    def put_one(entry: Entry) -> None:
        put(side, bucket, entry, folder / LATE / entry.late_name if entry.late else folder / ARTIFACTS / entry.key)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        while batch := list(islice(entries, _BATCH)):
            for _done in pool.map(put_one, batch):
                pass


def put(side: Any, bucket: str, entry: Entry, path: Path) -> None:
    """Write an object with the headers that it had; raise InputError where it then differs."""
    from boto3.s3.transfer import TransferConfig

    part = part_size(entry)
    config = TransferConfig(
        multipart_threshold=part if part else entry.size + 1, multipart_chunksize=part or 8 * _MIB, use_threads=False
    )
    try:
        side.upload_file(str(path), bucket, entry.key, ExtraArgs=dict(entry.headers) or None, Config=config)
    except OSError as error:
        raise InputError(
            f"backup_restore: {entry.key!r} cannot be read from the backup ({error.strerror}), which is damaged, see"
            " docs/backup.md for what can be saved."
        ) from error
    now = backup_objects.head(side, bucket, entry)
    proven = "-" not in entry.etag or (part and math.ceil(entry.size / part) == parts_of(entry))
    if now is None or now.size != entry.size or (proven and now.etag != entry.etag):
        raise InputError(f"backup_restore: {entry.key!r} is not in {bucket} as it was, run this again.")


def parts_of(entry: Entry) -> int:
    """Tell in how many parts an object was stored; 0 where it was stored as a whole."""
    _digest, dash, count = entry.etag.partition("-")
    return int(count) if dash and count.isdigit() else 0


def part_size(entry: Entry) -> int:
    """Return the size of part that gives an object the same ETag, as near as that can be told; 0 for a whole one."""
    count = parts_of(entry)
    if not count:
        return 8 * _MIB if entry.size > _WHOLE_BYTES else 0
    for size in _PART_SIZES:
        if math.ceil(entry.size / size) == count:
            return size
    return max(5 * _MIB, math.ceil(entry.size / count / _MIB) * _MIB)
