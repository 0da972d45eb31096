# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of the options of backups. All of them are pure and return sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

PERIODS = ("last", "hourly", "daily", "weekly", "monthly", "yearly")

_SFTP = re.compile(r"sftp:[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:/\S*")
_S3 = re.compile(r"s3:https?://[A-Za-z0-9.:-]+/[a-z0-9][a-z0-9.-]+(?:/\S*)?")
_FOLDER = re.compile(r"/[^\s\"'\\$%]*")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_WISH = "write a folder such as /mnt/backup/mlflow, sftp:USER@HOST:/FOLDER, or s3:https://HOST/BUCKET"


def check_backup(values: Mapping[str, Any]) -> list[str]:
    """Complain about a place for backups that could be none, and about what goes with it."""
    location = str(values.get("backup_repository") or "")
    problems = _check_numbers(values)
    if not location:
        return problems
    problems += _check_location(location, values)
    problems += _check_login(location, values)
    problems += _check_place(values)
    return problems


def _check_numbers(values: Mapping[str, Any]) -> list[str]:
    problems = []
    percent, delay = values.get("backup_check_percent"), values.get("backup_random_delay")
    if isinstance(percent, int) and not 0 <= percent <= 100:
        problems.append(f"backup_check_percent: found {percent}, write a number from 0 to 100.")
    if isinstance(delay, int) and delay < 0:
        problems.append(f"backup_random_delay: found {delay}, write seconds, 0 or more.")
    retention = values.get("backup_retention")
    if isinstance(retention, Mapping) and retention:
        problems += [
            f"backup_retention.{period}: found {count}, write how many are kept, 0 or more."
            for period, count in retention.items()
            if isinstance(count, int) and count < 0
        ]
        if not any(retention.values()):
            problems.append("backup_retention: keeps no backup, write how many are kept, or {} to keep all.")
    return problems


def _check_location(location: str, values: Mapping[str, Any]) -> list[str]:
    if location.startswith("sftp:"):
        good = _SFTP.fullmatch(location)
    elif location.startswith("s3:"):
        good = _S3.fullmatch(location)
    else:
        good = _FOLDER.fullmatch(location)
    if not good:
        # An address may have a password in it.
        return [f"backup_repository: is no place that backups can be kept in, {_WISH}."]
    if location.startswith("/"):
        return _check_folder(
            PurePosixPath(location), PurePosixPath(str(values.get("mlflow_platform_dir") or "/opt/mlflow"))
        )
    return []


def _check_folder(folder: PurePosixPath, project: PurePosixPath) -> list[str]:
    taken = [project / name for name in ("config", "data", "secrets", "services", "build", "backups/work")]
    for path in [project, *taken]:
        if folder == path or (path != project and path in folder.parents) or folder in project.parents:
            return [f"backup_repository: found {str(folder)!r}, where the platform's own files are, {_WISH}."]
    return []


def _check_login(location: str, values: Mapping[str, Any]) -> list[str]:
    problems = []
    for scheme, variable, meaning in (
        ("s3:", "backup_s3", "access_key and secret_key of the bucket's store"),
        ("sftp:", "backup_ssh", "private_key and known_hosts of the other server"),
    ):
        given = values.get(variable)
        if location.startswith(scheme) and not given:
            problems.append(f"{variable}: is not set, write {meaning}.")
        elif given and not location.startswith(scheme):
            problems.append(f"{variable}: is of no use with the backup_repository {location!r}, remove it.")
    ssh = values.get("backup_ssh")
    if isinstance(ssh, Mapping) and ssh:
        key = ssh.get("private_key")
        if isinstance(key, str) and not _PRIVATE_KEY.match(key.strip()):
            problems.append("backup_ssh.private_key: is no private key, write the text of one in the form of OpenSSH.")
        port = ssh.get("port")
        if isinstance(port, int) and not 1 <= port <= 65535:
            problems.append(f"backup_ssh.port: found {port}, write a port from 1 to 65535.")
    return problems


def _check_place(values: Mapping[str, Any]) -> list[str]:
    problems = []
    if values.get("mlflow_platform_database") == "external":
        problems.append(
            "backup_repository: is of no use with mlflow_platform_database external, whose own backups are to be used,"
            " remove it."
        )
    if values.get("mlflow_platform_artifact_store") == "s3":
        problems.append(
            "backup_repository: is of no use with mlflow_platform_artifact_store s3, whose own backups are to be used,"
            " remove it."
        )
    return problems
