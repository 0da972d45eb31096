"""One command tells how the platform is, and what is to be looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..conftest import PROJECT, eventually

if TYPE_CHECKING:
    from testinfra.host import Host

    from ..conftest import Platform

STATUS = "playbooks/status.yml"


def told(platform: Platform, folder: Path, **variables: Any) -> tuple[int, dict[str, Any], dict[str, Any] | str]:
    """Return how status.yml ends, the state of the server, and what a run would change."""
    path = folder / "status.json"
    result = platform.play(STATUS, status_json=str(path), **variables)
    read = json.loads(path.read_text())
    return result.returncode, read["servers"][platform.name], read["drift"]


def all_healthy(platform: Platform) -> bool:
    states = [platform.container(service)["State"] for service in platform.services]
    return all(state["Health"]["Status"] == "healthy" for state in states)


def test_a_platform_in_order(platform: Platform, tmp_path: Path) -> None:
    platform.play("playbooks/backup.yml").assert_ok()
    status, state, drift = told(platform, tmp_path)
    assert state["problems"] == []
    assert status == 0
    assert drift == {}
    versions = {service["name"]: service["version"] for service in state["services"]}
    assert set(versions) == set(platform.services)
    assert versions["mlflow"] == platform.variables.get("mlflow_version", "3.17.2")
    assert versions["mysql"].startswith("9.7")
    assert [check["name"] for check in state["checks"]] == ["bucket mlflow"]
    assert state["timers"] == [
        {"unit": f"mlflow-{name}.timer", "active": True, "result": "success"} for name in ("backup", "housekeeping")
    ]
    assert state["backup"]["checked"]
    assert {path for disk in state["disks"] for path in disk["paths"]} >= {PROJECT, f"{PROJECT}/backups"}


def test_the_table_is_for_people(platform: Platform) -> None:
    result = platform.play(STATUS, status_drift=False)
    result.assert_ok()
    for words in (f"{platform.name}: in order", "SERVICE", "LAST BACKUP", "works"):
        assert words in result.output


def test_what_is_to_be_looked_at(platform: Platform, server: Host, tmp_path: Path) -> None:
    """Several things at once, each with a sentence of its own; MLflow's own /health says 200 meanwhile."""
    server.check_output("docker stop mlflow-mysql-1 && systemctl stop mlflow-backup.timer")
    assert server.run("systemctl start mlflow-backup").rc != 0
    try:
        status, state, drift = told(platform, tmp_path, status_disk_percent=1)
    finally:
        server.check_output("docker start mlflow-mysql-1 && systemctl start mlflow-backup.timer")
    assert status != 0
    problems = " ".join(state["problems"])
    assert "mysql: is exited." in problems
    assert "mlflow: " in problems
    assert "mlflow-backup.timer: does not run" in problems
    assert "mlflow-backup.service: failed" in problems
    assert "backup: the last one failed: The container mlflow-mysql-1 does not run" in problems
    assert "% are used, make room." in problems
    assert "bucket" not in problems
    assert drift
    assert eventually(lambda: all_healthy(platform), 180)
    server.check_output("systemctl start mlflow-backup")


def test_drift_is_what_a_run_would_change(platform: Platform, tmp_path: Path) -> None:
    platform.host.check_output("echo '# by hand' >> %s/config/nginx/nginx.conf", PROJECT)
    status, state, drift = told(platform, tmp_path)
    assert status == 0, state["problems"]
    assert isinstance(drift, dict)
    assert any("nginx" in task for task in drift[platform.name])
    platform.site().assert_ok()
