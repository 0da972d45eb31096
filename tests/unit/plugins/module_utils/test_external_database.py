# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What PyMySQL, psycopg and the databases answer, and the sentence that is made of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.external_database import (
    check_external_database,
    database_problem,
)

MYSQL = {"dialect": "mysql", "host": "db", "port": 3306, "name": "mlflow", "user": "anna", "password": "hush"}
POSTGRES = {**MYSQL, "dialect": "postgresql", "port": 5432}
GOOD_MYSQL: dict[str, Any] = {"version": "9.7.4-2", "encoding": "utf8mb4", "tables": [], "unusable": [], "failed": None}
GOOD_POSTGRES = {**GOOD_MYSQL, "version": "17.6 (Debian 17.6-0+deb13u1)", "encoding": "UTF8"}
MLFLOW = ["alembic_version", "experiments", "runs"]


def option(**more: Any) -> dict[str, Any]:
    return {"engine": "mysql", "host": "db.example.org", "name": "mlflow", "user": "anna", "password": "hush", **more}


@pytest.mark.parametrize(
    "more", [{}, {"port": 3307}, {"host": "10.0.0.1", "tls": "require", "network": "stack_default"}, {"host": "::2"}]
)
def test_good_options_pass(more: dict[str, Any]) -> None:
    assert check_external_database("mlflow_database", option(**more)) == []
    assert check_external_database("mlflow_database", {}) == []


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"host": "localhost"}, "mlflow_database.host: found 'localhost', which is MLflow's own container"),
        ({"host": "127.0.0.1"}, "mlflow_database.host: found '127.0.0.1', which is MLflow's own container"),
        (
            {"host": "sql:3306"},
            "mlflow_database: cannot use the host 'sql:3306', write a host name or an address alone.",
        ),
        ({"port": 70000}, "mlflow_database: cannot use the port '70000', write a number from 1 to 65535."),
        ({"name": "a b"}, "mlflow_database: cannot use the name 'a b', write one of letters"),
        ({"network": "a b"}, "mlflow_database.network: found 'a b', write a name as `docker network ls` shows it."),
        ({"tls": "verify"}, "mlflow_database.ca_certificate: is missing, write the certificates"),
        (
            {"tls": "require", "ca_certificate": "x"},
            "mlflow_database.ca_certificate: is of no use with tls 'require', remove it, or write 'verify'.",
        ),
        ({"ca_certificate": "x"}, "mlflow_database.ca_certificate: is no certificate in PEM form"),
        (
            {"ca_certificate": "-----BEGIN PRIVATE KEY-----"},
            "mlflow_database.ca_certificate: holds a private key, which is for the database alone",
        ),
    ],
)
def test_bad_options_are_told(more: dict[str, Any], sentence: str) -> None:
    (problem,) = check_external_database("mlflow_database", option(**more))
    assert problem.startswith(sentence)


@pytest.mark.parametrize(
    ("connection", "answer"),
    [
        (MYSQL, GOOD_MYSQL),
        (MYSQL, {**GOOD_MYSQL, "version": "8.0.36-0ubuntu0.22.04.1"}),
        (MYSQL, {**GOOD_MYSQL, "tables": MLFLOW}),
        (MYSQL, {**GOOD_MYSQL, "tables": ["onprem_mlflow_first_start", "experiments"]}),
        (POSTGRES, GOOD_POSTGRES),
        (POSTGRES, {**GOOD_POSTGRES, "version": "14.0"}),
    ],
)
def test_good_databases_pass(connection: dict[str, Any], answer: dict[str, Any]) -> None:
    assert database_problem("mlflow_database", connection, answer) is None


REFUSED = 'connection failed: connection to server at "10.0.0.1", port 5432 failed: '


