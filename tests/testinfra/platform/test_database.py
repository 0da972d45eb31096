"""MySQL: what the roles promise of it, asked of the real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testinfra.host import Host

if TYPE_CHECKING:
    from ..conftest import Platform


def query(server: Host, statement: str, user: str = "mlflow", password: str = "mysql_password") -> str:
    shell = 'MYSQL_PWD="$(cat /run/secrets/$1)" mysql --user="$2" --batch --skip-column-names --execute="$3"'
    return str(server.check_output("docker exec mlflow-mysql-1 sh -c %s sh %s %s %s", shell, password, user, statement))


def test_both_users_log_in_with_their_passwords(server: Host) -> None:
    assert query(server, "SELECT 1") == "1"
    assert query(server, "SELECT 1", "root", "mysql_root_password") == "1"


def test_application_user_is_limited_to_its_database(server: Host) -> None:
    grants = query(server, "SHOW GRANTS").splitlines()
    assert [line for line in grants if "`mlflow`.*" in line]
    assert not [line for line in grants if "ON *.*" in line and not line.startswith("GRANT USAGE")]


def test_root_logs_in_from_inside_only(server: Host) -> None:
    hosts = query(server, "SELECT host FROM mysql.user WHERE user = 'root'", "root", "mysql_root_password")
    assert hosts.split() == ["localhost"]


def test_database_is_utf8mb4(server: Host) -> None:
    chosen = query(
        server, "SELECT default_character_set_name FROM information_schema.schemata WHERE schema_name = 'mlflow'"
    )
    assert chosen == "utf8mb4"
    others = query(
        server,
        "SELECT DISTINCT table_collation FROM information_schema.tables WHERE table_schema = 'mlflow'",
    )
    assert all(collation.startswith("utf8mb4_") for collation in others.split())


def test_options_reach_the_server(platform: Platform, server: Host) -> None:
    assert query(server, "SELECT @@max_connections") == "200"
    assert query(server, "SELECT @@innodb_buffer_pool_size") == str(512 * 1024 * 1024)
