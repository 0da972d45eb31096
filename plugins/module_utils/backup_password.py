# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another password for a repository of backups: restic opens it with either until the old one is removed."""

from __future__ import annotations

import json
import tempfile

from ansible_collections.onprem.mlflow.plugins.module_utils.backup_repository import Restic
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_settings import Settings
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


class BackupPassword:
    """The old and the new password of one repository."""

    def __init__(self, settings: Settings, old: str, new: str) -> None:
        """Take where it is."""
        self._settings = settings
        self._new = new
        self._with_old, self._with_new = Restic(settings, old), Restic(settings, new)

    def beside(self) -> bool:
        """Have the new one open the repository, too."""
        if self._with_new.opens():
            return False
        # Readable by its owner alone, and gone with the block.
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self._settings.project_dir / "secrets") as file:
            file.write(self._new)
            file.flush()
            self._with_old.run(["key", "add", "--quiet", "--new-password-file", file.name])
        return True

    def alone(self) -> bool:
        """Remove the old one, and try it."""
        if not self._with_new.opens():
            raise InputError(
                f"The new password does not open {self._settings.repository.location}, so the old one stays: run this"
                " again."
            )
        if not self._with_old.opens():
            return False
        keys = json.loads(self._with_old.run(["key", "list", "--json"]).stdout)
        (present,) = [key["id"] for key in keys if key["current"]]
        self._with_new.run_alone(["key", "remove", "--quiet", str(present)])
        if self._with_old.opens():
            raise InputError(
                f"The old password still opens {self._settings.repository.location}, look at what `restic.sh key list`"
                " shows."
            )
        return True
