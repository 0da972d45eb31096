"""The postgres image against what the official one documents."""

from __future__ import annotations

import gzip
import lzma
import re
from typing import Any

import pytest

from lab.catalogue import POSTGRES
from tests.contract.support import DIFFICULT, File, Launcher, Trial, zstd_frame

pytestmark = pytest.mark.contract

INIT = "/docker-entrypoint-initdb.d"
DATABASE = "tracking-db"
USER = "Tracking"
PASSWORD = f"secret {DIFFICULT}"
NON_ROOT: dict[str, Any] = {
    "user": "999:999",
    "read_only": True,
    "tmpfs": {"/tmp": "", "/var/run/postgresql": ""},
}


def insert(name: str) -> str:
    return f"CREATE TABLE IF NOT EXISTS seen (id SERIAL, name TEXT);\nINSERT INTO seen (name) VALUES ('{name}');\n"


def query(trial: Trial, sql: str, *, user: str = USER, password: str = "", database: str = DATABASE) -> tuple[int, str]:
    """Ask as a client elsewhere would: from the container's own address, which has no privilege."""
    return trial.run(
        "psql",
        "--no-psqlrc",
        "--tuples-only",
        "--no-align",
        "--no-password",
        f"--host={trial.address()}",
        f"--username={user}",
        f"--dbname={database}",
        f"--command={sql}",
        environment={"PGPASSWORD": password},
    )


def wait_until_ready(trial: Trial) -> None:
    """Wait for the port: while the data folder is initialised, nothing listens there."""
    trial.wait_until(lambda: trial.run("pg_isready", "--quiet", f"--host={trial.address()}")[0] == 0)


@pytest.fixture(scope="module")
def volume(launcher: Launcher) -> str:
    return launcher.volume()


@pytest.fixture(scope="module")
def trusting(launcher: Launcher) -> Trial:
    """A server started as its own user on a read-only root file system, with every other setting changed."""
    return launcher.start(
        POSTGRES,
        environment={
            "POSTGRES_HOST_AUTH_METHOD": "trust",
            "POSTGRES_INITDB_ARGS": "--data-checksums --locale='C'",
            "PGDATA": "/var/lib/postgresql/data/deeper",
        },
        **NON_ROOT,
    )


@pytest.fixture(scope="module")
def server(launcher: Launcher, volume: str, trusting: Trial) -> Trial:
    """The server that most tests look at, with every kind of init file and its password from a file."""
    sourced = (
        "if pg_isready --quiet --host=127.0.0.1; then state=open; else state=closed; fi\n"
        'docker_process_sql --set name="sourced $state" <<< "INSERT INTO seen (name) VALUES (:\'name\')"\n'
    )
    trial = launcher.start(
        POSTGRES,
        command=["-c", "max_connections=77"],
        environment={
            "POSTGRES_PASSWORD_FILE": "/secrets/password",
            "POSTGRES_USER": USER,
            "POSTGRES_DB": DATABASE,
        },
        files={
            "/secrets/password": File(f"{PASSWORD}\n"),
            f"{INIT}/1-plain.sql": File(insert("plain é")),
            f"{INIT}/2-gzip.sql.gz": File(gzip.compress(insert("gzip").encode())),
            f"{INIT}/3-xz.sql.xz": File(lzma.compress(insert("xz").encode())),
            f"{INIT}/4-zstd.sql.zst": File(zstd_frame(insert("zstd"))),
            f"{INIT}/5-sourced.sh": File(sourced),
            f"{INIT}/6-executed.sh": File(
                "#!/bin/bash\nset -e\n"
                'psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" '
                "--command \"INSERT INTO seen (name) VALUES ('executed')\"\n",
                mode=0o755,
            ),
            f"{INIT}/7-ignored.txt": File("not SQL\n"),
        },
        volumes=[f"{volume}:/var/lib/postgresql/data"],
    )
    wait_until_ready(trial)
    return trial


def test_superuser_logs_in_with_the_password_of_the_file(server: Trial) -> None:
    sql = "SELECT current_user, current_database(), usesuper FROM pg_user WHERE usename = current_user"
    assert query(server, sql, password=PASSWORD) == (0, f"{USER}|{DATABASE}|t")


@pytest.mark.parametrize("password", ["wrong", PASSWORD[:-1]])
def test_superuser_is_refused_with_another_password(server: Trial, password: str) -> None:
    code, output = query(server, "SELECT 1", password=password)
    assert code == 2
    assert "password authentication failed" in output


