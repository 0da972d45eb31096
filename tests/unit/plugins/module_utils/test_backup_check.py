# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of backups that could not work."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_check import check_backup

S3 = {
    "backup_repository": "s3:https://s3.example.org/backups/mlflow",
    "backup_s3": {"access_key": "a", "secret_key": "b"},
}
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n"
SSH = {
    "backup_repository": "sftp:backup@nas.example.org:/srv/mlflow",
    "backup_ssh": {"private_key": KEY, "known_hosts": "nas.example.org ssh-ed25519 AAAA"},
}


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"backup_repository": ""},
        {"backup_repository": "/mnt/backup/mlflow"},
        {"backup_repository": "/opt/mlflow/backups/restic"},
        {"backup_repository": "/mnt/b", "backup_retention": {}},
        {"backup_repository": "/mnt/b", "backup_retention": {"daily": 0, "last": 3}, "backup_check_percent": 100},
        {"backup_repository": "/mnt/b", "backup_random_delay": 0},
        S3,
        {**S3, "backup_repository": "s3:http://192.0.2.7:9000/backups"},
        SSH,
    ],
)
def test_good(good: dict[str, Any]) -> None:
    assert check_backup(good) == []


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (
            {"backup_repository": "backups"},
            "backup_repository: is no place that backups can be kept in, write a folder",
        ),
        ({"backup_repository": "rclone:x:y"}, "backup_repository: is no place"),
        ({"backup_repository": "/mnt/my backup"}, "backup_repository: is no place"),
        ({**S3, "backup_repository": "s3:s3.example.org/backups"}, "backup_repository: is no place"),
        ({**SSH, "backup_repository": "sftp:nas.example.org:srv"}, "backup_repository: is no place"),
        (
            {"backup_repository": "/opt/mlflow"},
            "backup_repository: found '/opt/mlflow', where the platform's own files are",
        ),
        ({"backup_repository": "/opt/mlflow/data/b"}, "backup_repository: found '/opt/mlflow/data/b'"),
        ({"backup_repository": "/opt"}, "backup_repository: found '/opt'"),
        (
            {"backup_repository": "/srv/x/secrets", "mlflow_platform_dir": "/srv/x"},
            "backup_repository: found '/srv/x/secrets'",
        ),
        ({**S3, "backup_s3": {}}, "backup_s3: is not set, write access_key and secret_key"),
        ({**SSH, "backup_ssh": None}, "backup_ssh: is not set, write private_key and known_hosts"),
        ({**S3, "backup_ssh": SSH["backup_ssh"]}, "backup_ssh: is of no use with the backup_repository 's3:"),
        (
            {**SSH, "backup_ssh": {"private_key": "ssh-ed25519 AAAA", "known_hosts": "x"}},
            "backup_ssh.private_key: is no private",
        ),
        ({**SSH, "backup_ssh": {"private_key": KEY, "known_hosts": "x", "port": 0}}, "backup_ssh.port: found 0"),
        ({"backup_check_percent": 101}, "backup_check_percent: found 101, write a number from 0 to 100."),
        ({"backup_random_delay": -1}, "backup_random_delay: found -1"),
        ({"backup_retention": {"daily": -1, "weekly": 2}}, "backup_retention.daily: found -1"),
        ({"backup_retention": {"daily": 0}}, "backup_retention: keeps no backup"),
        (
            {"backup_repository": "/mnt/b", "mlflow_platform_database": "external"},
            "is of no use with mlflow_platform_database",
        ),
        (
            {"backup_repository": "/mnt/b", "mlflow_platform_artifact_store": "s3"},
            "is of no use with mlflow_platform_artifact_store",
        ),
    ],
)
def test_bad(bad: dict[str, Any], said: str) -> None:
    (problem,) = check_backup(bad)
    assert said in problem


def test_a_password_in_an_address_is_not_shown() -> None:
    (problem, *_rest) = check_backup({"backup_repository": "s3:https://user:hunter2@s3.example.org/b"})
    assert "hunter2" not in problem
