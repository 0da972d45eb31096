# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of a rotation: old and new of each secret, until all old ones are dead.

It is written before anybody is told of the first new one. A run that is killed leaves it, and the next one goes on
with the same new secrets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.secret_files import (
    SecretDirectory,
    Stored,
    check_value,
    generate,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.server_files import Access

JOURNAL = "rotation.json"
OWNER_ONLY = 0o600
Reader = Callable[[str], "Stored | None"]


@dataclass(frozen=True)
class Wanted:
    """A secret that shall be another one."""

    name: str
    kind: str
    value: str | None
    variable: str
    length: int
    may_stay: bool

    @classmethod
    def parse(cls, item: Mapping[str, Any]) -> Wanted:
        """Check what is given."""
        name, value = str(item["name"]), item.get("value")
        variable = str(item.get("variable") or name)
        if value is not None:
            check_value(str(value), variable)
        return cls(
            name=name,
            kind=str(item["kind"]),
            value=None if value is None else str(value),
            variable=variable,
            length=int(item.get("length") or 32),
            may_stay=bool(item.get("may_stay")),
        )


@dataclass(frozen=True)
class Change:
    """One secret, as it was and as it is to be."""

    kind: str
    old: str
    new: str


@dataclass
class Journal:
    """What a rotation changes, by the secrets' names, and what it was told to change."""

    kinds: list[str] = field(default_factory=list)
    changes: dict[str, Change] = field(default_factory=dict)

    @classmethod
    def read(cls, stored: Stored, path: str) -> Journal:
        """Take what an earlier run has written."""
        try:
            document = json.loads(stored.content)
            changes = {name: Change(**change) for name, change in document["changes"].items()}
            return cls(list(document["kinds"]), changes)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise InputError(
                f"{path} is damaged, remove it, and run this again for all secrets that were to be changed."
            ) from None

    def text(self) -> bytes:
        """Return what is written."""
        return json.dumps(asdict(self), indent=2).encode()


def begin(directory: str, kinds: Sequence[str], wanted: Sequence[Wanted], read: Reader) -> Journal:
    """Decide on all new secrets, before the first is written."""
    journal = Journal(list(kinds))
    for secret in wanted:
        path = f"{directory}/{secret.name}"
        stored = read(secret.name)
        if stored is None:
            raise InputError(f"{path} is not there yet, run site.yml first.")
        old = _text(path, stored)
        if secret.value == old and secret.may_stay:
            continue
        if secret.value == old:
            raise InputError(
                f"{secret.variable}: is what {path} has already, write another value there, or leave the option out to"
                " have one generated, then run this again."
            )
        journal.changes[secret.name] = Change(secret.kind, old, secret.value or generate(secret.length))
    return journal


def must_fit(journal: Journal, wanted: Sequence[Wanted]) -> None:
    """Raise InputError where the inventory has another new secret than the run that was interrupted."""
    for secret in wanted:
        change = journal.changes.get(secret.name)
        if change is not None and secret.value is not None and secret.value != change.new:
            raise InputError(
                f"{secret.variable}: found another value than the run had that was interrupted, write that one again"
                f" (it is in {JOURNAL}, beside the secrets)."
            )


def switch(directory: SecretDirectory, journal: Journal) -> list[str]:
    """Put the new secrets in the places of the old ones; return which were not there yet."""
    switched = []
    for name, change in journal.changes.items():
        stored = directory.read(name)
        if stored is None:
            raise InputError(f"{directory.path}/{name} is gone, run this again when it is there.")
        if stored.content != change.new.encode():
            directory.write(name, change.new.encode(), stored.access)
            switched.append(name)
    return switched


def write(directory: SecretDirectory, journal: Journal, uid: int, gid: int) -> None:
    """Keep the journal where only its owner reads it."""
    directory.write(JOURNAL, journal.text(), Access(uid, gid, OWNER_ONLY))


def _text(path: str, stored: Stored) -> str:
    try:
        return stored.content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text, write the secret into it.") from None
