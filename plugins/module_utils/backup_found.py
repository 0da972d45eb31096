# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One backup of a repository: which one is meant, and what it says of itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.backup_repository import Restic, Snapshot
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_settings import (
    DESCRIPTION,
    FORMAT,
    REPLACED,
    WORK,
    Settings,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

LATEST = "latest"
_SHOWN = 8


@dataclass(frozen=True)
class Backup:
    """A backup, and its description."""

    snapshot: Snapshot
    description: dict[str, Any]

    @property
    def name(self) -> str:
        """Return what people call it."""
        return self.snapshot.id[:_SHOWN]

    @property
    def database(self) -> dict[str, Any]:
        """Return what it says of its dump."""
        return dict(self.description["database"])


def choose(snapshots: Sequence[Snapshot], wanted: str, location: str) -> Snapshot:
    """Return the backup of an identifier, or the latest one."""
    if not any(REPLACED not in snapshot.tags for snapshot in snapshots):
        raise InputError(
            f"backup_restore: there is no backup of MLflow at {location}, write another backup_repository."
        )
    if wanted == LATEST:
        return [snapshot for snapshot in snapshots if REPLACED not in snapshot.tags][-1]
    found = [snapshot for snapshot in snapshots if snapshot.id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{snapshot.id[:_SHOWN]} of {snapshot.time[:16]}" for snapshot in snapshots[-5:])
    count = "several backups begin" if found else "no backup begins"
    raise InputError(f"backup_restore: {count} with {wanted!r}, write latest or one of those that there are: {names}.")


def find(settings: Settings, restic: Restic, wanted: str) -> Backup:
    """Find a backup, and read its description; raise InputError where it is none of ours."""
    location = settings.repository.location
    if not restic.exists():
        raise InputError(f"backup_repository: there is no repository at {location}, write where the backups are.")
    snapshot = choose(restic.snapshots(), wanted, location)
    name = snapshot.id[:_SHOWN]
    try:
        description = json.loads(restic.file(snapshot.id, f"{WORK}/{DESCRIPTION}"))
        version = int(description["format"])
    except (ValueError, TypeError, KeyError):
        raise InputError(f"backup_restore: {name} does not say what is in it, write another one.") from None
    if version > FORMAT:
        raise InputError(
            f"backup_restore: {name} was taken by a newer version of this collection, which is needed to restore it."
        )
    return Backup(snapshot, description)


def must_fit(settings: Settings, backup: Backup) -> None:
    """Raise InputError where the platform's database or artifacts are of another kind than the backup's."""
    theirs, ours = backup.database.get("engine"), settings.database.kind
    if theirs != ours:
        raise InputError(
            f"mlflow_platform_database: found {ours!r}, but the backup {backup.name} is of {theirs}, write {theirs!r}."
        )
    theirs, ours = backup.description.get("artifacts"), settings.artifacts.kind
    if theirs != ours:
        raise InputError(
            f"mlflow_platform_artifact_store: found {ours!r}, but the artifacts of the backup {backup.name} are of"
            f" {theirs!r}, write that."
        )
    theirs, ours = backup.description.get("bucket"), settings.artifacts.bucket
    if theirs != ours:
        raise InputError(
            f"bucket_name: found {ours!r}, but the artifacts of the backup {backup.name} were in {theirs!r}, write it."
        )
