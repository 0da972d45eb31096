"""Render every template of every role with ansible-playbook, in the role's own context, once for all tests."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
CASES = sorted(path.stem for path in (HERE / "cases").glob("*.yml"))
TEMPLATES = sorted((ROOT / "roles").glob("*/templates/**/*.j2"))


@dataclass(frozen=True)
class Rendered:
    """One case: the folder with a file per template, and the variables it was rendered with."""

    case: str
    folder: Path
    variables: dict[str, Any]

    def path(self, role: str, name: str) -> Path:
        return self.folder / role / name

    def text(self, role: str, name: str) -> str:
        return self.path(role, name).read_text(encoding="utf-8")


def role_of(template: Path) -> str:
    return template.relative_to(ROOT / "roles").parts[0]


def rendered_name(template: Path) -> str:
    return str(template.relative_to(ROOT / "roles" / role_of(template) / "templates").with_suffix(""))


def copy_role(role: str, target: Path) -> None:
    """Make a role with the real one's variables and templates, whose only task is to render them."""
    (target / "tasks").mkdir(parents=True)
    for part in ("defaults", "vars", "templates", "files"):
        if (ROOT / "roles" / role / part).is_dir():
            (target / part).symlink_to(ROOT / "roles" / role / part)
    names = [rendered_name(template) for template in TEMPLATES if role_of(template) == role]
    task = {
        "name": "Render the templates",
        # As the roles do it: one run of a module, where ansible.builtin.template needs two for each file.
        "onprem.mlflow.project_files": {
            "base": "{{ render_dir }}/{{ inventory_hostname }}/" + role,
            "files": [
                {
                    "path": name,
                    "content": f"{{{{ lookup('ansible.builtin.template', '{name}.j2') }}}}",
                    "owner": str(os.getuid()),
                    "group": str(os.getgid()),
                }
                for name in names
            ],
        },
    }
    (target / "tasks" / "main.yml").write_text(json.dumps([task]), encoding="utf-8")


@pytest.fixture(scope="session")
def rendered_cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rendered]:
    """Render once for all workers of a run; the first one to come does it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "templates"
    folder.mkdir(exist_ok=True)
    hosts = variables_of_cases()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "rendered").exists():
            render(folder, hosts)
            (folder / "rendered").touch()
    return {case: Rendered(case, folder / "out" / case, hosts[case]) for case in CASES}


def variables_of_cases() -> dict[str, Any]:
    """Read what each case sets, by its name."""
    handed_over = yaml.safe_load((HERE / "handed_over.yml").read_text(encoding="utf-8"))
    return {
        case: {**handed_over, **yaml.safe_load((HERE / "cases" / f"{case}.yml").read_text(encoding="utf-8"))}
        for case in CASES
    }


def render(folder: Path, hosts: dict[str, Any]) -> None:
    """Run one play with a host per case."""
    roles = sorted({role_of(template) for template in TEMPLATES})
    for case in CASES:
        for template in TEMPLATES:
            target = folder / "out" / case / role_of(template) / rendered_name(template)
            target.parent.mkdir(parents=True, exist_ok=True)
    for role in roles:
        copy_role(role, folder / "roles" / role)
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "render_dir": str(folder / "out"),
    }
    play = [{"hosts": "all", "gather_facts": True, "gather_subset": ["!all", "min"], "roles": roles}]
    (folder / "play.yml").write_text(json.dumps(play), encoding="utf-8")
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": common}}), encoding="utf-8")
    done = subprocess.run(
        ["ansible-playbook", "--inventory", "hosts.json", "play.yml"],
        cwd=folder,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_ROLES_PATH": str(folder / "roles")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session", params=CASES)
def rendered(request: pytest.FixtureRequest, rendered_cases: dict[str, Rendered]) -> Rendered:
    return rendered_cases[request.param]
