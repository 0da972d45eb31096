# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files on a server: who may do what with one, and how it is put in place whole."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

_MODE = re.compile(r"0[0-7]{3}")


@dataclass(frozen=True)
class Access:
    """Who owns an entry, and its mode."""

    uid: int
    gid: int
    mode: int

    def __str__(self) -> str:
        """Describe it as `stat` would."""
        return f"{self.mode:04o} {self.uid}:{self.gid}"

    @classmethod
    def of(cls, status: os.stat_result) -> Access:
        """Take that of an entry that is there."""
        return cls(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))


def parse_mode(what: str, text: str, example: str) -> int:
    """Read a mode; InputError names what it is for."""
    if not _MODE.fullmatch(text):
        raise InputError(f'The mode of {what} is {text!r}, write a quoted octal number such as "{example}".')
    return int(text, 8)


def user_id(what: str, owner: object) -> int:
    """Look a user up, by name or by number; InputError names what the user is to own."""
    text = str(owner)
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        return pwd.getpwnam(text).pw_uid
    except KeyError:
        raise InputError(f"The owner of {what} is {text!r}, write a user of this server or a uid.") from None


def group_id(what: str, group: object) -> int:
    """Look a group up, by name or by number; InputError names what it is the group of."""
    text = str(group)
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        return grp.getgrnam(text).gr_gid
    except KeyError:
        raise InputError(f"The group of {what} is {text!r}, write a group of this server or a gid.") from None


def write_whole(path: Path, content: bytes, access: Access, folder: int | None = None) -> None:
    """Put a file in place: a reader sees the old one or the new one. `folder` is the descriptor a path starts at.

    A killed run leaves `.NAME.HEX.tmp` beside it, with 16 digits in HEX, which only its owner can read.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchown(descriptor, access.uid, access.gid)
            os.fchmod(descriptor, access.mode)
            os.fsync(descriptor)
        os.rename(temporary, path, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        raise
