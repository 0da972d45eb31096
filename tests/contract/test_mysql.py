"""The mysql image against what the official one documents."""

from __future__ import annotations

import gzip
import lzma
import re
from typing import Any

import pytest

from lab.catalogue import MYSQL
from tests.contract.support import DIFFICULT, File, Launcher, Trial, zstd_frame

pytestmark = pytest.mark.contract

INIT = "/docker-entrypoint-initdb.d"
DATABASE = "tracking_db"
USER = "tracking"
APP_PASSWORD = f"app {DIFFICULT}"
ROOT_PASSWORD = f"root {DIFFICULT}"
NON_ROOT: dict[str, Any] = {
    "user": "999:999",
    "read_only": True,
    "tmpfs": {"/tmp": "", "/var/run/mysqld": ""},
}


def insert(name: str) -> str:
    return (
        "CREATE TABLE IF NOT EXISTS seen (id INT AUTO_INCREMENT PRIMARY KEY, name TEXT);\n"
        f"INSERT INTO seen (name) VALUES ('{name}');\n"
    )


def query(
    trial: Trial, sql: str, *, user: str = "root", password: str = "", host: str = "127.0.0.1"
) -> tuple[int, str]:
    return trial.run(
        "mysql",
        f"--user={user}",
        f"--host={host}",
        "--default-character-set=utf8mb4",
        "--batch",
        "--skip-column-names",
        "--execute",
        sql,
        environment={"MYSQL_PWD": password},
    )


def change_expired(trial: Trial, password: str, wanted: str) -> int:
    sql = f"ALTER USER USER() IDENTIFIED BY '{wanted}'"
    arguments = ("mysql", "--user=root", "--connect-expired-password", "--execute", sql)
    return trial.run(*arguments, environment={"MYSQL_PWD": password})[0]


def wait_until_ready(trial: Trial) -> None:
    """Wait for the port: while the data folder is initialised, nothing listens there."""
    trial.wait_until(lambda: trial.run("bash", "-c", ": < /dev/tcp/127.0.0.1/3306")[0] == 0)


@pytest.fixture(scope="module")
def volume(launcher: Launcher) -> str:
    return launcher.volume()


@pytest.fixture(scope="module")
def one_time(launcher: Launcher) -> Trial:
    """A server started as its own user, on a read-only root file system."""
    return launcher.start(
        MYSQL,
        environment={
            "MYSQL_RANDOM_ROOT_PASSWORD": "yes",
            "MYSQL_ONETIME_PASSWORD": "yes",
            "MYSQL_ROOT_HOST": "localhost",
            "MYSQL_INITDB_SKIP_TZINFO": "yes",
        },
        **NON_ROOT,
    )


@pytest.fixture(scope="module")
def empty_password(launcher: Launcher) -> Trial:
    return launcher.start(
        MYSQL,
        environment={
            "MYSQL_ALLOW_EMPTY_PASSWORD": "yes",
            "MYSQL_INITDB_SKIP_TZINFO": "yes",
            "MYSQL_USER": "nobody",
        },
    )


@pytest.fixture(scope="module")
def server(launcher: Launcher, volume: str, one_time: Trial, empty_password: Trial) -> Trial:
    """The server that most tests look at, with every kind of init file and both passwords from files."""
    script = "docker_process_sql <<< \"INSERT INTO seen (name) VALUES ('{name}')\"\n"
    network = "if (: < /dev/tcp/127.0.0.1/3306) 2> /dev/null; then state=open; else state=closed; fi\n"
    trial = launcher.start(
        MYSQL,
        command=["--max-connections=77"],
        environment={
            "MYSQL_ROOT_PASSWORD_FILE": "/secrets/root",
            "MYSQL_DATABASE": DATABASE,
            "MYSQL_USER": USER,
            "MYSQL_PASSWORD_FILE": "/secrets/app",
        },
        files={
            "/secrets/root": File(ROOT_PASSWORD),
            "/secrets/app": File(f"{APP_PASSWORD}\n"),
            "/etc/mysql/conf.d/own.cnf": File("[mysqld]\nwait_timeout = 1234\n"),
            f"{INIT}/1-plain.sql": File(insert("plain é")),
            f"{INIT}/2-gzip.sql.gz": File(gzip.compress(insert("gzip").encode())),
            f"{INIT}/3-xz.sql.xz": File(lzma.compress(insert("xz").encode())),
            f"{INIT}/4-zstd.sql.zst": File(zstd_frame(insert("zstd"))),
            f"{INIT}/5-sourced.sh": File(network + script.format(name="sourced $state")),
            f"{INIT}/6-executed.sh": File(
                "#!/bin/bash\nset -e\n"
                'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mysql --user=root "$MYSQL_DATABASE" '
                "--execute \"INSERT INTO seen (name) VALUES ('executed')\"\n",
                mode=0o755,
            ),
            f"{INIT}/7-ignored.txt": File("not SQL\n"),
        },
        volumes=[f"{volume}:/var/lib/mysql"],
    )
    wait_until_ready(trial)
    return trial


def test_root_logs_in_from_elsewhere_with_the_password_of_the_file(server: Trial) -> None:
    assert query(server, "SELECT CURRENT_USER()", password=ROOT_PASSWORD) == (0, "root@%")


def test_root_logs_in_over_the_socket(server: Trial) -> None:
    code, output = query(server, "SELECT CURRENT_USER()", password=ROOT_PASSWORD, host="localhost")
    assert (code, output) == (0, "root@localhost")


@pytest.mark.parametrize("password", ["", "wrong", ROOT_PASSWORD[:-1]])
def test_root_is_refused_with_another_password(server: Trial, password: str) -> None:
    code, output = query(server, "SELECT 1", password=password)
    assert code == 1
    assert "Access denied" in output