def test_passwords_are_kept_as_scram(server: Trial) -> None:
    sql = "SELECT substr(rolpassword, 1, 13) FROM pg_authid WHERE rolname = current_user"
    assert query(server, sql, password=PASSWORD) == (0, "SCRAM-SHA-256")


def test_init_files_ran_in_order_and_without_a_network(server: Trial) -> None:
    code, output = query(server, "SELECT name FROM seen ORDER BY id", password=PASSWORD)
    assert code == 0
    assert output.splitlines() == ["plain é", "gzip", "xz", "zstd", "sourced closed", "executed"]


def test_command_and_encoding(server: Trial) -> None:
    sql = "SELECT current_setting('max_connections'), current_setting('server_encoding')"
    assert query(server, sql, password=PASSWORD) == (0, "77|UTF8")


def test_postgres_is_process_1_of_user_999_and_does_not_show_the_password(server: Trial) -> None:
    assert server.run("cat", "/proc/1/comm") == (0, "postgres")
    code, status = server.run("grep", "-E", "^(Uid|Gid):", "/proc/1/status")
    assert code == 0
    assert re.sub(r"\s+", " ", status) == "Uid: 999 999 999 999 Gid: 999 999 999 999"
    code, output = server.run("cat", "/proc/1/cmdline", "/proc/1/environ", user="999:999")
    assert code == 0
    assert DIFFICULT not in output
    assert DIFFICULT not in server.log()


def test_stops_fast_and_keeps_its_data(server: Trial, launcher: Launcher, volume: str) -> None:
    # A session that stays open would hold up a stop that waits for clients.
    session = ["psql", f"--username={USER}", f"--dbname={DATABASE}", "--command=SELECT pg_sleep(120)"]
    server.container.exec_run(session, detach=True)
    busy = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND pid <> pg_backend_pid()"
    server.wait_until(lambda: query(server, busy, password=PASSWORD) == (0, "1"))
    code, took = server.stop()
    assert code == 0, server.log()
    assert took < 10
    assert "received fast shutdown request" in server.log()

    # A second container on the same data, not as root, told another password: nothing is initialised again.
    second = launcher.start(
        POSTGRES,
        environment={"POSTGRES_PASSWORD": "another", "POSTGRES_DB": "another"},
        files={f"{INIT}/1.sql": File("SELECT no_such_column;\n")},
        volumes=[f"{volume}:/var/lib/postgresql/data"],
        user="999:999",
    )
    wait_until_ready(second)
    assert query(second, "SELECT count(*) FROM seen", password=PASSWORD) == (0, "6")
    assert query(second, "SELECT 1", password="another")[0] == 2


def test_other_settings_as_a_user_on_a_read_only_file_system(trusting: Trial) -> None:
    wait_until_ready(trusting)
    settings = (
        "SELECT current_setting('data_checksums'), current_setting('data_directory'), datcollate FROM pg_database"
    )
    code, output = query(
        trusting, f"{settings} WHERE datname = current_database()", user="postgres", database="postgres"
    )
    assert (code, output) == (0, "on|/var/lib/postgresql/data/deeper|C")
    code, _ = trusting.stop()
    assert code == 0


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "POSTGRES_PASSWORD"),
        ({"POSTGRES_PASSWORD": ""}, "POSTGRES_PASSWORD"),
        (
            {"POSTGRES_PASSWORD": "a", "POSTGRES_PASSWORD_FILE": "/etc/hostname"},
            "POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are both set",
        ),
        (
            {"POSTGRES_PASSWORD": "a", "POSTGRES_USER": "b", "POSTGRES_USER_FILE": "/etc/hostname"},
            "POSTGRES_USER and POSTGRES_USER_FILE are both set",
        ),
        ({"POSTGRES_PASSWORD_FILE": "/no/such/file"}, "/no/such/file cannot be read"),
    ],
)
def test_refuses_what_it_cannot_start_with(launcher: Launcher, environment: dict[str, str], sentence: str) -> None:
    trial = launcher.start(POSTGRES, environment=environment)
    assert trial.ended() == 1
    assert sentence in trial.log()
    assert "initialising" not in trial.log()


def test_runs_another_command_as_it_is(launcher: Launcher) -> None:
    trial = launcher.start(POSTGRES, command=["postgres", "--version"])
    assert trial.ended() == 0
    assert "(PostgreSQL) 17." in trial.log()
