# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the platform knows of itself, as metrics in a file for node-exporter.

Run by a timer on the server, without Ansible: `python3 -m …monitoring_collect PROJECT_DIR`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils import status_server, status_services
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_settings import SETTINGS as BACKUP_SETTINGS
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_settings import STATE as BACKUP_STATE
from ansible_collections.onprem.mlflow.plugins.module_utils.monitoring_requests import Counted, count_on
from ansible_collections.onprem.mlflow.plugins.module_utils.monitoring_text import Family, Sample, exposition
from ansible_collections.onprem.mlflow.plugins.module_utils.status_services import Ask, Service

# Below the project's folder.
SETTINGS = "config/monitoring/settings.json"
METRICS = "data/monitoring/metrics/platform.prom"
COUNTS = "data/monitoring/requests.json"
# What makes a folder a disk of the object store; one that is being filled has it at the end.
IDENTITY = ".rustfs.sys/format.json"


def main() -> None:
    """Write the metrics of the platform in the folder that is named."""
    folder, now = Path(sys.argv[1]), time.time()
    settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    ask = status_services.ask_engine
    services = status_services.services_of(settings["project"], ask)
    counted = count_on(read_counts(folder), [item.container for item in services if item.name == "nginx"], now, ask)
    families = [
        *families_of_services(services, settings["services"]),
        *families_of_disks(status_server.folders_of(folder, settings["paths"])),
        *families_of_store(settings["store_disks"]),
        *families_of_certificates(folder, now),
        *families_of_timers(settings["project"], ask),
        *families_of_backups(folder, now),
        Family("requests_total", "Answers of the proxy.", samples("class", counted.answers), "counter"),
        Family("collected_timestamp_seconds", "When this was found out.", [({}, now)]),
    ]
    replace(folder / METRICS, exposition(families))
    # Last: a run that is killed counts again what nobody has seen.
    replace(folder / COUNTS, json.dumps(asdict(counted)))


def samples(label: str, values: Mapping[str, float]) -> list[Sample]:
    """Return a sample for each value."""
    return [({label: name}, float(value)) for name, value in values.items()]


def families_of_services(services: Sequence[Service], wanted: Sequence[str]) -> list[Family]:
    """Tell of each service whether it works; one without a container does not."""
    works = {item.name: item.state == "running" and item.checked in ("", "healthy") for item in services}
    works = {**dict.fromkeys(wanted, False), **works}
    return [
        Family("service_works", "Whether a service runs and passes its own check.", samples("service", works)),
        Family(
            "service_restarts_total",
            "How often the engine has started a container anew.",
            samples("service", {item.name: item.restarts for item in services}),
            "counter",
        ),
    ]


def families_of_disks(paths: Sequence[str]) -> list[Family]:
    """Tell the room of each disk, named after the first folder that is on it."""
    disks = status_server.disks_of(paths)
    return [
        Family("disk_used_bytes", "Used bytes.", samples("path", {disk.paths[0]: disk.used for disk in disks})),
        Family(
            "disk_free_bytes",
            "Free bytes for whoever is not root.",
            samples("path", {disk.paths[0]: disk.free for disk in disks}),
        ),
    ]


def families_of_store(disks: Sequence[str]) -> list[Family]:
    """Tell which disks the object store has: it counts an empty folder in the place of one that is lost as online."""
    works = samples("path", {disk: is_whole(Path(disk)) for disk in disks})
    return [Family("store_disk_works", "Whether a disk of the object store is one, and can be written.", works)]


def is_whole(disk: Path) -> bool:
    """Tell whether a disk has its identity; a kernel that has seen errors lets nobody write."""
    try:
        return (disk / IDENTITY).is_file() and not os.statvfs(disk).f_flag & os.ST_RDONLY
    except OSError:
        return False


def families_of_certificates(folder: Path, now: float) -> list[Family]:
    """Tell for how long each certificate is good."""
    paths = status_server.certificate_files(folder)
    found = status_server.certificates_of(paths, now) if paths else []
    labelled: list[Sample] = [
        ({"path": str(Path(item.path).relative_to(folder)), "names": ", ".join(item.names)}, item.days)
        for item in found
    ]
    return [Family("certificate_days", "For how many days a certificate is good.", labelled)]


def families_of_timers(project: str, ask: Ask) -> list[Family]:
    """Tell of each timer whether it runs, and whether what it starts has failed."""
    timers = status_server.timers_of(project, ask)
    return [
        Family("timer_runs", "Whether a timer runs.", samples("timer", {item.unit: item.active for item in timers})),
        Family(
            "timer_failed",
            "Whether what a timer starts ended badly.",
            samples("timer", {item.unit: item.result != "success" for item in timers}),
        ),
    ]


def families_of_backups(folder: Path, now: float) -> list[Family]:
    """Tell of the backups where this server takes some."""
    if not (folder / BACKUP_SETTINGS).exists():
        return []
    last = status_server.last_backup(folder / BACKUP_STATE, now)
    there = last is not None and bool(last.snapshot)
    families = [Family("backup_there", "Whether there is a good backup.", [({}, float(there))])]
    if last is None:
        return families
    families.append(Family("backup_failed", "Whether the last backup failed.", [({}, float(bool(last.error)))]))
    if there:
        families += [
            Family("backup_age_hours", "Age of the last good backup.", [({}, last.hours)]),
            Family("backup_checked", "Whether the last good backup was checked.", [({}, float(last.checked))]),
            Family("backup_objects", "Artifacts in the last good backup.", [({}, float(last.objects))]),
        ]
    return families


def read_counts(folder: Path) -> Counted | None:
    """Read what was counted before."""
    path = folder / COUNTS
    if not path.exists():
        return None
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Counted(int(told["until"]), told["answers"])


def replace(path: Path, text: str) -> None:
    """Write a file that whoever reads it finds whole; node-exporter reads no others than *.prom."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.chmod(0o644)
    new.replace(path)


if __name__ == "__main__":
    main()
