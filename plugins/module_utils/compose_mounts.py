# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a running container still sees in the place of a folder that is gone from the server."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROC = Path("/proc")


def lost_folders(container: Mapping[str, Any], proc: Path = PROC) -> list[str]:
    """Return the folders that a container reads from and that were removed, or made anew, since it started.

    Only those that it may not write to: what a service still holds of data that somebody has removed is not to be
    let go.
    """
    pid = container["State"].get("Pid")
    if not pid:
        return []
    return sorted(
        mount["Source"]
        for mount in container.get("Mounts") or []
        if mount["Type"] == "bind"
        and not mount["RW"]
        and _lost(Path(mount["Source"]), proc / str(pid) / "root" / mount["Destination"].lstrip("/"))
    )


def _lost(there: Path, seen: Path) -> bool:
    try:
        inside = seen.stat()
    except OSError:
        # It has just ended, or whoever asks may not look.
        return False
    if not stat.S_ISDIR(inside.st_mode):
        return False
    try:
        return not os.path.samestat(inside, there.stat())
    except FileNotFoundError:
        return True
