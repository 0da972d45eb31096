# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Old stacks, read from what Docker 26.1 printed about those in tests/old_stacks."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.mlflow_stack import (
    Container,
    Reader,
    Stack,
    Told,
    command_words,
    expand,
    flag,
    of_project,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "docker-26.1"
SECRET = "s3cret+pass_word"
FILES = {"/srv/postgres_minio/db_password.txt": f"{SECRET}\n"}

Item = dict[str, Any]


def recorded(name: str) -> list[Item]:
    items: list[Item] = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    return items


def processes(container: str) -> dict[str, list[str]]:
    lines = (FIXTURES / f"{container}.top").read_text(encoding="utf-8").splitlines()[1:]
    return {container: [line.strip().partition(" ")[2].strip() for line in lines]}


def read(
    items: list[Item], project: str, told: Told | None = None, running: dict[str, list[str]] | None = None
) -> dict[str, Any]:
    stack: Stack = Reader(of_project(items, project), told or Told(), FILES.get).read(project, running or {})
    return stack.as_result()


def named(items: list[Item], part: str) -> Item:
    return next(item for item in items if part in item["Name"])


def test_mysql_and_minio() -> None:
    stack = read(recorded("mysql_minio"), "mysql_minio", running=processes("mysql_minio-mlflow-1"))
    assert stack["problems"] == []
    assert stack["folder"] == "/srv/mysql_minio"
    assert stack["mlflow"] == {
        "containers": ["mysql_minio-mlflow-1"],
        "running": True,
        "artifacts_destination": "s3://mlflow/artifacts",
        "default_artifact_root": "",
    }
    assert stack["database"] == {
        "container": "mysql_minio-mysql-1",
        "engine": "mysql",
        "name": "mlflow",
        "username": "mlflow",
        "password": "mlflow",
        "running": True,
        "restart": "always",
    }
    assert stack["artifacts"] == {"bucket": "mlflow", "prefix": "artifacts"}
    store = stack["store"]
    assert (store["container"], store["kind"], store["network"]) == (
        "mysql_minio-minio-1",
        "minio",
        "mysql_minio_inner-net",
    )
    assert store["endpoint_url"] == "http://minio:9000"
    assert store["server_endpoint_url"] == "http://172.20.0.3:9000"
    assert (store["access_key"], store["secret_key"]) == ("minioadmin", "minioadmin")


@pytest.mark.parametrize("runs", [True, False], ids=["from the process", "from the command"])
def test_postgres_with_a_shell_and_secrets_as_files(runs: bool) -> None:
    running = processes("postgres_minio-tracking-1") if runs else None
    stack = read(recorded("postgres_minio"), "postgres_minio", running=running)
    assert stack["problems"] == []
    database = stack["database"]
    assert (database["engine"], database["name"], database["username"]) == ("postgres", "tracking", "tracker")
    assert database["password"] == SECRET
    assert stack["mlflow"]["default_artifact_root"] == "s3://experiments/runs"
    assert stack["artifacts"] == {"bucket": "experiments", "prefix": "runs"}
    assert stack["store"]["root_secret_key"] == "root$ecret-4711"


def test_folder_says_which_project() -> None:
    items = recorded("mysql_minio") + recorded("postgres_minio")
    assert {item.project for item in of_project(items, "/srv/mysql_minio/")} == {"mysql_minio"}
    assert of_project(items, "mysql") == []


def test_unknown_project_is_one_sentence() -> None:
    assert read(recorded("mysql_minio"), "lab")["problems"] == [
        "adopt_project: there is no compose project 'lab' on this server, write a name that `docker compose ls --all`"
        " shows, or the folder of its compose file."
    ]


def test_container_of_docker_compose_run_is_no_part() -> None:
    items = recorded("mysql_minio")
    named(items, "mysql-1")["Config"]["Labels"]["com.docker.compose.oneoff"] = "True"
    assert [item.service for item in of_project(items, "mysql_minio")] == ["createbucket", "minio", "mlflow"]


def second_database(items: list[Item]) -> Item:
    other = copy.deepcopy(named(items, "mysql-1"))
    other["Name"] = "/mysql_minio-other-1"
    other["Config"]["Hostname"] = "abc"
    other["Config"]["Labels"]["com.docker.compose.service"] = "other"
    for network in other["NetworkSettings"]["Networks"].values():
        network["Aliases"] = ["other"]
    return other


def test_two_databases_and_the_uri_says_which() -> None:
    items = recorded("mysql_minio")
    stack = read([*items, second_database(items)], "mysql_minio")
    assert stack["problems"] == []
    assert stack["database"]["container"] == "mysql_minio-mysql-1"


def test_two_databases_and_nothing_says_which() -> None:
    items = recorded("mysql_minio")
    words = named(items, "mlflow-1")["Config"]["Cmd"]
    words[words.index("--backend-store-uri") + 1] = "mysql+pymysql://mlflow:mlflow@10.1.2.3/mlflow"
    items.append(second_database(items))
    (problem,) = read(items, "mysql_minio")["problems"]
    assert "found several databases, mysql_minio-mysql-1, mysql_minio-other-1" in problem
    told = Told(database={"container": "other"})
    assert read(items, "mysql_minio", told)["database"]["container"] == "mysql_minio-other-1"


def test_mariadb_is_not_taken_over() -> None:
    items = recorded("mysql_minio")
    named(items, "mysql-1")["Config"]["Image"] = "mariadb:11"
    (problem,) = read(items, "mysql_minio")["problems"]
    assert problem.startswith("adopt_database.engine: mysql_minio-mysql-1 runs mariadb")


