# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets as files: given or generated once, written so that nobody else can read them at any instant."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import hmac
import os
import re
import secrets as random_source
import stat
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.server_files import (
    Access,
    group_id,
    parse_mode,
    user_id,
    write_whole,
)

DIGEST_KEY_NAME = ".digest_key"
DIGEST_KEY_BYTES = 32
MIN_LENGTH = 16
MAX_LENGTH = 256
MAX_FILE_BYTES = 1 << 20

_ALPHABET = string.ascii_letters + string.digits
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
# Names of files that a killed run may leave; no secret can have such a name.
_TEMPORARY = re.compile(r"\.[A-Za-z0-9_.-]+\.[0-9a-f]{16}\.tmp")


@dataclass(frozen=True)
class Secret:
    """What the file of one secret shall hold and who may read it."""

    name: str
    value: str | None
    access: Access
    length: int
    fixed: bool
    variable: str
    data: str | None = None
    """Folder of what the service made with the secret."""


@dataclass(frozen=True)
class Stored:
    """What a file on the server holds now."""

    content: bytes
    access: Access


@dataclass(frozen=True)
class Step:
    """What has to be done for one secret."""

    secret: Secret
    value: str
    before: Stored | None

    @property
    def creates(self) -> bool:
        """Tell whether the file is missing."""
        return self.before is None

    @property
    def updates(self) -> bool:
        """Tell whether the file holds something else."""
        return self.before is not None and self.before.content != self.value.encode()

    @property
    def corrects(self) -> bool:
        """Tell whether mode or owner differ."""
        return self.before is not None and self.before.access != self.secret.access

    @property
    def changes(self) -> bool:
        """Tell whether anything has to be done."""
        return self.creates or self.updates or self.corrects


def parse_secrets(items: Sequence[Mapping[str, Any]]) -> list[Secret]:
    """Check the whole list."""
    parsed = [_parse(item) for item in items]
    names = [secret.name for secret in parsed]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"The secret {name} is listed twice, keep one of them.")
    return parsed


def _parse(item: Mapping[str, Any]) -> Secret:
    name = str(item["name"])
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot name a secret, write letters, digits and the characters _ . - only,"
            " with a letter or a digit first."
        )
    variable = item.get("variable") or f"the value of secret {name}"
    value = item.get("value")
    if value is not None:
        check_value(str(value), variable)
    length = item.get("length") or 32
    if not MIN_LENGTH <= length <= MAX_LENGTH:
        raise InputError(f"The length of secret {name} is {length}, write a number from {MIN_LENGTH} to {MAX_LENGTH}.")
    return Secret(
        name=name,
        value=None if value is None else str(value),
        access=_access(name, item),
        length=length,
        fixed=bool(item.get("fixed")),
        variable=str(variable),
        data=item.get("data"),
    )


def check_value(value: str, variable: str) -> None:
    """Raise InputError where a value cannot be kept in a file."""
    if not value:
        raise InputError(f"{variable}: is empty, write a value or leave it out to have one generated.")
    if "\0" in value:
        raise InputError(f"{variable}: holds a NUL character, write a value without.")
    if value[-1] in "\r\n":
        raise InputError(f"{variable}: ends with a line break, remove it.")


def _access(name: str, item: Mapping[str, Any]) -> Access:
    what = f"secret {name}"
    uid, gid = user_id(what, item.get("owner") or "root"), group_id(what, item.get("group") or "root")
    text = item.get("mode") or "0600"
    mode = parse_mode(what, text, "0640")
    if mode & 0o007:
        raise InputError(f"The mode of {what} is {text}, which lets everybody in, write one that ends with 0.")
    return Access(uid, gid, mode)


def generate(length: int) -> str:
    """Make a secret of letters and digits, which need no quoting anywhere."""
    return "".join(random_source.choice(_ALPHABET) for _ in range(length))


def plan(directory: str, secrets: Iterable[Secret], stored: Mapping[str, Stored]) -> list[Step]:
    """Decide what each file shall hold, before the first of them is written."""
    return [_plan_one(directory, secret, stored.get(secret.name)) for secret in secrets]


