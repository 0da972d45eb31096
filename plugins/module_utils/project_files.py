# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders and text files below one folder: what differs, and how to put it right."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.server_files import (
    Access,
    group_id,
    parse_mode,
    user_id,
    write_whole,
)

# Names of files that a killed run may leave.
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{16}\.tmp")


@dataclass(frozen=True)
class Entry:
    """What a path shall be: a folder where `content` is None, a file with that content otherwise."""

    path: str
    access: Access
    content: str | None = None
    exclusive: bool = False


@dataclass(frozen=True)
class Found:
    """What a path is now; `content` is None for a folder."""

    access: Access
    content: bytes | None


@dataclass(frozen=True)
class Step:
    """One path that differs; `wanted` is None where it is to be removed."""

    path: str
    before: Found | None
    wanted: Entry | None

    @property
    def writes(self) -> bool:
        """Tell whether the content of a file differs."""
        if self.wanted is None or self.wanted.content is None:
            return False
        return self.before is None or self.before.content != self.wanted.content.encode()


def parse(folders: Iterable[Mapping[str, Any]], files: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """Check what is wanted; folders come first, outer ones before inner ones."""
    wanted = [
        *(
            Entry(_path(item), _access(item, "0755"), exclusive=bool(item.get("exclusive")))
            for item in sorted(folders, key=lambda item: str(item["path"]))
        ),
        *(Entry(_path(item), _access(item, "0644"), str(item["content"])) for item in files),
    ]
    paths = [entry.path for entry in wanted]
    for path in paths:
        if paths.count(path) > 1:
            raise InputError(f"{path} is listed twice, keep one of them.")
    return wanted


def _path(item: Mapping[str, Any]) -> str:
    text = str(item["path"])
    path = PurePosixPath(text)
    if path.is_absolute() or not path.parts or ".." in path.parts:
        raise InputError(f"{text!r} does not name anything below the base folder, write a relative path without '..'.")
    return str(path)


def _access(item: Mapping[str, Any], default_mode: str) -> Access:
    path = item["path"]
    mode = parse_mode(path, str(item.get("mode") or default_mode), default_mode)
    return Access(user_id(path, item.get("owner") or "root"), group_id(path, item.get("group") or "root"), mode)


def look(base: Path, wanted: Sequence[Entry]) -> list[Step]:
    """Compare what is there with what is wanted, changing nothing; a folder may be a link to one elsewhere."""
    steps = []
    for entry in wanted:
        before = _find(base / entry.path, folder=entry.content is None)
        step = Step(entry.path, before, entry)
        if before is None or before.access != entry.access or step.writes:
            steps.append(step)
    for entry in wanted:
        if entry.exclusive:
            steps += _strangers(base, entry.path, {other.path for other in wanted})
    return steps


def _find(path: Path, *, folder: bool) -> Found | None:
    try:
        status = path.stat() if folder else path.lstat()
    except FileNotFoundError:
        if path.is_symlink():
            raise InputError(f"{path} is a link to nothing, remove it or make what it points to.") from None
        return None
    access = Access.of(status)
    if folder:
        if not stat.S_ISDIR(status.st_mode):
            raise InputError(f"{path} is not a folder, move it away.")
        return Found(access, None)
    if stat.S_ISDIR(status.st_mode) and not any(path.iterdir()):
        # What the engine makes in the place of a file that it is to mount and that is gone.
        return None
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path} is not a regular file, move it away.")
    return Found(access, path.read_bytes())


def _strangers(base: Path, folder: str, known: set[str]) -> list[Step]:
    """Find the files of a folder that nobody listed."""
    if not (base / folder).is_dir():
        return []
    paths = sorted(f"{folder}/{path.name}" for path in (base / folder).iterdir() if not path.is_dir())
    return [Step(path, _find(base / path, folder=False), None) for path in paths if path not in known]


def apply(base: Path, steps: Iterable[Step]) -> None:
    """Carry the steps out; base itself is made where it is missing."""
    base.mkdir(mode=0o755, parents=True, exist_ok=True)
    for step in steps:
        path = base / step.path
        if step.wanted is None:
            path.unlink()
        elif step.wanted.content is None:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _give(path, step.wanted.access)
        elif step.writes:
            _remove_leftovers(path.parent)
            if step.before is None and path.is_dir():
                path.rmdir()
            write_whole(path, step.wanted.content.encode(), step.wanted.access)
        else:
            _give(path, step.wanted.access)


def _give(path: Path, access: Access) -> None:
    os.chown(path, access.uid, access.gid)
    path.chmod(access.mode)


def _remove_leftovers(folder: Path) -> None:
    for leftover in folder.iterdir():
        if _TEMPORARY.fullmatch(leftover.name):
            leftover.unlink()


def describe(base: Path, step: Step) -> dict[str, str]:
    """Return the diff of one path: its access, and its text where that differs."""
    before = "absent\n" if step.before is None else f"{step.before.access}\n"
    after = "absent\n" if step.wanted is None else f"{step.wanted.access}\n"
    if step.writes and step.wanted is not None:
        before += "" if step.before is None else (step.before.content or b"").decode(errors="replace")
        after += step.wanted.content or ""
    path = str(base / step.path)
    return {"before_header": path, "after_header": path, "before": before, "after": after}
