# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time works on a server: the file that says which one."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.server_files import Access, write_whole

# Not below /run: a run can go on when the server restarts. Not in the platform's folder, which runs make and remove.
LOCK = "/var/lib/onprem-mlflow.run"
MODE = 0o644
_TYPES = {"str": str, "int": int}


@dataclass(frozen=True)
class Run:
    """A run of a playbook, as its controller knows it."""

    id: str
    controller: str
    host: str
    pid: int
    started: str
    playbook: str
    user: str
    since: str = ""

    @classmethod
    def of(cls, values: object) -> Run:
        """Take what another one was written as; TypeError where it is none."""
        if not isinstance(values, Mapping):
            raise TypeError("not a mapping")
        run = cls(**values)
        if not all(isinstance(getattr(run, field.name), _TYPES[str(field.type)]) for field in fields(cls)):
            raise TypeError("of other types")
        return run

    def as_dict(self) -> dict[str, Any]:
        """Give what it can be made of again."""
        return asdict(self)


def take(path: Path, run: Run, ended_run: str = "", *, write: bool = True) -> Run | None:
    """Have the server for a run, and return None; or the run that has it, unless `ended_run` is its identifier."""
    with _alone_with(path.parent):
        holder = _read(path)
        if holder and holder.id == run.id:
            return None
        if holder and holder.id != ended_run:
            return holder
        if write:
            since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
            content = json.dumps({**run.as_dict(), "since": since}, indent=2) + "\n"
            write_whole(path, content.encode(), Access(os.geteuid(), os.getegid(), MODE))
    return None


def let_go(path: Path, run: Run) -> None:
    """Leave the server to others. What another run has stays its own."""
    with _alone_with(path.parent):
        holder = _read(path)
        if holder and holder.id == run.id:
            path.unlink()


def _read(path: Path) -> Run | None:
    try:
        return Run.of(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        raise InputError(f"{path}: is not what a run writes, remove it if no run is at work on this server.") from None


@contextlib.contextmanager
def _alone_with(folder: Path) -> Iterator[None]:
    # The folder itself: a file of its own would have to stay for ever, or could be removed while somebody waits for it.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
