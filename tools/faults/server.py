"""The lab server that faults are made on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from tools.faults.door import PASSWORD_VARIABLE, USER_VARIABLE, Door

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "/opt/mlflow"
SETTLED_SECONDS = 300
UPLOAD_SECONDS = 120
# In a row: a service that answers once and falls over has not come back.
ANSWERS = 3
ADDRESS = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"


class FaultError(Exception):
    """A fault could not be made, or what is to be there before it is not."""


class Server:
    """A lab server with the whole platform on it, one virtual host without TLS and a user `admin`."""

    client: subprocess.Popen[bytes]

    def __init__(self, inventory: Path, folder: Path) -> None:
        self.inventory = inventory
        self.folder = folder
        host = json.loads(self._inventory("--list"))["mlflow_tracking"]["hosts"][0]
        self.variables: dict[str, Any] = json.loads(self._inventory("--host", host))
        self.machine = str(self.variables.get("ansible_host", host)).replace("{{ inventory_hostname }}", host)
        virtual_host = self.variables["nginx_virtual_hosts"][0]
        self.door = Door(virtual_host["host_names"][-1], int(virtual_host["port"]), folder / "address")
        self.note_address()
        os.environ["MLFLOW_TRACKING_URI"] = self.door.url
        os.environ[USER_VARIABLE] = "admin"
        os.environ[PASSWORD_VARIABLE] = self.sh(f"cat {PROJECT}/secrets/nginx_user_admin_password")
        self.journal = folder / "journal.jsonl"
        self.uploads: list[subprocess.Popen[bytes]] = []

    def _inventory(self, *words: str) -> str:
        command = ["ansible-inventory", "--inventory", str(self.inventory), *words]
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout

    def sh(self, script: str) -> str:
        """Run a script on the server and return what it printed."""
        command = ["docker", "exec", "--interactive", self.machine, "bash", "-euo", "pipefail", "-s"]
        done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
        if done.returncode:
            raise FaultError(f"{script}: exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return done.stdout

    def machine_do(self, verb: str) -> None:
        """Restart, kill or start the server itself; it may have another address afterwards."""
        subprocess.run(["docker", verb, self.machine], check=True, capture_output=True)
        if verb != "kill":
            self.note_address()

    def note_address(self) -> None:
        """Let clients know at what address the server is."""
        command = ["docker", "inspect", "--format", ADDRESS, self.machine]
        address = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        # Replaced whole: the clients read it all the time.
        new = self.folder / "address.new"
        new.write_text(address, encoding="utf-8")
        new.rename(self.folder / "address")

    def compose(self, *words: str) -> str:
        return self.sh(f"docker compose --project-directory {PROJECT} --progress quiet {' '.join(words)}")

    @cached_property
    def services(self) -> list[str]:
        return sorted(self.compose("config", "--services").split())

    @property
    def has_rustfs(self) -> bool:
        return "rustfs" in self.services

    def pid(self, service: str) -> int:
        """Return the process of a service, as the server sees it."""
        return int(self.sh(f"docker inspect --format '{{{{.State.Pid}}}}' mlflow-{service}-1"))

    def kill(self, pids: Sequence[int]) -> None:
        """Kill processes themselves: `docker kill` counts as the operator's wish, after which nothing is restarted."""
        self.sh(f"kill -KILL {' '.join(map(str, pids))}")

    def site(self) -> None:
        """Run site.yml, as the operator would."""
        environment = os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "false"}
        command = ["ansible-playbook", "--inventory", str(self.inventory), "site.yml"]
        if "mlflow_platform_artifact_store" not in self.variables:
            store = "rustfs" if self.has_rustfs else "local"
            command += ["--extra-vars", f"mlflow_platform_artifact_store={store}"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise FaultError(f"site.yml: exit code {done.returncode}\n{done.stdout[-4000:]}")

    @property
    def client_command(self) -> list[str]:
        """Return how a client is started that writes down what it logs."""
        door = self.door
        module = [sys.executable, "-m", "tools.faults.client"]
        return [*module, door.name, str(door.port), str(door.address_file), str(self.journal)]

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Have a client log until the block ends, from its first entry on."""
        log = self.folder / "client.log"
        with (
            log.open("wb") as stream,
            subprocess.Popen(self.client_command, cwd=ROOT, stdout=stream, stderr=stream) as self.client,
        ):
            try:
                deadline = time.monotonic() + UPLOAD_SECONDS
                while not self.journal.exists() or not self.journal.stat().st_size:
                    self.expect_client(time.monotonic() < deadline)
                    time.sleep(0.5)
                yield
                self.expect_client()
            finally:
                self.client.terminate()

    def expect_client(self, in_time: bool = True) -> None:
        """End where the client does not log: without it nothing could be missing."""
        if not in_time or self.client.poll() is not None:
            raise FaultError("the client does not log\n" + (self.folder / "client.log").read_text()[-2000:])

    def begin_upload(self, size: int) -> None:
        """Have a client of its own upload an artifact, and return when MLflow has half of it."""
        # Where it arrives: on its way to the object store, or in its place already.
        folder = f"{PROJECT}/data/{'mlflow-spool' if self.has_rustfs else 'artifacts'}"
        others = self._sizes(folder).keys()
        command = [*self.client_command, f"--upload={size}"]
        self.uploads.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        deadline = time.monotonic() + UPLOAD_SECONDS
        while all(path in others or count < size // 2 for path, count in self._sizes(folder).items()):
            if self.uploads[-1].poll() is not None:
                raise FaultError("the upload has ended before MLflow was seen to have half of it")
            if time.monotonic() > deadline:
                raise FaultError(f"MLflow does not have half of the upload after {UPLOAD_SECONDS} s")

    def _sizes(self, folder: str) -> dict[str, int]:
        """Return how many bytes each file of a folder has: an upload that was given up may still be there."""
        lines = self.sh(f"find {folder} -ignore_readdir_race -type f -printf '%s %p\\n'").splitlines()
        return {path: int(size) for size, _, path in (line.partition(" ") for line in lines)}

    def end_uploads(self) -> None:
        """Wait until all uploads were answered or given up."""
        while self.uploads:
            self.uploads.pop().wait(UPLOAD_SECONDS)

    def unhealthy(self) -> list[str]:
        """Return the services that the engine does not call healthy: all of them where it does not answer."""
        try:
            lines = self.compose("ps", "--all", "--format", "'{{.Service}} {{.Health}}'").splitlines()
        except FaultError:
            return self.services
        healthy = {line.split()[0] for line in lines if line.endswith(" healthy")}
        return [service for service in self.services if service not in healthy]

    def settle(self) -> None:
        """Wait until the engine calls all services healthy."""
        deadline = time.monotonic() + SETTLED_SECONDS
        while (found := self.unhealthy()) and time.monotonic() < deadline:
            time.sleep(1)
        if found:
            raise FaultError(f"after {SETTLED_SECONDS} s not healthy: {', '.join(found)}")
