# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker Engine's API on its socket, for what the command `docker` cannot say."""

from __future__ import annotations

import json
import socket
from http.client import HTTPConnection, HTTPException
from typing import Any

SOCKET = "/var/run/docker.sock"
SECONDS = 120


class DockerError(Exception):
    """An answer that is no success; the message is the engine's own."""

    def __init__(self, status: int, message: str) -> None:
        """Keep the status, 0 where there was no answer."""
        super().__init__(message)
        self.status = status


class _SocketConnection(HTTPConnection):
    """HTTP through a socket of the file system."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Docker:
    """The engine of this host."""

    def __init__(self, path: str = SOCKET) -> None:
        """Take the path of its socket."""
        self._path = path

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return the answer as JSON, None where it is empty; raise DockerError."""
        connection = _SocketConnection(self._path)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json"} if data else {})
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, HTTPException) as exc:
            raise DockerError(0, f"{self._path}: {exc}") from exc
        finally:
            connection.close()
        found = json.loads(text) if text.startswith(("{", "[")) else None
        if answer.status >= 400:
            raise DockerError(answer.status, (found or {}).get("message") or text or f"HTTP status {answer.status}")
        return found

    def container(self, name: str) -> dict[str, Any] | None:
        """Return what the engine knows of a container; None where there is none."""
        try:
            found: dict[str, Any] = self.ask("GET", f"/containers/{name}/json")
        except DockerError as exc:
            if exc.status == 404:
                return None
            raise
        return found