def _plan_one(directory: str, secret: Secret, before: Stored | None) -> Step:
    path = f"{directory}/{secret.name}"
    if before is None:
        if secret.value is None and secret.data is not None and holds_something(secret.data):
            raise InputError(
                f"{path} is missing, and the data in {secret.data} were made with it: put the file back, such as from"
                f" a backup, or write its value into {secret.variable}."
            )
        return Step(secret, generate(secret.length) if secret.value is None else secret.value, None)
    try:
        present = before.content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text, write the secret into it or remove the file.") from None
    if secret.value is None:
        if not present:
            raise InputError(f"{path} is empty, write the secret into it or remove the file to have one generated.")
        return Step(secret, present, before)
    if secret.fixed and secret.value != present:
        raise InputError(
            f"{secret.variable}: differs from {path}, which the service was made with; write the value of that file"
            " or leave the option out, or run playbooks/rotate_secrets.yml, which changes it."
        )
    return Step(secret, secret.value, before)


def holds_something(folder: str) -> bool:
    """Tell whether a folder is there and not empty."""
    try:
        with os.scandir(folder) as entries:
            return any(True for _ in entries)
    except FileNotFoundError:
        return False


def digest(value: str, key: bytes) -> str:
    """Return a digest that tells values apart and, without the key, nothing about them."""
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()


def describe(steps: Iterable[Step]) -> dict[str, str]:
    """Return the diff of what changes, without any value."""
    before, after = [], []
    for step in steps:
        if not step.changes:
            continue
        name = step.secret.name
        before.append(f"{name}: absent" if step.before is None else f"{name}: {step.before.access}")
        news = "new value, " if step.creates or step.updates else ""
        after.append(f"{name}: {news}{step.secret.access}")
    return {"before": "".join(f"{line}\n" for line in before), "after": "".join(f"{line}\n" for line in after)}


class SecretDirectory:
    """The directory of the secrets, held open and locked: two runs at once must not generate two values."""

    def __init__(self, path: str, descriptor: int) -> None:
        """Take an open descriptor of the directory."""
        self.path = path
        self._fd = descriptor

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: str, *, write: bool) -> Iterator[SecretDirectory]:
        """Open the directory; for writing, wait for other runs and remove what a killed one left."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise InputError(f"The directory {path} does not exist, make it first.") from None
        except NotADirectoryError:
            raise InputError(f"{path} is not a directory, write the path of one.") from None
        try:
            directory = cls(path, descriptor)
            if write:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                directory._remove_leftovers()
            yield directory
        finally:
            os.close(descriptor)

    def _remove_leftovers(self) -> None:
        with os.scandir(self._fd) as entries:
            leftovers = [entry.name for entry in entries if _TEMPORARY.fullmatch(entry.name)]
        for name in leftovers:
            os.unlink(name, dir_fd=self._fd)

    def read(self, name: str) -> Stored | None:
        """Return what a file holds, or None where there is none."""
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._fd)
        except FileNotFoundError:
            return None
        except OSError as exc:
            if exc.errno == errno.ELOOP:
                raise InputError(f"{self.path}/{name} is a symbolic link, replace it with a file.") from None
            raise
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise InputError(f"{self.path}/{name} is not a regular file, remove it.")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(MAX_FILE_BYTES + 1)
        finally:
            os.close(descriptor)
        if len(content) > MAX_FILE_BYTES:
            raise InputError(f"{self.path}/{name} is larger than any secret, remove it.")
        return Stored(content, Access.of(status))

    def write(self, name: str, content: bytes, access: Access) -> None:
        """Put a file in place whole, to stay even if the power fails."""
        write_whole(Path(name), content, access, self._fd)
        os.fsync(self._fd)

    def remove(self, name: str) -> None:
        """Remove a file, to stay removed even if the power fails."""
        os.unlink(name, dir_fd=self._fd)
        os.fsync(self._fd)

    def read_digest_key(self) -> bytes | None:
        """Return the key of the digests, or None where there is none yet."""
        stored = self.read(DIGEST_KEY_NAME)
        if stored is None:
            return None
        if len(stored.content) != DIGEST_KEY_BYTES:
            raise InputError(f"{self.path}/{DIGEST_KEY_NAME} is damaged, remove it to have a new one made.")
        return stored.content

    def ensure_digest_key(self) -> tuple[bytes, bool]:
        """Return the key of the digests, and whether this call made it."""
        key = self.read_digest_key()
        if key is not None:
            return key, False
        key = random_source.token_bytes(DIGEST_KEY_BYTES)
        self.write(DIGEST_KEY_NAME, key, Access(os.geteuid(), os.getegid(), 0o600))
        return key, True
