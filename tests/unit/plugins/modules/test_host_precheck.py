# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The look at this very machine."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.modules import host_precheck

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(run_module: Callable[..., dict[str, Any]]) -> Run:
    def call(**args: Any) -> dict[str, Any]:
        return run_module(host_precheck.main, args)

    return call


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


class Refusing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(401)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def refusing_server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v2/"
        server.shutdown()
        thread.join()


def test_port_in_use_names_the_process(run: Run, taken_port: int) -> None:
    result = run(ports=[{"port": taken_port, "variable": "nginx_virtual_hosts", "project": "mlflow"}])

    assert result["failed"]
    assert result["problems"] == [result["msg"]]
    assert f"nginx_virtual_hosts: port {taken_port} is in use by" in result["msg"]
    assert f"(process {os.getpid()})" in result["msg"]


def test_nothing_to_complain_about(run: Run, free_port: int, refusing_server: str, tmp_path: Path) -> None:
    result = run(
        ports=[{"port": free_port, "address": "127.0.0.1", "variable": "a"}],
        disks=[{"path": str(tmp_path / "not" / "there"), "min_free_bytes": 1, "variable": "b"}],
        urls=[{"url": refusing_server, "variable": "c"}],
        distribution={"id": "Debian", "version": "13", "supported": {"debian": ["13"]}},
    )

    assert (result["changed"], result["problems"]) == (False, [])


def test_all_problems_are_told_at_once(run: Run, taken_port: int, free_port: int) -> None:
    result = run(
        ports=[
            {"port": taken_port, "variable": "a"},
            {"port": taken_port, "variable": "a"},
            {"port": 80, "address": "lo", "variable": "e"},
        ],
        disks=[{"path": "/nowhere/at/all", "min_free_bytes": 1 << 60, "variable": "b"}],
        urls=[
            {"url": f"http://127.0.0.1:{free_port}/", "variable": "c"},
            {"url": "http://no-such-host.invalid/", "variable": "d"},
            {"url": "nonsense", "variable": "f"},
        ],
        distribution={"id": "Alpine", "version": "3", "supported": {"debian": ["13"]}},
        timeout=5,
    )

    assert [problem.split(" ")[0] for problem in result["problems"]] == ["This", "e:", "a:", "b:", "c:", "d:", "f:"]
    assert result["msg"].split("\n") == result["problems"]