@pytest.mark.parametrize(
    ("connection", "code", "text", "sentence"),
    [
        (
            *(MYSQL, 2003, "Can't connect to MySQL server on 'db' ([Errno -2] Name or service not known)"),
            "host: found 'db', a name that this server's containers cannot find",
        ),
        (
            *(MYSQL, 2003, "Can't connect to MySQL server on 'db' ([Errno 111] Connection refused)"),
            "host: db:3306 does not answer from this server's containers (Can't connect",
        ),
        (MYSQL, 2003, "Can't connect to MySQL server on 'db' (timed out)", "host: db:3306 does not answer"),
        (
            MYSQL,
            2003,
            "Can't connect to MySQL server on 'db' ([SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed:"
            " Hostname mismatch, certificate is not valid for 'db'. (_ssl.c:1032))",
            "host: found 'db', but the certificate of db:3306 is not for that name",
        ),
        (
            MYSQL,
            2003,
            "Can't connect to MySQL server on 'db' ([SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed:"
            " unable to get local issuer certificate (_ssl.c:1032))",
            "ca_certificate: did not sign the certificate that db:3306 shows (",
        ),
        (MYSQL, 2026, "SSL is required but the server doesn't support it", "tls: db:3306 does not speak TLS"),
        (
            *(MYSQL, 3159, "Connections using insecure transport are prohibited while --require_secure_transport=ON."),
            "tls: db:3306 lets 'anna' in with TLS only",
        ),
        (
            *(MYSQL, 1045, "Access denied for user 'anna'@'172.20.0.4' (using password: YES)"),
            "password: db:3306 refuses the login of 'anna', correct the user or the password.",
        ),
        (MYSQL, 1049, "Unknown database 'mlflow'", "name: db:3306 has no database 'mlflow', make it there"),
        (
            *(MYSQL, 1044, "Access denied for user 'anna'@'%' to database 'mlflow'"),
            "user: db:3306 does not let 'anna' use the database 'mlflow', give it SELECT, INSERT",
        ),
        (MYSQL, 1040, "Too many connections", ": db:3306 does not let 'anna' in (Too many connections), correct"),
        (
            *(POSTGRES, None, "failed to resolve host 'db': [Errno -2] Name or service not known"),
            "host: found 'db', a name that this server's containers cannot find",
        ),
        (
            POSTGRES,
            None,
            f"{REFUSED}Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?",
            "host: db:5432 does not answer from this server's containers (",
        ),
        (POSTGRES, None, "connection timeout expired", "host: db:5432 does not answer"),
        (
            *(POSTGRES, None, f"{REFUSED}SSL error: certificate verify failed"),
            "ca_certificate: did not sign the certificate that db:5432 shows (",
        ),
        (
            *(POSTGRES, None, f'{REFUSED}server certificate for "db" does not match host name "x"'),
            "host: found 'db', but the certificate of db:5432 is not for that name",
        ),
        (
            *(POSTGRES, None, f"{REFUSED}server does not support SSL, but SSL was required"),
            "tls: db:5432 does not speak TLS, turn it on there, or write 'disable'.",
        ),
        (
            *(POSTGRES, None, f'{REFUSED}FATAL:  no pg_hba.conf entry for host "1.2.3.4", user "a", no encryption'),
            "tls: db:5432 lets 'anna' in with TLS only",
        ),
        (
            *(POSTGRES, None, f'{REFUSED}FATAL:  password authentication failed for user "anna"'),
            "password: db:5432 refuses the login of 'anna'",
        ),
        (
            POSTGRES,
            None,
            f'{REFUSED}FATAL:  database "mlflow" does not exist',
            "name: db:5432 has no database 'mlflow'",
        ),
    ],
)
def test_login_is_refused(connection: dict[str, Any], code: object, text: str, sentence: str) -> None:
    problem = database_problem("v", connection, {"failed": {"step": "connect", "code": code, "text": text}})
    assert problem is not None
    assert problem.startswith(f"v{'' if sentence.startswith(':') else '.'}{sentence}")
    assert problem.endswith(".")
    assert "\n" not in problem
    assert "hush" not in problem


@pytest.mark.parametrize(
    ("connection", "more", "sentence"),
    [
        (MYSQL, {"version": "5.7.44"}, "v.host: found MySQL 5.7.44, write the address of a 8.0 or later."),
        (MYSQL, {"version": "10.11.6-MariaDB-1"}, "v.host: found MariaDB (10.11.6-MariaDB-1), which is not supported"),
        (POSTGRES, {"version": "13.9"}, "v.host: found PostgreSQL 13.9, write the address of a 14 or later."),
        (
            MYSQL,
            {"encoding": "latin1"},
            "v.name: the database 'mlflow' has the character set latin1 and not utf8mb4, run",
        ),
        (
            POSTGRES,
            {"encoding": "LATIN1"},
            "v.name: the database 'mlflow' has the character set LATIN1 and not UTF8, w",
        ),
        (
            MYSQL,
            {"tables": ["orders", "customers"]},
            "v.name: the database 'mlflow' holds tables that are not MLflow's",
        ),
        (
            POSTGRES,
            {"tables": ["alembic_version", "orders"]},
            "v.name: the database 'mlflow' holds tables that are not",
        ),
        (
            *(MYSQL, {"tables": MLFLOW, "unusable": ["runs"]}),
            "v.name: the table 'runs' in the database 'mlflow' is not in utf8mb4",
        ),
        (POSTGRES, {"tables": MLFLOW, "unusable": ["runs"]}, "v.user: does not own the table 'runs'"),
        (
            *(MYSQL, {"failed": {"step": "CREATE", "code": 1142, "text": "CREATE command denied"}}),
            "v.user: MySQL at db:3306 does not let 'anna' CREATE, give it SELECT, INSERT",
        ),
        (
            *(MYSQL, {"failed": {"step": "TRIGGER", "code": 1419, "text": "You do not have the SUPER privilege"}}),
            "v.host: MySQL at db:3306 writes binary logs and lets 'anna' make no trigger",
        ),
        (
            *(MYSQL, {"failed": {"step": "CREATE", "code": 1290, "text": "running with the --read-only option"}}),
            "v.host: MySQL at db:3306 takes no writes",
        ),
        (
            *(POSTGRES, {"failed": {"step": "CREATE", "code": "42501", "text": "permission denied for schema public"}}),
            "v.user: PostgreSQL at db:5432 does not let 'anna' CREATE, give it USAGE and CREATE on the schema",
        ),
        (
            *(POSTGRES, {"failed": {"step": "DROP", "code": "25006", "text": "in a read-only transaction"}}),
            "v.host: PostgreSQL at db:5432 takes no writes, write the address of the primary.",
        ),
        (
            *(POSTGRES, {"failed": {"step": "INDEX", "code": "53100", "text": "no space left"}}),
            "v: PostgreSQL at db:5432 refuses a test with INDEX (no space left), correct what it names.",
        ),
    ],
)
def test_database_is_not_what_mlflow_needs(connection: dict[str, Any], more: dict[str, Any], sentence: str) -> None:
    good = GOOD_MYSQL if connection is MYSQL else GOOD_POSTGRES
    problem = database_problem("v", connection, {**good, **more})
    assert problem is not None
    assert problem.startswith(sentence)
    assert problem.endswith(".")