def test_own_image_is_known_by_its_port() -> None:
    items = recorded("mysql_minio")
    named(items, "mysql-1")["Config"]["Image"] = "registry.lab:5000/our/db@sha256:0123"
    assert read(items, "mysql_minio")["database"]["engine"] == "mysql"


def test_local_artifacts_are_not_taken_over_unless_told() -> None:
    items = recorded("mysql_minio")
    words = named(items, "mlflow-1")["Config"]["Cmd"]
    words[words.index("--artifacts-destination") + 1] = "/mlflow/artifacts"
    (problem,) = read(items, "mysql_minio")["problems"]
    assert problem.startswith("adopt_artifacts: the old MLflow keeps artifacts in /mlflow/artifacts")
    assert read(items, "mysql_minio", Told(artifacts="s3://mlflow/x/"))["artifacts"] == {
        "bucket": "mlflow",
        "prefix": "x",
    }


def test_store_that_is_no_container() -> None:
    items = [item for item in recorded("postgres_minio") if "minio-1" not in item["Name"].partition("_")[2]]
    stack = read(items, "postgres_minio")
    assert stack["problems"] == []
    assert (stack["store"]["container"], stack["store"]["kind"], stack["store"]["network"]) == ("", "s3", "")
    assert stack["store"]["server_endpoint_url"] == "http://minio:9000"
    assert stack["store"]["root_access_key"] == "rootuser"


def test_store_by_the_servers_own_name() -> None:
    items = recorded("mysql_minio")
    environment = named(items, "mlflow-1")["Config"]["Env"]
    environment[environment.index("MLFLOW_S3_ENDPOINT_URL=http://minio:9000")] = (
        "MLFLOW_S3_ENDPOINT_URL=http://lab.example.org:19000"
    )
    store = read(items, "mysql_minio")["store"]
    assert store["container"] == "mysql_minio-minio-1"
    assert store["endpoint_url"] == "http://minio:9000"


def test_store_that_does_not_run() -> None:
    items = recorded("mysql_minio")
    named(items, "minio-minio-1")["State"]["Running"] = False
    (problem,) = read(items, "mysql_minio")["problems"]
    assert "mysql_minio-minio-1 does not run, start it" in problem


@pytest.mark.parametrize(
    ("told", "option"),
    [
        (Told(mlflow_container="web"), "adopt_mlflow_container"),
        (Told(database={"container": "web"}), "adopt_database.container"),
        (Told(store={"container": "web"}), "adopt_store.container"),
    ],
)
def test_containers_that_are_not_there(told: Told, option: str) -> None:
    (problem,) = read(recorded("mysql_minio"), "mysql_minio", told)["problems"]
    assert problem.startswith(f"{option}: the project has no container 'web', write one of mysql_minio-createbucket-1")


def test_what_is_told_wins() -> None:
    told = Told(database={"username": "root", "password": "r"}, store={"access_key": "a", "secret_key": "b" * 8})
    stack = read(recorded("mysql_minio"), "mysql_minio", told)
    assert (stack["database"]["username"], stack["database"]["password"]) == ("root", "r")
    assert (stack["store"]["access_key"], stack["store"]["root_access_key"]) == ("a", "minioadmin")


def test_missing_key_is_asked_for() -> None:
    items = recorded("mysql_minio")
    for item in items:
        item["Config"]["Env"] = [line for line in item["Config"]["Env"] if "SECRET" not in line and "PASSW" not in line]
    problems = read(items, "mysql_minio")["problems"]
    assert problems == ["adopt_store.secret_key: was not found in the old stack, write it."]


def container(**changes: Any) -> Container:
    item = named(recorded("postgres_minio"), "tracking")
    item["Config"].update(changes)
    return Container.parse(item)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$DB_USER/${DB_NAME}", "tracker/tracking"),
        ("${NOTHING:-else}", "else"),
        ("$(cat /run/secrets/db_password)", SECRET),
        ("$(< /run/secrets/db_password)", SECRET),
        ("$(cat /etc/other)", "$(cat /etc/other)"),
    ],
)
def test_expand(text: str, expected: str) -> None:
    assert expand(text, container(), FILES.get) == expected


def test_command_that_is_no_shell_is_left_alone() -> None:
    words = ["mlflow", "server", "--backend-store-uri", "mysql+pymysql://u:a$b@db/x"]
    assert command_words(container(Entrypoint=None, Cmd=words), [], FILES.get) == words


def test_variables_instead_of_options() -> None:
    items = recorded("mysql_minio")
    server = named(items, "mlflow-1")["Config"]
    server["Cmd"] = ["mlflow", "server"]
    server["Env"] += [
        "MLFLOW_BACKEND_STORE_URI=mysql+pymysql://my%40user:p%2Fw@mysql/other",
        "MLFLOW_ARTIFACTS_DESTINATION=s3://bucket",
    ]
    stack = read(items, "mysql_minio")
    database = stack["database"]
    assert (database["username"], database["password"], database["name"]) == ("my@user", "p/w", "other")
    assert stack["artifacts"] == {"bucket": "bucket", "prefix": ""}


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["--a", "1"], "1"), (["--a=1"], "1"), (["--a", "1", "--a", "2"], "2"), (["--ab", "1"], None), (["--a"], None)],
)
def test_flag(words: list[str], expected: str | None) -> None:
    assert flag(words, "--a") == expected
