# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disks, certificates and timers of a server, and its last backup."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.status_services import Ask

DAY = 86400.0
# Of the front door, of ACME and between servers, below the project's folder.
_CERTIFICATES = ("config/nginx/tls/*.pem", "config/nginx/tls/*.crt", "config/peers/*.pem", "secrets/nginx/acme/*.pem")
_FOLDERS = ("", "data", "backups")
# One measurement for each of so many days is kept, and growth is told over this time at most.
HISTORY_DAYS = 30
# Growth over less than this is noise.
_SHORTEST = DAY / 24


@dataclass(frozen=True)
class Disk:
    """A file system that has something of the platform; sizes in bytes."""

    paths: tuple[str, ...]
    used: int
    # For whoever is not root: what is kept back for root is neither.
    free: int
    # Bytes a day; None where it was not measured long enough ago.
    growth: float | None = None

    @property
    def used_percent(self) -> float:
        """Tell how full it is."""
        whole = self.used + self.free
        return round(100 * self.used / whole, 1) if whole else 0.0

    @property
    def days_left(self) -> float | None:
        """Tell when it is full if it goes on like this; None where that cannot be told or will not be."""
        return round(self.free / self.growth, 1) if self.growth and self.growth > 0 else None


def folders_of(project_dir: Path, more: Iterable[str]) -> list[str]:
    """Name the folders of a platform that may be on disks of their own, and more of them."""
    return [*(str(project_dir / folder) for folder in _FOLDERS), *more]


def disks_of(paths: Iterable[str]) -> list[Disk]:
    """Measure the file systems of folders; those that are not there are left out."""
    found: dict[int, list[str]] = {}
    for path in paths:
        if Path(path).exists():
            found.setdefault(Path(path).stat().st_dev, []).append(path)
    disks = []
    for group in found.values():
        usage = shutil.disk_usage(group[0])
        disks.append(Disk(tuple(group), usage.used, usage.free))
    return disks


def grown(history: Sequence[Mapping[str, Any]], path: str, used: int, now: float) -> float | None:
    """Return by how many bytes a day a disk has grown since the oldest measurement that is kept."""
    for item in history:
        before = (item.get("used") or {}).get(path)
        passed = now - float(item["time"])
        if before is not None and passed >= _SHORTEST:
            return (used - int(before)) / (passed / DAY)
    return None


def remembered(history: Sequence[Mapping[str, Any]], used: Mapping[str, int], now: float) -> list[dict[str, Any]]:
    """Add a measurement, the first one of each day, and forget old ones."""
    kept = [dict(item) for item in history if now - float(item["time"]) <= HISTORY_DAYS * DAY]
    if not kept or now // DAY > float(kept[-1]["time"]) // DAY:
        kept.append({"time": now, "used": dict(used)})
    return kept


@dataclass(frozen=True)
class Certificate:
    """A certificate on the server."""

    path: str
    names: tuple[str, ...]
    days: float


def certificate_files(project_dir: Path) -> list[Path]:
    """Find the files that certificates of a platform are in."""
    return [path for pattern in _CERTIFICATES for path in project_dir.glob(pattern)]


def certificates_of(paths: Iterable[Path], now: float) -> list[Certificate]:
    """Read the first certificate of each file; files without one are left out."""
    from cryptography import x509

    found = []
    for path in sorted(paths):
        content = path.read_bytes()
        start = content.find(b"-----BEGIN CERTIFICATE-----")
        if start < 0:
            continue
        certificate = x509.load_pem_x509_certificate(content[start:])
        # Without a zone in older releases of cryptography, which have no other way.
        ends = certificate.not_valid_after.replace(tzinfo=timezone.utc).timestamp()
        found.append(Certificate(str(path), _names(certificate), round((ends - now) / DAY, 1)))
    return found


def _names(certificate: Any) -> tuple[str, ...]:
    from cryptography import x509

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return (certificate.subject.rfc4514_string(),)
    return tuple(str(name.value) for name in extension.value)


@dataclass(frozen=True)
class Timer:
    """A timer of systemd, and how what it starts ended last."""

    unit: str
    active: bool
    # `success`, or how it ended.
    result: str


def timers_of(project: str, ask: Ask) -> list[Timer]:
    """List the platform's timers."""
    status, text = ask(["systemctl", "list-unit-files", "--no-legend", "--plain", f"{project}-*.timer"])
    timers = []
    for line in text.splitlines() if status == 0 else []:
        unit = line.split()[0]
        service = unit.replace(".timer", ".service")
        _status, active = ask(["systemctl", "is-active", unit])
        _status, result = ask(["systemctl", "show", "--property=Result", "--value", service])
        timers.append(Timer(unit, active == "active", result or "unknown"))
    return timers


@dataclass(frozen=True)
class LastBackup:
    """The last good backup, and why a later one was none."""

    snapshot: str
    hours: float
    checked: bool
    objects: int
    error: str


def last_backup(path: Path, now: float) -> LastBackup | None:
    """Read what the last backups told; None where there are none."""
    if not path.exists():
        return None
    told = json.loads(path.read_text(encoding="utf-8"))
    good, last = told.get("good") or {}, told.get("last") or {}
    hours = (now - datetime.fromisoformat(good["started"]).timestamp()) / 3600 if good else -1.0
    return LastBackup(
        str(good.get("snapshot", ""))[:8],
        round(hours, 1),
        bool(good.get("checked")),
        int(good.get("objects", 0)),
        "" if last.get("ok") else str(last.get("error", "")),
    )