def test_user_has_its_database_and_no_other(server: Trial) -> None:
    code, output = query(server, "SHOW DATABASES", user=USER, password=APP_PASSWORD)
    assert code == 0
    assert set(output.split()) == {DATABASE, "information_schema", "performance_schema"}
    # `_` in the database's name is no wildcard of the grant.
    code, output = query(server, "CREATE DATABASE trackingXdb", user=USER, password=APP_PASSWORD)
    assert code == 1
    assert "Access denied" in output


def test_init_files_ran_in_order_and_without_a_network(server: Trial) -> None:
    code, output = query(server, "SELECT name FROM tracking_db.seen ORDER BY id", password=ROOT_PASSWORD)
    assert code == 0
    assert output.splitlines() == ["plain é", "gzip", "xz", "zstd", "sourced closed", "executed"]


def test_configuration_comes_from_the_command_and_from_conf_d(server: Trial) -> None:
    assert query(server, "SELECT @@max_connections, @@global.wait_timeout", password=ROOT_PASSWORD) == (0, "77\t1234")


def test_character_set_and_time_zones(server: Trial) -> None:
    sql = "SELECT @@character_set_server, CONVERT_TZ('2026-01-01 12:00:00', 'UTC', 'Europe/Berlin')"
    assert query(server, sql, password=ROOT_PASSWORD) == (0, "utf8mb4\t2026-01-01 13:00:00")


def test_mysqld_is_process_1_of_user_999_and_does_not_show_the_password(server: Trial) -> None:
    assert server.run("cat", "/proc/1/comm") == (0, "mysqld")
    code, status = server.run("grep", "-E", "^(Uid|Gid):", "/proc/1/status")
    assert code == 0
    assert re.sub(r"\s+", " ", status) == "Uid: 999 999 999 999 Gid: 999 999 999 999"
    code, output = server.run("cat", "/proc/1/cmdline", "/proc/1/environ", user="999:999")
    assert code == 0
    assert DIFFICULT not in output
    assert DIFFICULT not in server.log()


def test_stops_cleanly_and_keeps_its_data(server: Trial, launcher: Launcher, volume: str) -> None:
    code, took = server.stop()
    assert code == 0, server.log()
    assert took < 10

    # A second container on the same data, not as root, told another password: nothing is initialised again.
    second = launcher.start(
        MYSQL,
        environment={"MYSQL_ROOT_PASSWORD": "another", "MYSQL_DATABASE": "another"},
        files={f"{INIT}/1.sql": File("SELECT no_such_column;\n")},
        volumes=[f"{volume}:/var/lib/mysql"],
        user="999:999",
    )
    wait_until_ready(second)
    assert query(second, "SELECT COUNT(*) FROM tracking_db.seen", password=ROOT_PASSWORD) == (0, "6")
    assert query(second, "SELECT 1", password="another")[0] == 1
    assert query(second, "SHOW DATABASES LIKE 'another'", password=ROOT_PASSWORD) == (0, "")


def test_random_one_time_password_as_a_user_on_a_read_only_file_system(one_time: Trial) -> None:
    wait_until_ready(one_time)
    found = re.search(r"GENERATED ROOT PASSWORD: (\S+)", one_time.log())
    assert found, one_time.log()
    password = found.group(1)
    code, output = query(one_time, "SELECT 1", password=password, host="localhost")
    assert code == 1
    assert "--connect-expired-password" in output
    assert change_expired(one_time, password, "changed") == 0
    sql = "SELECT GROUP_CONCAT(host) FROM mysql.user WHERE user = 'root'"
    assert query(one_time, sql, password="changed", host="localhost") == (0, "localhost")
    assert query(one_time, "SELECT COUNT(*) FROM mysql.time_zone", password="changed", host="localhost") == (0, "0")
    code, _ = one_time.stop()
    assert code == 0


def test_empty_password_is_possible_when_asked_for(empty_password: Trial) -> None:
    wait_until_ready(empty_password)
    assert query(empty_password, "SELECT CURRENT_USER()") == (0, "root@%")
    # A user without a password is not made.
    assert query(empty_password, "SELECT COUNT(*) FROM mysql.user WHERE user = 'nobody'") == (0, "0")


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "MYSQL_ROOT_PASSWORD"),
        ({"MYSQL_ROOT_PASSWORD": ""}, "MYSQL_ROOT_PASSWORD"),
        (
            {"MYSQL_ROOT_PASSWORD": "a", "MYSQL_ROOT_PASSWORD_FILE": "/etc/hostname"},
            "MYSQL_ROOT_PASSWORD and MYSQL_ROOT_PASSWORD_FILE are both set",
        ),
        (
            {"MYSQL_ROOT_PASSWORD": "a", "MYSQL_PASSWORD": "b", "MYSQL_PASSWORD_FILE": "/etc/hostname"},
            "MYSQL_PASSWORD and MYSQL_PASSWORD_FILE are both set",
        ),
        ({"MYSQL_ROOT_PASSWORD_FILE": "/no/such/file"}, "/no/such/file cannot be read"),
        ({"MYSQL_ROOT_PASSWORD": "a", "MYSQL_USER": "root", "MYSQL_PASSWORD": "b"}, "MYSQL_USER=root"),
    ],
)
def test_refuses_what_it_cannot_start_with(launcher: Launcher, environment: dict[str, str], sentence: str) -> None:
    trial = launcher.start(MYSQL, environment=environment)
    assert trial.ended() == 1
    assert sentence in trial.log()
    assert "initialising" not in trial.log()


def test_runs_another_command_as_it_is(launcher: Launcher) -> None:
    trial = launcher.start(MYSQL, command=["mysqld", "--version"])
    assert trial.ended() == 0
    assert "Ver 9.7." in trial.log()
