"""What role adopt repeats of other roles, and its text that a shell runs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

ROOT = Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles" / "adopt"


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def test_version_is_the_one_that_role_mlflow_deploys() -> None:
    default = load(ROLE / "defaults" / "main.yml")["adopt_mlflow_version"]
    match = re.search(r"default\('([^']+)'\)", default)
    assert match
    assert match[1] == load(ROOT / "roles" / "mlflow" / "defaults" / "main.yml")["mlflow_version"]


def rendered(name: str, **variables: Any) -> str:
    text = (ROLE / "templates" / name).read_text(encoding="utf-8")
    defaults = {"ansible_managed": "managed", "adopt_platform_project": "mlflow"}
    # Trusted, as the template action reads its own files.
    from ansible.template import trust_as_template

    return str(Templar(DataLoader(), {**defaults, **variables}).template(trust_as_template(text)))


@pytest.mark.parametrize("store", [["p-minio-1"], []])
def test_commands_that_start_the_old_project_again(store: list[str]) -> None:
    names = ["p-mlflow-1", "p-minio-1", "p-db-1"]
    containers = [{"name": name, "running": True, "restart": "always"} for name in names]
    script = rendered(
        "start_old_stack.sh.j2",
        __adopt_backup_dir="/opt/ml flow/backups/adopt",
        __adopt_stack={"project": "p", "database": {"container": "p-db-1"}},
        __adopt_keeps_running=store,
        __adopt_containers_running=containers,
    )
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    started = [line.split()[-1] for line in script.splitlines() if line.startswith("docker start")]
    assert sorted(started) == sorted(names)
    assert started.index("p-db-1") < started.index("p-mlflow-1")
    assert script.count("docker update --restart=always ") == 3
    assert script.rstrip().endswith("rm -f '/opt/ml flow/backups/adopt/state.json'")
