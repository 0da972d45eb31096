# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backup is taken: dump, then artifacts, in one snapshot that is looked through before it counts."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils import backup_database, backup_objects, backup_settings
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_heads import Heads
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_lock import only_one
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_mount import mounted
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_objects import Entry
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_repository import (
    INCOMPLETE,
    Restic,
    backup_arguments,
    explain,
    forget_arguments,
    json_lines,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_settings import (
    ARTIFACTS,
    DESCRIPTION,
    FORMAT,
    LATE,
    MANIFEST,
    Settings,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_store import store_of
from ansible_collections.onprem.mlflow.plugins.module_utils.container_database import Runner
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import client, explained

# An object that is written again and again is left out of the folder after the first time.
PASSES = 5
_FREE_FACTOR = 2
_CHUNK = 1 << 20


@dataclass
class Taken:
    """What a backup holds, and what it took; sizes in bytes, times in seconds."""

    started: str
    # Whether it is of what a restore is about to replace.
    replaced: bool = False
    ended: str = ""
    ok: bool = False
    error: str = ""
    snapshot: str = ""
    seconds: float = 0.0
    mlflow_version: str = ""
    database: dict[str, Any] = field(default_factory=dict)
    objects: int = 0
    objects_bytes: int = 0
    written_meanwhile: int = 0
    # What the repository has grown by.
    added_bytes: int = 0
    checked: bool = False
    kept: int = 0


def take(settings: Settings, taken: Taken) -> None:
    """Take a backup, look through it, and drop those that the retention does not keep.

    Of what a restore is about to replace, one is taken while all are kept.
    """
    restic = Restic(settings)
    # Told before anything is dumped: where there is no repository, or where the password does not open it.
    restic.run(["cat", "config"])
    with work_folder(settings):
        taken.mlflow_version = mlflow_version(settings)
        made = backup_database.dump(settings, settings.work / backup_database.DUMP, Runner())
        taken.database = {"engine": settings.database.kind, **asdict(made)}
        if settings.artifacts.kind == "local":
            _take_folder(settings, restic, taken)
        else:
            _take_bucket(settings, restic, taken)
    if taken.replaced:
        restic.run(["check", "--quiet", "--no-lock", *_read_data(settings)])
    else:
        restic.run_alone(["check", "--quiet", *_read_data(settings)])
        if settings.retention:
            restic.run_alone(forget_arguments(settings))
    taken.checked = True
    taken.kept = len(restic.snapshots())


def mlflow_version(settings: Settings) -> str:
    """Ask MLflow's container for its version; nothing where it does not run."""
    program = "from importlib.metadata import version; print(version('mlflow'))"
    command = ["docker", "exec", f"{settings.project}-mlflow-1", "python3", "-c", program]
    done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    return done.stdout.decode().strip() if done.returncode == 0 else ""


@contextlib.contextmanager
def work_folder(settings: Settings) -> Iterator[None]:
    """Give an empty folder, and leave nothing of the data there; the manifest stays for the next time."""
    work = settings.work
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    _empty(work)
    (work / LATE).mkdir(mode=0o700)
    try:
        yield
    finally:
        _empty(work)


def _empty(work: Path) -> None:
    (work / backup_database.DUMP).unlink(missing_ok=True)
    if (work / LATE).exists():
        shutil.rmtree(work / LATE)


def _take_folder(settings: Settings, restic: Restic, taken: Taken) -> None:
    _describe(settings, taken)
    summary = snapshot(settings, restic, taken, [settings.artifacts.path], [])
    taken.snapshot, taken.added_bytes = str(summary["snapshot_id"]), int(summary["data_added"])


def _take_bucket(settings: Settings, restic: Restic, taken: Taken) -> None:
    work, store = settings.work, store_of(settings)
    manifest, bucket = work / MANIFEST, settings.artifacts.bucket
    late: list[Entry] = []
    with explained(store, "backup"):
        side = client(store)
        new = work / f"{MANIFEST}.new"
        listed, heads = backup_objects.listing(side, bucket), Heads(store, bucket)
        taken.objects, taken.objects_bytes = backup_objects.take(listed, heads.of, manifest, new)
        new.replace(manifest)
        for _pass in range(PASSES):
            _describe(settings, taken)
            with mounted(store, bucket, work / ARTIFACTS):
                summary = snapshot(settings, restic, taken, [f"{backup_settings.WORK}/{ARTIFACTS}"], late)
            taken.added_bytes += int(summary["data_added"])
            before, taken.snapshot = taken.snapshot, str(summary["snapshot_id"])
            if before:
                restic.run(["forget", "--quiet", before])
            again = settle(settings, restic, side, taken)
            if not again:
                return
            late += again
    raise InputError(
        f"In {PASSES} passes, objects of {bucket} were written that had been read before, such as {late[-1].key!r}:"
        " choose an hour for the backup at which less is written."
    )


def snapshot(
    settings: Settings, restic: Restic, taken: Taken, artifacts: list[str], late: list[Entry]
) -> Mapping[str, Any]:
    """Make a snapshot, and return restic's summary; what of the bucket could not be read is found by its absence."""
    work = settings.work
    exclude = work / "exclude"
    folder = f"{work}/{ARTIFACTS}/"
    exclude.write_text("".join(escaped(folder + entry.key) + "\n" for entry in late), encoding="utf-8")
    paths = [f"{backup_settings.WORK}/{name}" for name in (DESCRIPTION, MANIFEST, backup_database.DUMP, LATE)]
    there = [path for path in paths if (settings.project_dir / path).exists()]
    tags = [backup_settings.REPLACED] if taken.replaced else []
    arguments = backup_arguments(settings, [*there, *artifacts, *settings.platform_paths()], str(exclude), tags)
    with (work / "restic.log").open("w+b") as errors:
        with restic.start(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors) as process:
            summary = [line for line in json_lines(process.stdout) if line.get("message_type") == "summary"]
        errors.seek(0)
        text = errors.read().decode(errors="replace")
    if process.returncode not in (0, INCOMPLETE) or not summary:
        raise InputError(explain(settings, process.returncode, text))
    outside = [path for path in unread_paths(text) if not path.startswith(folder)]
    if outside:
        raise InputError(f"{outside[0]} cannot be read, and is part of the backup: see to it, and run this again.")
    return summary[-1]


def unread_paths(text: str) -> Iterator[str]:
    """Yield the paths that restic says it could not read."""
    for line in text.splitlines():
        if line.startswith("{"):
            said = json.loads(line)
            if said.get("message_type") == "error":
                yield str(said.get("item", ""))


def escaped(path: str) -> str:
    """Return a path as a pattern of restic that means itself."""
    return "".join(f"\\{sign}" if sign in "\\*?[]" else sign for sign in path).replace("$", "$$")


def settle(settings: Settings, restic: Restic, side: Any, taken: Taken) -> list[Entry]:
    """Return what the snapshot does not hold as the manifest has it, after a copy of each was put below `late`.

    Objects that were written or removed while they were read, and those whose keys are no paths. The manifest then has
    them as they are now.
    """
    manifest, bucket = settings.work / MANIFEST, settings.artifacts.bucket
    held = dict(restic.files(taken.snapshot, backup_settings.WORK))
    again: list[Entry] = []

    def entries() -> Iterator[Entry]:
        pairs = backup_objects.paired(backup_objects.read(manifest), backup_objects.listing(side, bucket))
        for entry, now in pairs:
            size = held.get(f"{LATE}/{entry.late_name}" if entry.late else f"{ARTIFACTS}/{entry.key}")
            if size == entry.size and (entry.late or (now is not None and now.same(entry))):
                yield entry
            else:
                found = fetch(side, bucket, entry, settings.work / LATE)
                if found is not None:
                    again.append(found)
                    yield found
                elif not entry.late:
                    again.append(entry)

    new = settings.work / f"{MANIFEST}.new"
    taken.objects, taken.objects_bytes = backup_objects.write(new, entries())
    new.replace(manifest)
    taken.written_meanwhile += len(again)
    return again


def fetch(side: Any, bucket: str, entry: Entry, folder: Path) -> Entry | None:
    """Copy an object as it is at one instant; None where it is gone."""
    path = folder / entry.late_name
    while True:
        now = backup_objects.head(side, bucket, entry)
        if now is None:
            path.unlink(missing_ok=True)
            return None
        if shutil.disk_usage(folder).free < now.size * _FREE_FACTOR:
            raise InputError(f"{folder} has no room for the {now.size >> 20} MiB of {entry.key!r}: make room.")
        try:
            answer = side.get_object(Bucket=bucket, Key=entry.key, IfMatch=f'"{now.etag}"')
        except side.exceptions.ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in (404, 412):
                continue
            raise
        with path.open("wb") as file:
            for chunk in answer["Body"].iter_chunks(_CHUNK):
                file.write(chunk)
        return replace(now, late=True)


def _describe(settings: Settings, taken: Taken) -> None:
    """Write what a restore has to know before it begins."""
    said = {
        "format": FORMAT,
        "started": taken.started,
        "project": settings.project,
        "host": settings.host,
        "mlflow_version": taken.mlflow_version,
        "database": taken.database,
        "artifacts": settings.artifacts.kind,
        "bucket": settings.artifacts.bucket,
        "objects": taken.objects,
        "objects_bytes": taken.objects_bytes,
    }
    (settings.work / DESCRIPTION).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def _read_data(settings: Settings) -> list[str]:
    return [f"--read-data-subset={settings.check_percent}%"] if settings.check_percent else []


def now() -> str:
    """Return the time as others write it too."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def record(settings: Settings, taken: Taken) -> None:
    """Keep what is told of the last backup; of one that failed, the last good one stays known."""
    said: dict[str, Any] = {"last": asdict(taken)}
    if taken.ok:
        said["good"] = said["last"]
    elif settings.state.exists():
        said["good"] = json.loads(settings.state.read_text(encoding="utf-8")).get("good")
    new = settings.state.with_suffix(".new")
    new.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    new.replace(settings.state)


def main(project_dir: str, *, replaced: bool = False) -> int:
    """Take a backup as the timer does, and say how it went."""
    os.umask(0o077)
    taken, begun = Taken(now(), replaced=replaced), time.monotonic()
    try:
        settings = backup_settings.read(project_dir)
        with only_one(settings):
            try:
                take(settings, taken)
                taken.ok = True
            except InputError as error:
                taken.error = str(error)
            except BaseException as error:
                taken.error = f"{type(error).__name__}: {error}"
                raise
            finally:
                taken.ended, taken.seconds = now(), round(time.monotonic() - begun, 1)
                record(settings, taken)
    except InputError as error:
        taken.error = str(error)
    print(taken.error or f"Backup {taken.snapshot[:8]}: {taken.objects} objects in {taken.seconds} s", flush=True)
    return int(not taken.ok)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], replaced="--replaced" in sys.argv[2:]))
