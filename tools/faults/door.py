"""The front door of a lab server, whose address may be another one after a restart."""

from __future__ import annotations

import base64
import http.client
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
USER_VARIABLE = "MLFLOW_TRACKING_USERNAME"
PASSWORD_VARIABLE = "MLFLOW_TRACKING_PASSWORD"  # noqa: S105 - its name


@dataclass(frozen=True)
class Door:
    """Name and port that clients type, and the file that says at what address the name is now."""

    name: str
    port: int
    address_file: Path

    @property
    def url(self) -> str:
        return f"http://{self.name}:{self.port}"

    @property
    def address(self) -> str:
        return self.address_file.read_text(encoding="utf-8")

    def request(
        self, method: str, path: str, body: bytes | None = None, *, timeout: float, headers: Mapping[str, str] = {}
    ) -> tuple[int, bytes]:
        """Send one request on a connection of its own, as the user of the environment."""
        login = base64.b64encode(f"{os.environ[USER_VARIABLE]}:{os.environ[PASSWORD_VARIABLE]}".encode()).decode()
        connection = http.client.HTTPConnection(self.address, self.port, timeout=timeout)
        try:
            sent = {"Host": f"{self.name}:{self.port}", "Authorization": f"Basic {login}", **headers}
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def resolve(self) -> None:
        """Let this process find the name, as its users' name server would."""
        original = socket.getaddrinfo

        def lookup(host: Any, *arguments: Any, **options: Any) -> Any:
            return original(self.address if host == self.name else host, *arguments, **options)

        socket.getaddrinfo = lookup
