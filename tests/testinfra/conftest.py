"""A scenario's server, seen from inside, from outside, and through runs of site.yml."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import testinfra
import yaml
from testinfra.host import Host

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "/opt/mlflow"
# Says which run is at work on a server.
RUN = "/var/lib/onprem-mlflow.run"
# The folder: a scenario may have the hosts of an example beside Molecule's own.
INVENTORY = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent
TLS = ("self_signed", "provided", "acme")
SECONDS_INTO_THE_TASK = 1.5
# Lines are kept back for a second.
SECONDS_UNTIL_LOGGED = 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the server of a scenario."""
    for item in items:
        item.add_marker(pytest.mark.scenario)


def begins(line: str, task: str) -> bool:
    """Tell whether a line of Ansible's output says that a task begins: includes are named without their role."""
    return re.match(rf"(TASK|RUNNING HANDLER) \[(\S+ : )?{re.escape(task)}", line) is not None


@dataclass
class PlayResult:
    """What a run of site.yml did."""

    returncode: int
    changed: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    output: str = ""
    seconds: float = 0.0

    @property
    def message(self) -> str:
        """Every failure in one line of text."""
        return " ".join(" ".join(self.messages).split())

    def assert_ok(self) -> None:
        assert self.returncode == 0, self.message or self.output[-4000:]


@dataclass(frozen=True)
class Container:
    """What tells whether a container was recreated or restarted."""

    identity: str
    started: str


@dataclass(frozen=True)
class Answer:
    """An answer of the proxy."""

    status: int
    headers: dict[str, str]
    body: bytes


def eventually(check: Callable[[], bool], seconds: int) -> bool:
    """Tell whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(2)
    return True


def kill_with_children(pid: int) -> None:
    """End a process and all that it started: Ansible's workers have sessions of their own, and outlive it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        os.kill(pid, signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):
        return
    for child in children:
        kill_with_children(int(child))


@dataclass(frozen=True)
class FrontDoor:
    """Where users come in: the inventory's first virtual host."""

    name: str
    port: int
    tls: bool

    @property
    def host(self) -> str:
        """What clients send as their Host header."""
        return self.name if self.port == (443 if self.tls else 80) else f"{self.name}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}"


