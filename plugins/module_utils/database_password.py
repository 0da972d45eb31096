# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another password for a user of a database in a container: the new one is accepted before the old one is dropped.

MySQL has two passwords of one user. PostgreSQL has one: there a second user, who acts as the first, has the new one
until the first has it. Statements go by standard input, and no log of the database gets them.
"""

# The names in the statements are checked, and everything else is quoted.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ansible_collections.onprem.mlflow.plugins.module_utils.container_database import Place, RefusedError
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

SECOND = "_rotating"
SUPERUSER = "postgres"
# Where MySQL's root can come from, and all others.
_LOCALHOST, _ANYWHERE = "localhost", "%"
_QUIET_POSTGRES = (
    "SET log_statement = none; SET log_min_duration_statement = -1; SET log_min_error_statement = panic;"
    " SET standard_conforming_strings = on; "
)


class Client(Protocol):
    """Something that runs a statement in a database."""

    def sql(self, place: Place, statement: str) -> list[str]:
        """Return the lines that it prints; RefusedError where the login is refused."""


@dataclass(frozen=True)
class Superuser(Place):
    """PostgreSQL's own user, whom its container lets in by the socket alone and without a password."""

    def client(self) -> list[str]:
        """Return the command that reads SQL, by the socket."""
        return [word for word in super().client() if not word.startswith("--host=")]


def opens(client: Client, place: Place) -> bool:
    """Tell whether a user logs in with a password."""
    try:
        client.sql(place, "SELECT 1")
    except RefusedError:
        return False
    return True


class Password:
    """The new password of one user: first beside the old one, then alone."""

    def __init__(self, place: Place, administrators: Sequence[Place], client: Client) -> None:
        """Take the user with the new password, and those who may change it, of whom one logs in."""
        self.place = place
        self._administrators = administrators
        self._client = client

    @property
    def login(self) -> str:
        """Name the user whom the new password lets in now."""
        raise NotImplementedError

    def beside(self) -> bool:
        """Have the new one accepted, too; tell whether that changed anything."""
        raise NotImplementedError

    def settle(self) -> bool:
        """Have it accepted of the user itself; nobody logs in with the old one any more."""
        raise NotImplementedError

    def alone(self) -> bool:
        """Drop what was accepted beside it."""
        raise NotImplementedError

    def accepted(self) -> bool:
        """Tell whether the user logs in with it."""
        return opens(self._client, self.place)

    def must_refuse(self, old: str) -> None:
        """Raise InputError where the old password still lets the user in."""
        if opens(self._client, replace(self.place, password=old)):
            raise InputError(
                f"The database in {self.place.container} still lets {self.place.username!r} in with the old password,"
                " run this again, and look who changes it back."
            )

    def _must_be_accepted(self) -> None:
        if not self.accepted():
            raise InputError(
                f"The database in {self.place.container} does not let {self.place.username!r} in with the new password,"
                " so the old one stays: run this again."
            )

    def _administer(self, statement: str) -> list[str]:
        administrator = next((one for one in self._administrators if opens(self._client, one)), None)
        if administrator is None:
            raise InputError(
                f"The database in {self.place.container} refuses its administrator, write the password that it has into"
                " the file of the secret."
            )
        try:
            return self._client.sql(administrator, statement)
        except InputError as exc:
            raise InputError(str(exc).replace(self.place.password, "***")) from None


class MysqlPassword(Password):
    """A user of MySQL, who has two passwords for a while."""

    @property
    def login(self) -> str:
        """Name the user."""
        return self.place.username

    def beside(self) -> bool:
        """Have the new one accepted beside the present one."""
        # Said once more, it would be the new one that is kept beside itself.
        if self.accepted():
            return False
        self._administer(f"{self._alter} IDENTIFIED BY {_mysql_text(self.place.password)} RETAIN CURRENT PASSWORD")
        return True

    def settle(self) -> bool:
        """Do nothing: it is the user's own already."""
        self._must_be_accepted()
        return False

    def alone(self) -> bool:
        """Drop the other one."""
        self._must_be_accepted()
        # Set once more: where it is itself the one that was kept beside another, it would be dropped.
        self._administer(
            f"{self._alter} IDENTIFIED BY {_mysql_text(self.place.password)};"
            f" ALTER USER {self._who} DISCARD OLD PASSWORD"
        )
        return True

    @property
    def _alter(self) -> str:
        return f"SET SESSION sql_mode = ''; ALTER USER {self._who}"

    @property
    def _who(self) -> str:
        host = _LOCALHOST if self.place.username == "root" else _ANYWHERE
        return f"`{self.place.username}`@`{host}`"


class PostgresPassword(Password):
    """A user of PostgreSQL, in whose place a second one logs in for a while."""

    @property
    def login(self) -> str:
        """Name the user, or the second one until the first has the new password."""
        return self.place.username if self.accepted() else self._second

    def beside(self) -> bool:
        """Have a second user, who acts as the first one does."""
        if self.accepted():
            return False
        first, second, password = _name(self.place.username), _name(self._second), _postgres_text(self.place.password)
        how = "ALTER" if self._administer(_who(self._second)) else "CREATE"
        self._administer(
            f"{_QUIET_POSTGRES} BEGIN; {how} ROLE {second} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"
            f" PASSWORD {password}; GRANT {first} TO {second};"
            f" ALTER ROLE {second} SET role = {_postgres_text(self.place.username)}; COMMIT"
        )
        return True

    def settle(self) -> bool:
        """Give the first one the new password."""
        if self.accepted():
            return False
        self._administer(
            f"{_QUIET_POSTGRES} ALTER ROLE {_name(self.place.username)} PASSWORD {_postgres_text(self.place.password)}"
        )
        return True

    def alone(self) -> bool:
        """Remove the second one, of whom nobody has a session any more."""
        self._must_be_accepted()
        if not self._administer(_who(self._second)):
            return False
        self._administer(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {_postgres_text(self._second)};"
            f" DROP ROLE {_name(self._second)}"
        )
        return True

    @property
    def _second(self) -> str:
        return self.place.username + SECOND


class SuperuserPassword(PostgresPassword):
    """The superuser of PostgreSQL, whom nobody can be by a password: it is changed, and there is nothing to try."""

    @property
    def login(self) -> str:
        """Name the user."""
        return self.place.username

    def accepted(self) -> bool:
        """Tell that it never is."""
        return False

    def beside(self) -> bool:
        """Do nothing: no old one is in use."""
        return False

    def alone(self) -> bool:
        """Do nothing."""
        return False


def password_of(place: Place, administrators: Sequence[str], client: Client) -> Password:
    """Find how this engine does it; the administrators' passwords are those of MySQL's root."""
    if place.engine == "mysql":
        roots = [Place(place.container, "mysql", "mysql", "root", password) for password in administrators]
        return MysqlPassword(place, roots, client)
    superuser = Superuser(place.container, "postgres", place.name, SUPERUSER, "none")
    kind = SuperuserPassword if place.username == SUPERUSER else PostgresPassword
    return kind(place, [superuser], client)


def _who(user: str) -> str:
    return f"SELECT rolname FROM pg_roles WHERE rolname = {_postgres_text(user)}"


def _name(user: str) -> str:
    # Place has checked that there is no quote in it.
    return f'"{user}"'


def _postgres_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _mysql_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
