# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of the options of monitoring. All of them are pure and return sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

SERVICES = ("prometheus", "grafana")
# What a number is, and from where to where it goes.
_NUMBERS = {
    "monitoring_scrape_seconds": (5, 300),
    "monitoring_retention_days": (1, 3650),
    "monitoring_disk_percent": (1, 100),
    "monitoring_disk_days": (1, 365),
    "monitoring_certificate_days": (1, 365),
    "monitoring_backup_hours": (1, 8760),
    "monitoring_error_percent": (1, 100),
}

_SIZE = re.compile(r"[1-9][0-9]*(MB|GB|TB)")
_HOST_AND_PORT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:[0-9]{1,5}")


def check_monitoring(values: Mapping[str, Any]) -> list[str]:
    """Complain about numbers that cannot be, and about virtual hosts with nothing behind them."""
    problems = [
        f"{name}: found {values[name]}, write a number from {low} to {high}."
        for name, (low, high) in _NUMBERS.items()
        if isinstance(values.get(name), int) and not low <= values[name] <= high
    ]
    size = str(values.get("monitoring_retention_size") or "")
    if size and not _SIZE.fullmatch(size):
        problems.append(f"monitoring_retention_size: found {size!r}, write a size such as 5GB, or '' for no limit.")
    problems += [
        f"monitoring_alertmanagers: found {str(place)!r}, write host and port, such as alerts.example.org:9093."
        for place in values.get("monitoring_alertmanagers") or []
        if not _HOST_AND_PORT.fullmatch(str(place))
    ]
    enabled = values.get("monitoring_enabled", values.get("mlflow_platform_monitoring"))
    grafana = values.get("monitoring_grafana", True)
    running = {"prometheus": bool(enabled), "grafana": bool(enabled and grafana)}
    problems += _check_hosts("nginx_virtual_hosts", values.get("nginx_virtual_hosts") or [], running)
    return problems


def _check_hosts(
    variable: str, hosts: Sequence[Mapping[str, Any] | None], running: Mapping[str, bool]
) -> Iterator[str]:
    for index, host in enumerate(hosts):
        service = (host or {}).get("service")
        if host is None or service not in SERVICES:
            continue
        path = f"{variable}[{index}]"
        if not running[service]:
            wish = "mlflow_platform_monitoring: true"
            wish += " and monitoring_grafana: true" if service == "grafana" else ""
            yield f"{path}.service: found {service!r}, which does not run, remove this virtual host, or write {wish}."
        if service == "prometheus" and not host.get("users"):
            yield f"{path}.users: is missing or empty, but Prometheus asks nobody for a password, write who may log in."
        if service == "grafana" and host.get("users"):
            yield (
                f"{path}.users: Grafana asks for its own users, in the header that these passwords need, remove them,"
                " and write allow to say from where it can be reached."
            )
