# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time works with a platform's backups."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator

from ansible_collections.onprem.mlflow.plugins.module_utils.backup_settings import Settings
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


@contextlib.contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the lock of the platform's backups; raise InputError where another run has it."""
    path = settings.state.parent / "lock"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"Another run works with the backups of {settings.project}, wait for its end.") from None
        yield