class Platform:
    """The scenario's server, or one of several, and what was deployed on it."""

    def __init__(self, inventory: Path, group: str = "mlflow_tracking", number: int = 0) -> None:
        self.inventory = inventory
        listing = json.loads(self._ansible("ansible-inventory", "--list").stdout)
        self.name: str = listing[group]["hosts"][number]
        self.variables: dict[str, Any] = yaml.safe_load(self._ansible("ansible-inventory", "--host", self.name).stdout)
        # The lab server behind a name that the inventory has from elsewhere.
        self.machine: str = self.variables.get("ansible_host", self.name)
        self.host: Host = testinfra.get_host(f"docker://{self.machine}")

    def _ansible(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [program, "--inventory", str(self.inventory), *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    @property
    def store(self) -> str:
        """Where the scenario keeps artifacts: rustfs or local."""
        fixed = self.variables.get("mlflow_platform_artifact_store")
        return fixed if fixed in ("rustfs", "local") else os.environ.get("STORE") or "rustfs"

    @property
    def settings(self) -> dict[str, Any]:
        """The scenario's own variables."""
        internal = ("ansible_", "molecule_", "connection", "group_names", "inventory_")
        return {name: value for name, value in self.variables.items() if not name.startswith(internal)}

    @property
    def services(self) -> list[str]:
        return ["mysql", *(["rustfs"] if self.store == "rustfs" else []), "mlflow", "nginx"]

    @cached_property
    def address(self) -> str:
        """The server's address on the lab's network, where the controller and other containers reach it."""
        template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        command = ["docker", "inspect", "--format", template, self.machine]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    @property
    def front(self) -> FrontDoor:
        first = self.variables["nginx_virtual_hosts"][0]
        return FrontDoor(first["host_names"][0], int(first["port"]), first.get("tls") in TLS)

    @cached_property
    def authority(self) -> str:
        """The certificate of the authority that a self-signed front door hands out."""
        return str(self.host.file(f"{PROJECT}/config/nginx/tls/ca.pem").content_string)

    @cached_property
    def _front_context(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cadata=self.authority) if self.front.tls else None

    def site(self, *, check: bool = False, inventory: Path | None = None, **variables: Any) -> PlayResult:
        """Run site.yml with some variables set anew."""
        return self.play("site.yml", check=check, inventory=inventory, **variables)

    def assert_settled(self) -> None:
        """Neither a run in check mode nor one more run has anything to change."""
        for check in (True, False):
            result = self.site(check=check)
            result.assert_ok()
            assert result.changed == []

    def _command(self, playbook: str, words: Sequence[str], inventory: Path | None = None) -> list[str]:
        return ["ansible-playbook", "--inventory", str(inventory or self.inventory), playbook, *words]

    def play(
        self, playbook: str, *words: str, check: bool = False, inventory: Path | None = None, **variables: Any
    ) -> PlayResult:
        """Run a playbook with some variables set anew."""
        command = [*self._command(playbook, words, inventory), "--extra-vars", json.dumps(variables)]
        if check:
            command += ["--check", "--diff"]
        environment = os.environ | {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            "ANSIBLE_FORCE_COLOR": "false",
        }
        started = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        result = PlayResult(done.returncode, output=done.stdout + done.stderr, seconds=time.monotonic() - started)
        start = done.stdout.find("{")
        report = json.loads(done.stdout[start:]) if start >= 0 else {"plays": []}
        for play in report["plays"]:
            for task in play["tasks"]:
                for outcome in task["hosts"].values():
                    if outcome.get("changed"):
                        result.changed.append(task["task"]["name"])
                    if outcome.get("failed") and not outcome.get("ignore_errors"):
                        result.messages.append(str(outcome.get("msg", outcome)))
        if done.returncode and not result.messages:
            result.messages.append(done.stderr[-4000:])
        return result

    def play_until(
        self, playbook: str, task: str, *words: str, times: int = 1, seconds: float = SECONDS_INTO_THE_TASK
    ) -> list[str]:
        """Run a playbook and kill it with SIGKILL soon after a task began, which it has to; return what it printed."""
        printed = []
        with self.playing(playbook, *words) as process:
            for line in process.stdout or ():
                printed.append(line)
                if begins(line, task):
                    times -= 1
                    if not times:
                        time.sleep(seconds)
                        break
        assert times == 0, "".join(printed[-30:])
        return printed

    def play_meanwhile(self, playbook: str, task: str, act: Callable[[], object], *words: str) -> str:
        """Run a playbook, do something before the task after the named one begins, and return what was printed."""
        printed = []
        with self.playing(playbook, *words) as process:
            for line in process.stdout or ():
                printed.append(line)
                if begins(line, task):
                    # However long it takes: what runs already is a worker's, and goes on.
                    process.send_signal(signal.SIGSTOP)
                    act()
                    process.send_signal(signal.SIGCONT)
            process.wait()
        return "".join(printed)

    @contextmanager
    def playing(self, playbook: str, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Run a playbook in a session of its own, whose output is read while it runs."""
        with subprocess.Popen(
            self._command(playbook, words),
            cwd=ROOT,
            env=os.environ | {"ANSIBLE_FORCE_COLOR": "false", "ANSIBLE_NOCOLOR": "true"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    kill_with_children(process.pid)

    def compose(self, *arguments: str) -> str:
        return str(self.host.check_output("docker compose --project-directory %s " + " ".join(arguments), PROJECT))

    def container(self, service: str) -> dict[str, Any]:
        """What `docker inspect` says of a service's container."""
        inspected = json.loads(self.host.check_output("docker inspect %s", f"mlflow-{service}-1"))
        assert isinstance(inspected, list)
        return dict(inspected[0])

    def access_log(self) -> str:
        """What nginx has written of the requests until now."""
        time.sleep(SECONDS_UNTIL_LOGGED)
        return str(self.host.check_output("docker logs mlflow-nginx-1 2>/dev/null"))

    def containers(self) -> dict[str, Container]:
        found = {}
        for service in self.services:
            inspected = self.container(service)
            found[service] = Container(inspected["Id"], inspected["State"]["StartedAt"])
        return found

    def write(self, path: str, content: str) -> None:
        """Write a file on the server without putting its content on a command line."""
        command = ["docker", "exec", "--interactive", self.machine, "sh", "-c", 'umask 077; cat > "$1"', "sh", path]
        subprocess.run(command, input=content, text=True, check=True)

    def secret(self, name: str) -> str:
        """Read a secret as the operator would."""
        return str(self.host.file(f"{PROJECT}/secrets/{name}").content_string)

    def secrets(self) -> dict[str, str]:
        """Every secret there is: those on the server and those that only the inventory knows."""
        # The name of MLflow's key is no secret, and like any user name it stands in logs.
        command = "find %s/secrets -type f -not -name '.*' -printf '%%P\\n'"
        names = set(self.host.check_output(command, PROJECT).split()) - {"mlflow_s3_access_key"}
        found = {name: self.secret(name) for name in names}
        for virtual_host in self.variables["nginx_virtual_hosts"]:
            for user in virtual_host.get("users", []):
                if "password" in user:
                    found[f"password of {user['name']}"] = user["password"]
        for user in self.variables.get("mlflow_users", []):
            if "password" in user:
                found[f"password of {user['name']}"] = user["password"]
        return found

    def password(self, user: str) -> str:
        return self.secrets().get(f"password of {user}") or self.secret(f"nginx_user_{user}_password")

    def request(
        self,
        path: str,
        login: tuple[str, str] | None = None,
        *,
        method: str = "GET",
        host: str | None = None,
        port: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        context: ssl.SSLContext | None = None,
    ) -> Answer:
        """Send one request to the proxy as it stands: nothing is normalised on the way.

        Without a host it goes to the front door as the inventory has it, else over TLS with a context only.
        """
        if host is None and port is None:
            context = context or self._front_context
        host = host or self.front.host
        port = port or int(host.partition(":")[2] or self.front.port)
        sent = {"Host": host, **(headers or {})}
        if login:
            sent["Authorization"] = "Basic " + base64.b64encode(":".join(login).encode()).decode()
        connection = http.client.HTTPConnection(self.address, port, timeout=60)
        if context:
            stream = socket.create_connection((self.address, port), 60)
            connection.sock = context.wrap_socket(stream, server_hostname=host.partition(":")[0])
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        finally:
            connection.close()

    def login_status(self, user: str, password: str) -> int:
        """What the API answers to this login; 200 means that the database was asked, too."""
        return self.request("/api/2.0/mlflow/experiments/search?max_results=1", (user, password)).status


@pytest.fixture(scope="session")
def platform() -> Platform:
    return Platform(INVENTORY)


@pytest.fixture(scope="session")
def server(platform: Platform) -> Host:
    """The server from inside."""
    return platform.host


@contextmanager
def names_lead_to(address: str, names: Mapping[str, str] | tuple[str, ...]) -> Iterator[None]:
    """Let this process resolve the platform's host names, as its users' name server would."""
    original = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        return original(address if host in names else host, *arguments, **options)

    socket.getaddrinfo = resolve
    try:
        yield
    finally:
        socket.getaddrinfo = original


@pytest.fixture
def resolved(platform: Platform) -> Iterator[None]:
    names = tuple(name for host in platform.variables["nginx_virtual_hosts"] for name in host["host_names"])
    with names_lead_to(platform.address, names):
        yield
