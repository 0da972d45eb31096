"""Prometheus as its users reach it: through the front door, with their password."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from ..conftest import Answer, Platform

NAME = "prometheus.lab:15443"
WATCHER = "watcher"
WATCHES = ("prometheus", "node-exporter", "nginx-exporter", "mysqld-exporter")


@dataclass(frozen=True)
class Prometheus:
    """Its API."""

    platform: Platform

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.platform.authority)

    @cached_property
    def _login(self) -> tuple[str, str]:
        return WATCHER, self.platform.password(WATCHER)

    def ask(self, path: str, login: tuple[str, str] | None) -> Answer:
        """Send one request as somebody."""
        return self.platform.request(path, login, host=NAME, context=self._context)

    def get(self, path: str) -> Any:
        """Return the data of an answer."""
        answer = self.ask(path, self._login)
        told = json.loads(answer.body)
        assert answer.status == 200, told
        return told["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that an expression has now."""
        return list(self.get(f"/api/v1/query?query={quote(expression)}")["result"])

    def value(self, expression: str) -> float | None:
        """Return the value of the first series."""
        found = self.query(expression)
        return float(found[0]["value"][1]) if found else None

    def targets(self) -> dict[str, str]:
        """Return the health of each job's target."""
        return {target["labels"]["job"]: target["health"] for target in self.get("/api/v1/targets")["activeTargets"]}

    def raised(self) -> dict[str, str]:
        """Return the state of each alert that waits or is raised; of several the one that is."""
        alerts = self.get("/api/v1/alerts")["alerts"]
        return dict(sorted((alert["labels"]["alertname"], alert["state"]) for alert in alerts)[::-1])


@pytest.fixture(scope="session")
def prometheus(platform: Platform) -> Prometheus:
    return Prometheus(platform)
