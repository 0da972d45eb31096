# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module around the question, with an engine that answers as told; the scenario other_databases asks real ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.modules import external_database_check

OPTIONS = {
    "image": "onprem/mlflow:1",
    "connection": {
        "dialect": "mysql",
        "driver": "pymysql",
        "host": "db",
        "port": 3306,
        "name": "mlflow",
        "user": "anna",
        "password": "hush @ home",
        "query": {"ssl_ca": "/etc/mlflow-platform/database_ca.pem"},
    },
    "ca_certificate": "text",
}
GOOD: dict[str, Any] = {"version": "9.7.4", "encoding": "utf8mb4", "tables": [], "unusable": [], "failed": None}


class Engine:
    """What `docker` answers to its first words."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, tuple[int, str, str]] = {"run": (0, json.dumps(GOOD), "")}
        self.commands: list[list[str]] = []
        self.given: list[str] = []
        monkeypatch.setattr(AnsibleModule, "get_bin_path", lambda *_args: "docker")
        monkeypatch.setattr(AnsibleModule, "run_command", self.run)

    def run(self, command: list[str], data: str = "") -> tuple[int, str, str]:
        self.commands.append(command)
        self.given.append(data)
        return self.answers.get(command[1], (0, "", ""))


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine(monkeypatch)


@pytest.mark.parametrize("check", [False, True])
def test_password_goes_by_standard_input(run_module: Any, engine: Engine, check: bool) -> None:
    result = run_module(external_database_check.main, {**OPTIONS, "network": "stack_default"}, check=check)

    assert (result["changed"], result["checked"]) == (False, True)
    command, given = engine.commands[-1], json.loads(engine.given[-1])
    assert "hush" not in " ".join(command)
    assert {"--network=stack_default", "--rm", "--read-only", "--tmpfs=/etc/mlflow-platform:mode=1777"} <= set(command)
    assert given["uri"].startswith("mysql+pymysql://anna:hush%20%40%20home@db:3306/mlflow?ssl_ca=")
    assert given["ca_certificate"] == "text"


def test_what_is_wrong_is_one_sentence(run_module: Any, engine: Engine) -> None:
    failed = {"step": "connect", "code": 1045, "text": "Access denied"}
    engine.answers["run"] = (0, json.dumps({"failed": failed}), "")
    result = run_module(external_database_check.main, OPTIONS)

    assert result["failed"]
    assert (
        result["msg"]
        == "mlflow_database.password: db:3306 refuses the login of 'anna', correct the user or the password."
    )


def test_program_that_ends(run_module: Any, engine: Engine) -> None:
    engine.answers["run"] = (1, "", "Traceback\nModuleNotFoundError: No module named 'pymysql'\n")
    result = run_module(external_database_check.main, OPTIONS)

    assert result["msg"].endswith(
        "the program that asks the database ended: ModuleNotFoundError: No module named 'pymysql'"
    )


def test_server_without_the_image(run_module: Any, engine: Engine) -> None:
    engine.answers["image"] = (1, "", "No such image")
    result = run_module(external_database_check.main, OPTIONS)

    assert (result["changed"], result["checked"]) == (False, False)
    assert len(engine.commands) == 1


def test_network_that_is_not_there(run_module: Any, engine: Engine) -> None:
    engine.answers["network"] = (1, "", "No such network")
    result = run_module(external_database_check.main, {**OPTIONS, "network": "gone"})

    assert result["msg"].startswith("mlflow_database.network: found 'gone', but this server's engine has no network")
