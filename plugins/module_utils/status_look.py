# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a platform on one server, put together from what the server knows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.onprem.mlflow.plugins.module_utils import status_server, status_services
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_settings import SETTINGS, STATE
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_store import address_of
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import check_bucket, client, store_of
from ansible_collections.onprem.mlflow.plugins.module_utils.status_report import problems_of
from ansible_collections.onprem.mlflow.plugins.module_utils.status_services import Ask, Service

HISTORY = "status/history.json"


def look(
    project_dir: Path, project: str, paths: Sequence[str], limits: Mapping[str, float], now: float, ask: Ask
) -> dict[str, Any]:
    """Return the state of the platform; nothing is changed."""
    services = status_services.services_of(project, ask)
    history = read_history(project_dir)
    disks = []
    for disk in status_server.disks_of(status_server.folders_of(project_dir, paths)):
        whole = replace(disk, growth=status_server.grown(history, disk.paths[0], disk.used, now))
        disks.append({**asdict(whole), "used_percent": whole.used_percent, "days_left": whole.days_left})
    backup = status_server.last_backup(project_dir / STATE, now)
    certificates = status_server.certificate_files(project_dir)
    status: dict[str, Any] = {
        "project": project,
        "services": [describe(service, ask) for service in services],
        "missing": missing(project_dir, services, ask),
        "checks": bucket_checks(project_dir, project, services),
        "disks": disks,
        "certificates": [asdict(item) for item in status_server.certificates_of(certificates, now)],
        "timers": [asdict(timer) for timer in status_server.timers_of(project, ask)],
        "backs_up": (project_dir / SETTINGS).exists(),
        "backup": asdict(backup) if backup else None,
    }
    status["problems"] = problems_of(status, limits)
    return status


def describe(service: Service, ask: Ask) -> dict[str, Any]:
    """Tell all of a service."""
    return {
        "name": service.name,
        "state": service.state,
        "image": service.image,
        "version": status_services.version(service, ask),
        "since": service.since,
        "restarts": service.restarts,
        "problem": status_services.health(service, ask),
    }


def missing(project_dir: Path, services: Sequence[Service], ask: Ask) -> list[str]:
    """Name the services that the project has and the engine has not."""
    status, text = ask(["docker", "compose", "--project-directory", str(project_dir), "config", "--services"])
    wanted = set(text.split()) if status == 0 else set()
    return sorted(wanted - {service.name for service in services})


def bucket_checks(project_dir: Path, project: str, services: Sequence[Service]) -> list[dict[str, str]]:
    """Ask for the bucket with MLflow's own key, where MLflow runs and its artifacts are in one."""
    place = project_dir / "config/artifact_store.json"
    keys = [project_dir / "secrets" / name for name in ("mlflow_s3_access_key", "mlflow_s3_secret_key")]
    if not place.exists() or not all(key.exists() for key in keys):
        return []
    told = json.loads(place.read_text(encoding="utf-8"))
    name = f"bucket {told['bucket']}"
    try:
        store = store_of(
            {
                "endpoint_url": reached(told["endpoint_url"], project, services),
                "access_key": keys[0].read_text(encoding="utf-8"),
                "secret_key": keys[1].read_text(encoding="utf-8"),
                "ca_certificate": certificate_of(project_dir),
            },
            "status",
        )
        check_bucket(client(store), store, told["bucket"], "status")
    except InputError as error:
        return [{"name": name, "answer": "", "problem": str(error).rstrip(".")}]
    return [{"name": name, "answer": f"is there, at {told['endpoint_url']}", "problem": ""}]


def reached(url: str, project: str, services: Sequence[Service]) -> str:
    """Return the address at which the server itself reaches an object store of the project's."""
    parts = urlsplit(url)
    if parts.hostname not in {service.name for service in services}:
        return url
    address = address_of(f"{project}-{parts.hostname}-1", f"{project}_back")
    return f"{parts.scheme}://{address}:{parts.port}"


def certificate_of(project_dir: Path) -> str:
    """Return the file with the authority of the object store; empty where there is none."""
    path = project_dir / "config/mlflow/s3_ca.pem"
    return str(path) if path.exists() else ""


def read_history(project_dir: Path) -> list[dict[str, Any]]:
    """Read what was measured on former days."""
    path = project_dir / HISTORY
    if not path.exists():
        return []
    read: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return read


def remember(project_dir: Path, status: Mapping[str, Any], now: float) -> None:
    """Keep today's measurement of the disks."""
    used = {disk["paths"][0]: disk["used"] for disk in status["disks"]}
    before = read_history(project_dir)
    kept = status_server.remembered(before, used, now)
    if kept == before:
        return
    path = project_dir / HISTORY
    path.parent.mkdir(mode=0o755, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(kept) + "\n", encoding="utf-8")
    new.replace(path)
