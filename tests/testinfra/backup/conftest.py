"""A platform with runs and artifacts, and the server that they are put back on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ..conftest import INVENTORY, Platform, names_lead_to
from ..logged import Logged, Store

OTHER = "onprem-mlflow-lab-backup-other"
REPOSITORY = "/mnt/backup"
RUNS = 12


@pytest.fixture(scope="session")
def store(platform: Platform) -> Iterator[Store]:
    with names_lead_to(platform.address, ("mlflow.lab",)):
        yield Store(platform, platform.password("admin"))


@pytest.fixture(scope="session")
def logged(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Logged:
    """What is in the backups."""
    return store.log_runs(tmp_path_factory.mktemp("logged"), RUNS)


def carry_backups(source: str, target: str) -> None:
    """Have the disk with the backups in another server."""
    mount = f"mkdir -p {REPOSITORY} && (mountpoint -q {REPOSITORY} || mount -t tmpfs -o size=2g backup {REPOSITORY})"
    subprocess.run(["docker", "exec", target, "sh", "-c", f"{mount} && rm -rf {REPOSITORY}/mlflow"], check=True)
    with subprocess.Popen(
        ["docker", "exec", source, "tar", "-C", REPOSITORY, "-c", "mlflow"], stdout=subprocess.PIPE
    ) as packed:
        subprocess.run(
            ["docker", "exec", "--interactive", target, "tar", "-C", REPOSITORY, "-x"], stdin=packed.stdout, check=True
        )
    assert packed.returncode == 0


@pytest.fixture(scope="session")
def other_inventory(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same platform on an empty server with another name, and with another one for its users."""
    folder = tmp_path_factory.mktemp("other")
    groups = ("mlflow_platform", "mlflow_database", "mlflow_object_store", "mlflow_tracking", "mlflow_proxy")
    host = {"ansible_host": OTHER, "ansible_connection": "community.docker.docker"}
    inventory = {group: {"hosts": {"fresh": host if group == groups[0] else None}} for group in groups}
    variables = yaml.safe_load((INVENTORY / "group_vars" / "mlflow_platform.yml").read_text())
    variables["nginx_virtual_hosts"][0]["host_names"] = ["runs.lab"]
    variables["backup_password"] = platform.secret("backup/password")
    inventory["mlflow_platform"]["vars"] = variables
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": inventory}}))
    return folder
