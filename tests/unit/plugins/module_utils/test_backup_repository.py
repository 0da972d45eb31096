# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What restic is told, and what its answers mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import backup_repository as repository
from ansible_collections.onprem.mlflow.plugins.module_utils import backup_settings
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_settings import Settings
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


def settings(folder: Path, location: str = "/mnt/b", **more: Any) -> Settings:
    keys = folder / "secrets" / "backup"
    keys.mkdir(parents=True, exist_ok=True)
    for name in ("s3_access_key", "s3_secret_key"):
        (keys / name).write_text(f"the {name}")
    written = {
        "project": "lab",
        "project_dir": str(folder),
        "host": "one",
        "repository": {"location": location, **more},
        "database": {"kind": "mysql"},
        "artifacts": {"kind": "rustfs", "bucket": "mlflow"},
        "retention": {"daily": 7, "weekly": 0},
    }
    return backup_settings.parse(written)


def test_a_folder_needs_no_cache(tmp_path: Path) -> None:
    here = settings(tmp_path)
    assert repository.options(here) == ["--no-cache"]
    assert repository.environment(here)["RESTIC_REPOSITORY"] == "/mnt/b"
    assert "AWS_ACCESS_KEY_ID" not in repository.environment(here)


def test_the_keys_of_a_bucket_are_on_no_command_line(tmp_path: Path) -> None:
    here = settings(tmp_path, "s3:https://s3.example.org/b", ca_certificate="/ca.pem")
    assert repository.environment(here)["AWS_SECRET_ACCESS_KEY"] == "the s3_secret_key"
    words = repository.options(here)
    assert words == ["--option", "s3.bucket-lookup=path", "--cacert", "/ca.pem"]


def test_another_server_is_the_one_that_is_known(tmp_path: Path) -> None:
    (_option, command) = repository.options(settings(tmp_path, "sftp:backup@nas:/srv", ssh_port=2222))
    assert command.startswith("sftp.command=ssh -p 2222 ")
    assert "StrictHostKeyChecking=yes" in command
    assert command.endswith("backup@nas -s sftp")


def test_the_retention_is_one_row_for_each_platform(tmp_path: Path) -> None:
    words = repository.forget_arguments(settings(tmp_path))
    assert words[words.index("--tag") + 1] == "onprem.mlflow,project=lab"
    assert words[words.index("--group-by") + 1] == "tags"
    assert words[-3:] == ["--keep-daily", "7", "--prune"]


def test_the_key_to_the_backups_is_in_none(tmp_path: Path) -> None:
    words = repository.backup_arguments(settings(tmp_path), ["config"], "/x", ["replaced"])
    left_out = [words[index + 1] for index, word in enumerate(words) if word == "--exclude"]
    assert f"{tmp_path}/secrets/backup" in left_out
    assert words[words.index("replaced") - 1] == "--tag"
    assert words[-1] == "config"


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (12, "Fatal: wrong password or no key found", "backup_password: does not open the repository /mnt/b"),
        (1, "Fatal: wrong password or no key found", "backup_password: does not open"),
        (10, "Fatal: repository does not exist", "backup_repository: there is no repository at /mnt/b"),
        (11, "unable to create lock", "backup_repository: another run works on /mnt/b"),
        (1, "Fatal: repository is already locked by PID 7", "backup_repository: another run works on /mnt/b"),
        (1, "Host key verification failed.", "backup_repository: the server of /mnt/b lets nobody in"),
        (1, "ciphertext verification failed", "backup_repository: /mnt/b is damaged (ciphertext verification failed)"),
        (1, "Fatal: something new", "restic ended with status 1 at /mnt/b: Fatal: something new"),
    ],
)
def test_explained(tmp_path: Path, status: int, text: str, said: str) -> None:
    assert said in repository.explain(settings(tmp_path), status, text)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"project": "lab"}', '{"project_dir": "/x", "new": 1}'])
def test_settings_of_another_version(tmp_path: Path, content: str) -> None:
    path = tmp_path / backup_settings.SETTINGS
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(InputError, match=r"is damaged, or another version's, run site\.yml"):
        backup_settings.read(str(tmp_path))


def test_a_platform_without_backups(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^backup_repository: the platform in .* has no backups"):
        backup_settings.read(str(tmp_path))
