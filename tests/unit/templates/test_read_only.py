"""While MLflow can be read only: the rendered configuration in the real nginx, before a server that takes anything."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools import debian_packages

if TYPE_CHECKING:
    from .conftest import Rendered

HERE = Path(__file__).resolve().parent
# Every route of MLflow's Flask and FastAPI applications whose method is not GET.
ROUTES = (HERE / "fixtures" / "mlflow-3.17.2-routes.txt").read_text(encoding="utf-8").splitlines()
READING = {
    "graphql",
    "experiments/search",
    "experiments/search-datasets",
    "runs/search",
    "logged-models/search",
    "registered-models/get-latest-versions",
    "datasets/search",
    "issues/search",
    "traces/search",
    "traces/batchGetInfos",
    "traces/calculate-filter-correlation",
    "traces/metrics",
}
# Denied, or answered with 404, whether MLflow can be written or not.
NEVER_SERVED = re.compile(
    r"^/(?:ajax-)?api/[^/]+/(?:mlflow/assistant|(?:mlflow/(?:prompt-optimization/)?)?jobs|mlflow-artifacts/mpu/|mlflow/artifacts/presigned)"
)
LOGIN = "Basic " + base64.b64encode(b"anna:hush").decode()
# Quick to check, unlike a hash.
USERS = "anna:{PLAIN}hush\n"


class Upstream(BaseHTTPRequestHandler):
    """Answers 200 to any request."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"ok")

    do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep silent."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Proxy:
    """The nginx that runs, and what its configuration was rendered with."""

    port: int
    health_port: int
    host: str
    prefix: str

    def ask(self, method: str, path: str, *, login: str = LOGIN, accept: str = "*/*", port: int = 0) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=10)
        headers = {"Host": self.host, "Accept": accept, **({"Authorization": login} if login else {})}
        body = b"x" if method in ("POST", "PUT", "PATCH") else None
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def write(self, accept: str = "*/*") -> Answer:
        return self.ask("POST", f"{self.prefix}/api/2.0/mlflow/runs/create", accept=accept)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def configuration(rendered: Rendered, folder: Path, ports: dict[str, int], upstream: int) -> str:
    """Let the configuration find its files and its server here, and listen on free ports."""
    nginx = Path(debian_packages.nginx()[-1]).parents[2] / "etc" / "nginx"
    places = {"/etc/nginx/platform": folder, "/etc/nginx": nginx, "/tmp": folder, "/dev/stdout": folder / "access.log"}
    # All at once: the folder may lie below /tmp itself.
    pattern = re.compile(r"(?<=[ :])(" + "|".join(places) + r")(?=[/; ])")
    text = pattern.sub(lambda match: str(places[match[1]]), rendered.text("nginx", "nginx.conf"))
    text = text.replace("mlflow:5000", f"127.0.0.1:{upstream}")
    for port, other in ports.items():
        text = re.sub(rf"listen {port}\b", f"listen 127.0.0.1:{other}", text)
    return text


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module", params=["virtual_hosts", "hostile"])
def proxy(
    request: pytest.FixtureRequest,
    rendered_cases: dict[str, Rendered],
    upstream: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Proxy]:
    """Start nginx with a case that is read only; one of them has a static prefix."""
    rendered = rendered_cases[request.param]
    folder = tmp_path_factory.mktemp("nginx")
    hosts = rendered.variables["nginx_virtual_hosts"]
    ports = {str(port): free_port() for port in {15080, *(host["port"] for host in hosts)}}
    (folder / "htpasswd").mkdir()
    for host in hosts:
        (folder / "htpasswd" / f"{host['host_names'][0]}_{host['port']}").write_text(USERS, encoding="utf-8")
    for page in ("onprem-read-only.html", "onprem-read-only.json"):
        (folder / page).write_text(rendered.text("nginx", page), encoding="utf-8")
    path = folder / "nginx.conf"
    path.write_text(configuration(rendered, folder, ports, upstream), encoding="utf-8")
    command = [*debian_packages.nginx(), "-p", str(folder), "-c", str(path), "-e", "stderr"]
    process = subprocess.Popen([*command, "-g", "daemon off; user root;"], stderr=subprocess.PIPE, text=True)
    proxy = Proxy(
        port=ports[str(hosts[0]["port"])],
        health_port=ports["15080"],
        host=hosts[0]["host_names"][0],
        prefix=str(rendered.variables.get("nginx_static_prefix", "")),
    )
    try:
        wait_until_listening(process, proxy.health_port)
        yield proxy
    finally:
        process.terminate()
        process.communicate(timeout=20)


def wait_until_listening(process: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"nginx does not listen on port {port}")


def concrete(path: str) -> str:
    """Fill the parameters of a route."""
    return re.sub(r"<[^>]*>", "x1", path)


def reads(method: str, path: str) -> bool:
    name = re.sub(r"^/(?:(?:ajax-)?api/[0-9.]+/mlflow/)?", "", path)
    return method == "POST" and name in READING


@pytest.mark.parametrize("route", ROUTES)
def test_each_route_of_mlflow(proxy: Proxy, route: str) -> None:
    method, _, path = route.partition(" ")
    answer = proxy.ask(method, proxy.prefix + concrete(path))
    if NEVER_SERVED.match(path) or (path.startswith("/gateway/") and not proxy.prefix):
        assert answer.status in (403, 404)
    else:
        assert answer.status == (200 if reads(method, path) else 503)


@pytest.mark.parametrize("name", sorted(READING))
def test_each_reading_route_is_one_of_mlflow(name: str) -> None:
    assert any(route.startswith("POST ") and route.endswith(f"/{name}") for route in ROUTES)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/", "/api/2.0/mlflow/runs/get?run_id=x", "/api/2.0/mlflow-artifacts/artifacts/a/b"])
def test_reading_goes_on(proxy: Proxy, method: str, path: str) -> None:
    assert proxy.ask(method, proxy.prefix + path).status == 200


@pytest.mark.parametrize(
    "path", ["/api/2.0/mlflow/runs/search/../create", "/api/2.0/mlflow/runs/search%2f..%2fcreate", "/v1/traces"]
)
def test_no_way_round(proxy: Proxy, path: str) -> None:
    assert proxy.ask("POST", proxy.prefix + path).status == 503


def test_the_password_is_asked_for_first(proxy: Proxy) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = proxy.ask(method, f"{proxy.prefix}/api/2.0/mlflow/runs/create", login="")
        assert (answer.status, "retry-after" in answer.headers) == (401, False)


def test_clients_get_an_error_of_mlflow(proxy: Proxy) -> None:
    answer = proxy.write()
    assert answer.status == 503
    assert answer.headers["retry-after"] == "60"
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert json.loads(answer.body)["error_code"] == "TEMPORARILY_UNAVAILABLE"


def test_browsers_get_a_page(proxy: Proxy) -> None:
    answer = proxy.write("text/html,application/xhtml+xml,*/*;q=0.8")
    assert answer.status == 503
    assert answer.headers["retry-after"] == "60"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert b"<h1>MLflow can be read only</h1>" in answer.body


def test_the_pages_cannot_be_asked_for(proxy: Proxy) -> None:
    assert proxy.ask("GET", "/onprem-read-only.json").status == 404
    assert proxy.ask("GET", "/onprem-read-only").status == 404


def test_health_is_as_ever(proxy: Proxy) -> None:
    assert proxy.ask("GET", "/health", login="", port=proxy.health_port).status == 200
