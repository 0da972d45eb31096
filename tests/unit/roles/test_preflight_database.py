"""Where the runs are, and what preflight says of an inventory that names another place; one play asks for all cases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
EXTERNAL = {"engine": "mysql", "host": "db", "name": "mlflow", "user": "u", "password": "hush"}
AT_DB = {"database": "external", "engine": "mysql", "host": "db", "port": 3306, "name": "mlflow"}
OURS = {"database": "mysql", "engine": "", "host": "", "port": 0, "name": "mlflow"}
OURS_TOO = {**OURS, "database": "postgres"}
SQLITE = {**OURS, "database": "sqlite", "name": ""}
SAME = "or bring the runs to the other database and set mlflow_database_moved: true for one run."


def external(**more: Any) -> dict[str, Any]:
    return {"mlflow_platform_database": "external", "mlflow_database": {**EXTERNAL, **more}}


# What the inventory says, what is on the server (a note, or a folder without one), and the sentence.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any] | str | None, str]] = {
    "new": ({}, None, ""),
    "same": ({}, OURS, ""),
    "same_postgres": ({"mlflow_platform_database": "postgres"}, OURS_TOO, ""),
    "same_sqlite": ({"mlflow_platform_database": "sqlite"}, SQLITE, ""),
    "same_external": (external(), AT_DB, ""),
    "other_password": (external(password="other"), AT_DB, ""),
    "moved": ({**external(), "mlflow_database_moved": True}, OURS, ""),
    "before_notes": ({}, "mysql", ""),
    "other_engine": (
        {"mlflow_platform_database": "postgres"},
        OURS,
        "found 'postgres', but the runs of this platform are in",
    ),
    "other_name": ({"mysql_database": "x"}, OURS, "mysql_database: found 'x', but the runs of this platform are in"),
    "other_host": (
        external(host="db2"),
        AT_DB,
        "mlflow_database.host: found 'db2', but the runs of this platform are in the database 'mlflow' at db:3306:"
        f" write 'db', {SAME}",
    ),
    "other_port": (external(port=3307), AT_DB, "mlflow_database.port: found '3307', but the runs"),
    "home": (
        {},
        AT_DB,
        "mlflow_platform_database: found 'mysql', but the runs of this platform are in the database 'mlflow' at",
    ),
    "half_done": ({"mlflow_platform_database": "sqlite"}, "postgres", f"data/postgres: write 'postgres', {SAME}"),
    "not_described": (
        {"mlflow_platform_database": "external"},
        None,
        "mlflow_database: is missing, write engine, host, name",
    ),
}


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    base = tmp_path_factory.mktemp("preflight")
    hosts = {}
    for name, (variables, found, _sentence) in CASES.items():
        folder = base / name
        if isinstance(found, str):
            (folder / "data" / found).mkdir(parents=True)
        elif found:
            (folder / "config").mkdir(parents=True)
            (folder / "config" / "database.json").write_text(json.dumps(found), encoding="utf-8")
        hosts[name] = {**variables, "mlflow_platform_dir": str(folder)}
    include = {
        "ansible.builtin.include_role": {
            "name": "onprem.mlflow.preflight",
            "tasks_from": "database",
            "rolespec_validate": False,
        }
    }
    said = {
        "ansible.builtin.copy": {
            "content": "{{ ansible_failed_result.msg }}",
            "dest": f"{base}/{{{{ inventory_hostname }}}}.said",
            "mode": "0644",
        }
    }
    play = [{"hosts": "all", "gather_facts": False, "tasks": [{"block": [include], "rescue": [said]}]}]
    (base / "play.yml").write_text(yaml.safe_dump(play), encoding="utf-8")
    common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = {"all": {"vars": common, "children": {"mlflow_tracking": {"hosts": {"same": {}}}}, "hosts": hosts}}
    (base / "hosts.json").write_text(json.dumps(inventory), encoding="utf-8")
    done = subprocess.run(
        ["ansible-playbook", "--inventory", str(base / "hosts.json"), str(base / "play.yml")],
        cwd=base,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found_sentences = {}
    for name in CASES:
        path = base / f"{name}.said"
        found_sentences[name] = path.read_text(encoding="utf-8") if path.exists() else ""
    return found_sentences


@pytest.mark.parametrize("name", CASES)
def test_where_the_runs_are(sentences: dict[str, str], name: str) -> None:
    sentence = CASES[name][2]
    assert sentence in sentences[name]
    assert bool(sentence) == bool(sentences[name]), sentences[name]
