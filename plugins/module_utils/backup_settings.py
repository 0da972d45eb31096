# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server knows about its backups: the settings that the role writes, and the folders that go with them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

SETTINGS = "config/backup/settings.json"
# Below the project's folder: what a backup is made from, and what is told of the last one.
WORK = "backups/work"
STATE = "backups/last.json"
# In the work folder: what is in the backup, the list of its objects, those that were copied late, and the bucket.
DESCRIPTION, MANIFEST, LATE, ARTIFACTS = "backup.json", "objects.jsonl", "late", "artifacts"
# Of the description, of which an older version of ours may have had less.
FORMAT = 1
# What is there beside database and artifacts; what is not, is left out.
PLATFORM = ("compose.yml", "services", "config", "secrets", "data/acme")
# The key to the backups does not open anything that is inside of them, and no other server goes on with a rotation.
LEFT_OUT = ("config/backup", "secrets/backup", "secrets/rotation.json")
# All backups have it, whatever the platform is called now and was then.
TAG = "onprem.mlflow"
# Those that a restore takes of what it is about to replace; no restore means them by `latest`.
REPLACED = "replaced"


@dataclass(frozen=True)
class Database:
    """The database, and who dumps it. The password is in a file below the project's folder."""

    kind: str
    container: str = ""
    name: str = ""
    username: str = ""
    password_file: str = ""
    path: str = ""


@dataclass(frozen=True)
class Artifacts:
    """Where the artifacts are: in a bucket, or in a folder below the project's."""

    kind: str
    bucket: str = ""
    region: str = "us-east-1"
    endpoint_url: str = ""
    # In place of an address: the container that has it, on one of its networks.
    container: str = ""
    network: str = ""
    ca_certificate: str = ""
    path: str = ""


@dataclass(frozen=True)
class Repository:
    """Where the backups are, in the words of restic."""

    location: str
    ssh_port: int = 22
    ca_certificate: str = ""
    region: str = "us-east-1"

    @property
    def kind(self) -> str:
        """Tell a folder from what is elsewhere: local, sftp or s3."""
        scheme = self.location.partition(":")[0]
        return scheme if scheme in ("sftp", "s3") else "local"


@dataclass(frozen=True)
class Settings:
    """All of it."""

    project: str
    project_dir: Path
    host: str
    repository: Repository
    database: Database
    artifacts: Artifacts
    retention: Mapping[str, int] = field(default_factory=dict)
    check_percent: int = 0

    @property
    def work(self) -> Path:
        """Return the folder that a backup is made in."""
        return self.project_dir / WORK

    @property
    def state(self) -> Path:
        """Return the file that tells how the last backup went."""
        return self.project_dir / STATE

    def secret(self, name: str) -> str:
        """Read a secret of the platform."""
        return (self.project_dir / "secrets" / name).read_text(encoding="utf-8")

    def platform_paths(self) -> Sequence[str]:
        """Return what is there beside database and artifacts, below the project's folder."""
        return [path for path in PLATFORM if (self.project_dir / path).exists()]


def parse(written: Mapping[str, Any]) -> Settings:
    """Take what the role has written."""
    plain = {key: value for key, value in written.items() if key not in ("repository", "database", "artifacts")}
    return Settings(
        **{**plain, "project_dir": Path(str(written["project_dir"]))},
        repository=Repository(**written["repository"]),
        database=Database(**written["database"]),
        artifacts=Artifacts(**written["artifacts"]),
    )


def read(project_dir: str) -> Settings:
    """Read the settings of a project; raise InputError where it has no backups."""
    path = Path(project_dir) / SETTINGS
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(
            f"backup_repository: the platform in {project_dir} has no backups, write where they are to be kept and run"
            " site.yml."
        ) from None
    try:
        return parse(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{path}: is damaged, or another version's, run site.yml, which writes it anew.") from None
