"""The machine's Docker engine: used where it runs, installed and started where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import docker
from docker.errors import DockerException

from lab import cache, command
from lab.console import Console
from lab.errors import LabError

# A build step may be silent for as long as its slowest command.
CLIENT_TIMEOUT = 3600
START_TIMEOUT = 60
SOCKET = Path("/var/run/docker.sock")


def answering() -> docker.DockerClient | None:
    """Return a client of the running engine, or None where nothing answers."""
    try:
        client = docker.from_env(timeout=CLIENT_TIMEOUT)
        client.ping()
    except (DockerException, OSError):
        return None
    return client


def connect() -> docker.DockerClient:
    """Return a client of the engine that must be running."""
    client = answering()
    if client is None:
        raise LabError("No Docker engine answers; run `python -m lab up`, which installs and starts one.")
    return client


def ensure(console: Console) -> docker.DockerClient:
    """Return a client of the machine's engine, after installing and starting it where needed."""
    with console.step("engine") as step:
        client = answering()
        if client is None:
            client = _bring_up()
            step.result("started")
        else:
            step.result("running")
        if shutil.which("docker") is None:
            _install_client()
        return client


def _bring_up() -> docker.DockerClient:
    if os.environ.get("DOCKER_HOST"):
        raise LabError(f"The engine at DOCKER_HOST={os.environ['DOCKER_HOST']} does not answer; start it or unset it.")
    if SOCKET.exists() and not os.access(SOCKET, os.R_OK | os.W_OK):
        raise LabError(f"{SOCKET} may not be used by this user; run as root or join the group `docker`.")
    if shutil.which("dockerd", path=command.full_environment()["PATH"]) is None:
        command.apt_install(["docker.io", "iptables"], cache.log_file("engine-install"))
    client = _wait(3)
    if client is None:
        _start()
        client = _wait(START_TIMEOUT)
    if client is None:
        raise LabError(f"dockerd did not answer within {START_TIMEOUT} s; see {cache.log_file('dockerd')}.")
    return client


def _start() -> None:
    """Start dockerd by systemd where that is PID 1, else as a process of its own."""
    if Path("/run/systemd/system").is_dir():
        command.run_logged(
            command.as_root(["systemctl", "enable", "--now", "docker.service"]), cache.log_file("engine-install")
        )
        return
    with cache.log_file("dockerd").open("ab") as output:
        subprocess.Popen(
            command.as_root(["/usr/sbin/dockerd"]),
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=command.full_environment(),
        )


def _wait(seconds: float) -> docker.DockerClient | None:
    deadline = time.monotonic() + seconds
    while True:
        client = answering()
        if client is not None or time.monotonic() > deadline:
            return client
        time.sleep(0.5)


def _install_client() -> None:
    """Install the command `docker`, which Ansible's connection plugin calls; Debian 13 packs it apart."""
    command.apt_install(["docker-cli"], cache.log_file("engine-install"))
