"""Which statements change a password, in which order, and what is refused."""

from __future__ import annotations

import re

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.container_database import Place, RefusedError, must_succeed
from ansible_collections.onprem.mlflow.plugins.module_utils.database_password import Superuser, password_of
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

ODD = "new ' \\ \" $HOME"
MYSQL = Place("mlflow-mysql-1", "mysql", "mlflow", "mlflow", ODD)
POSTGRES = Place("mlflow-postgres-1", "postgres", "mlflow", "mlflow", ODD)


class Server:
    """Lets in who has a right password, and keeps what is said."""

    def __init__(self, passwords: dict[str, set[str]], roles: set[str] | None = None) -> None:
        self.passwords = passwords
        self.roles = roles or set()
        self.said: list[str] = []

    def sql(self, place: Place, statement: str) -> list[str]:
        if not isinstance(place, Superuser) and place.password not in self.passwords.get(place.username, set()):
            raise RefusedError(f"refuses {place.username}")
        if statement == "SELECT 1":
            return ["1"]
        asked = re.fullmatch(r"SELECT rolname FROM pg_roles WHERE rolname = '(.*)'", statement)
        if asked:
            return [asked[1]] if asked[1] in self.roles else []
        self.said.append(statement)
        return []


def test_mysql_keeps_the_old_one_beside() -> None:
    server = Server({"mlflow": {"old"}, "root": {"root"}})
    password = password_of(MYSQL, ["another", "root"], server)
    assert password.beside()
    assert server.said == [
        "SET SESSION sql_mode = ''; ALTER USER `mlflow`@`%` IDENTIFIED BY 'new '' \\\\ \" $HOME'"
        " RETAIN CURRENT PASSWORD"
    ]
    assert password.login == "mlflow"


def test_mysql_is_not_told_twice() -> None:
    """Else the old one, which clients still have, would be gone."""
    server = Server({"mlflow": {"old", ODD}, "root": {"root"}})
    assert not password_of(MYSQL, ["root"], server).beside()
    assert server.said == []


def test_mysql_drops_the_old_one() -> None:
    server = Server({"mlflow": {ODD}, "root": {"root"}})
    password = password_of(MYSQL, ["root"], server)
    assert password.alone()
    assert server.said == [
        "SET SESSION sql_mode = ''; ALTER USER `mlflow`@`%` IDENTIFIED BY 'new '' \\\\ \" $HOME';"
        " ALTER USER `mlflow`@`%` DISCARD OLD PASSWORD"
    ]
    password.must_refuse("old")


def test_root_comes_from_the_server_itself() -> None:
    server = Server({"root": {"old"}})
    root = Place("mlflow-mysql-1", "mysql", "mysql", "root", "new")
    password_of(root, ["new", "old"], server).beside()
    assert "ALTER USER `root`@`localhost` IDENTIFIED BY 'new' RETAIN" in server.said[0]


@pytest.mark.parametrize("place", [MYSQL, POSTGRES])
def test_the_old_one_stays_while_the_new_one_is_refused(place: Place) -> None:
    server = Server({"mlflow": {"old"}, "root": {"root"}})
    with pytest.raises(InputError, match="so the old one stays"):
        password_of(place, ["root"], server).alone()
    assert server.said == []


@pytest.mark.parametrize("place", [MYSQL, POSTGRES])
def test_an_old_one_that_lives_is_told(place: Place) -> None:
    server = Server({"mlflow": {"old", ODD}})
    with pytest.raises(InputError, match="still lets 'mlflow' in with the old password"):
        password_of(place, [], server).must_refuse("old")


def test_no_administrator() -> None:
    with pytest.raises(InputError, match="refuses its administrator"):
        password_of(MYSQL, ["wrong"], Server({"root": {"root"}})).beside()


def test_the_new_one_is_in_no_message() -> None:
    class Refusing(Server):
        def sql(self, place: Place, statement: str) -> list[str]:
            if "ALTER" in statement:
                raise InputError(f"syntax error near {ODD}")
            return super().sql(place, statement)

    with pytest.raises(InputError) as caught:
        password_of(MYSQL, ["root"], Refusing({"root": {"root"}})).beside()
    assert ODD not in str(caught.value)


@pytest.mark.parametrize(("roles", "how"), [(set(), "CREATE"), ({"mlflow_rotating"}, "ALTER")])
def test_postgres_has_a_second_user(roles: set[str], how: str) -> None:
    server = Server({"mlflow": {"old"}}, roles)
    password = password_of(POSTGRES, [], server)
    assert password.beside()
    (said,) = server.said
    assert f'BEGIN; {how} ROLE "mlflow_rotating" LOGIN NOSUPERUSER' in said
    assert 'PASSWORD \'new \'\' \\ " $HOME\'; GRANT "mlflow" TO "mlflow_rotating";' in said
    assert "ALTER ROLE \"mlflow_rotating\" SET role = 'mlflow'; COMMIT" in said
    assert said.startswith("SET log_statement = none;")
    assert password.login == "mlflow_rotating"


def test_postgres_settles_and_removes_the_second_user() -> None:
    server = Server({"mlflow": {"old"}}, {"mlflow_rotating"})
    password = password_of(POSTGRES, [], server)
    assert password.settle()
    assert 'ALTER ROLE "mlflow" PASSWORD' in server.said.pop()
    server.passwords["mlflow"] = {ODD}
    assert password.login == "mlflow"
    assert not password.beside()
    assert not password.settle()
    assert password.alone()
    assert server.said == [
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mlflow_rotating';"
        ' DROP ROLE "mlflow_rotating"'
    ]


def test_the_superuser_of_postgres_needs_no_second_user() -> None:
    server = Server({})
    password = password_of(Place("c", "postgres", "mlflow", "postgres", "new"), [], server)
    assert not password.beside()
    assert password.settle()
    assert not password.alone()
    assert len(server.said) == 1
    assert 'ALTER ROLE "postgres" PASSWORD' in server.said[0]
    assert not any(word.startswith("--host") for word in Superuser("c", "postgres", "d", "postgres", "x").client())


def test_the_superuser_of_postgres_is_refused_by_the_network_whatever_the_password() -> None:
    place = Place("c", "postgres", "mlflow", "postgres", "old")
    answer = b'FATAL:  pg_hba.conf rejects connection for host "127.0.0.1", user "postgres", database "mlflow"'
    with pytest.raises(RefusedError):
        must_succeed(place, "SELECT 1", 2, answer)
