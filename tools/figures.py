"""Measure the running lab and write docs/figures.md: ratios within one run, so that the machine falls out of them.

make figures
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "docs" / "figures.md"
INVENTORY = "inventories/lab"
SERVER = "onprem-mlflow-lab-server"
USER = "admin"
PASSWORD_FILE = "/opt/mlflow/secrets/nginx_user_admin_password"  # noqa: S105 (the path, not the password)
PROXY_PORT = 15000
HASHES = {"bcrypt": 12, "sha512_crypt": 656_000, "apr_md5_crypt": 0}
API = "/api/2.0/mlflow/experiments/search?max_results=1"
ARTIFACT = "/api/2.0/mlflow-artifacts/artifacts/onprem-figures/artifact.bin"
ARTIFACT_BYTES = 300 * 1000 * 1000
SETTLE_SECONDS = 60


def run(*words: str) -> float:
    """Run a command to its end and return how long it took, in seconds."""
    start = time.monotonic()
    subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def ask(server: Container, *words: str, stdin: str | None = None) -> str:
    """Run a command on the lab server and return what it printed."""
    # The SDK cannot close the standard input of an exec, which the program that reads it waits for.
    command = ["docker", "exec", "--interactive", str(server.name), *words]
    return subprocess.run(command, input=stdin, check=True, capture_output=True, text=True).stdout


class Lab:
    """The lab server with the platform on it."""

    def __init__(self) -> None:
        self.server = docker.from_env().containers.get(SERVER)
        self.program = (ROOT / "tools" / "load.py").read_text()
        self.password = ask(self.server, "cat", PASSWORD_FILE)

    def load(self, task: Mapping[str, Any]) -> dict[str, float]:
        """Run tools/load.py on the server."""
        ask(self.server, "tee", "/tmp/onprem_load.py", stdin=self.program)  # noqa: S108
        answer = ask(self.server, "python3", "/tmp/onprem_load.py", stdin=json.dumps(task))  # noqa: S108
        return dict(json.loads(answer))

    def proxy(self) -> dict[str, Any]:
        """Return how to get to MLflow through the proxy, with a password, by the address that other machines use."""
        address = ask(self.server, "hostname", "--ip-address").split()[0]
        return {
            "host": address,
            "port": PROXY_PORT,
            "host_header": f"localhost:{PROXY_PORT}",
            "username": USER,
            "password": self.password,
        }

    def straight(self) -> dict[str, Any]:
        """Return how to get to MLflow without the proxy."""
        template = '{{(index .NetworkSettings.Networks "mlflow_back").IPAddress}}'
        address = ask(self.server, "docker", "inspect", "--format", template, "mlflow-mlflow-1").strip()
        return {"host": address, "port": 5000, "host_header": "mlflow:5000"}

    def memory(self, container: str) -> int:
        """Return the memory of all processes of a container, each shared page counted once, in bytes."""
        pids = ask(self.server, "docker", "top", container, "-eo", "pid").split()[1:]
        files = [f"/proc/{pid}/smaps_rollup" for pid in pids]
        lines = ask(self.server, "cat", *files).splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024


def ratio_of(first: Callable[[], float], second: Callable[[], float], repeats: int) -> tuple[float, float, float]:
    """Measure both in turn and return the median of each and the median of their ratios."""
    pairs = [(first(), second()) for _ in range(repeats)]
    one, other = zip(*pairs, strict=True)
    return statistics.median(one), statistics.median(other), statistics.median(a / b for a, b in pairs)


def site(*words: str) -> float:
    return run("ansible-playbook", "-i", INVENTORY, "site.yml", *words)


def repeat_figures(repeats: int) -> list[str]:
    site()
    again, ping, ratio = ratio_of(
        site, lambda: run("ansible", "-i", INVENTORY, "mlflow_platform", "-m", "ping"), repeats
    )
    return [
        f"| second run of `site.yml` ÷ `ansible -m ping` | {again:.1f} s | {ping:.2f} s | {ratio:.1f} | 30 or less |"
    ]


def request_figures(lab: Lab, repeats: int, seconds: int) -> list[str]:
    task = {"kind": "requests", "path": API, "clients": 8, "seconds": seconds}
    rows = []
    for scheme, rounds in HASHES.items():
        site("--extra-vars", json.dumps({"nginx_password_hash": scheme, "nginx_password_rounds": rounds}))
        lab.load({**task, **lab.proxy(), "seconds": 3})
        through, straight, ratio = ratio_of(
            lambda: lab.load({**task, **lab.proxy()})["per_second"],
            lambda: lab.load({**task, **lab.straight()})["per_second"],
            repeats,
        )
        rows.append(
            f"| requests/s with a password ({scheme}) ÷ straight to MLflow "
            f"| {through:.0f}/s | {straight:.0f}/s | {ratio:.2f} | 0.95 or more |"
        )
    site()
    return rows


def artifact_figures(lab: Lab, repeats: int) -> list[str]:
    task = {"kind": "artifact", "path": ARTIFACT, "size": ARTIFACT_BYTES}
    lab.load({**task, **lab.proxy()})
    pairs = [(lab.load({**task, **lab.proxy()}), lab.load({**task, **lab.straight()})) for _ in range(repeats)]
    rows = []
    for way in ("upload", "download"):
        through = statistics.median(proxy[way] for proxy, _ in pairs)
        straight = statistics.median(direct[way] for _, direct in pairs)
        ratio = statistics.median(proxy[way] / direct[way] for proxy, direct in pairs)
        rows.append(
            f"| {way} of 300 MB through the proxy ÷ straight to MLflow "
            f"| {through / 1e6:.0f} MB/s | {straight / 1e6:.0f} MB/s | {ratio:.2f} | 0.9 or more |"
        )
    return rows


def memory_figures(lab: Lab) -> list[str]:
    """Compare with the same image at MLflow's own defaults, on a SQLite file."""
    ask(lab.server, "docker", "restart", "mlflow-mlflow-1")
    image = ask(lab.server, "docker", "inspect", "--format", "{{.Config.Image}}", "mlflow-mlflow-1").strip()
    name = "onprem-figures-defaults"
    command = ["docker", "run", "--detach", "--rm", "--name", name, "--env", "HOME=/tmp", "--workdir", "/tmp"]  # noqa: S108
    ask(lab.server, *command, image, "mlflow", "server", "--host", "0.0.0.0")  # noqa: S104
    try:
        time.sleep(SETTLE_SECONDS)
        ours, defaults = lab.memory("mlflow-mlflow-1"), lab.memory(name)
    finally:
        ask(lab.server, "docker", "rm", "--force", name)
    return [
        f"| memory (PSS) of MLflow here ÷ at its own defaults, {SETTLE_SECONDS} s after the start "
        f"| {ours / 1e9:.2f} GB | {defaults / 1e9:.2f} GB | {ours / defaults:.2f} | 0.45 or less |"
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=6, help="how often each pair is measured; the median counts")
    parser.add_argument("--seconds", type=int, default=8, help="how long one measurement of requests takes")
    options = parser.parse_args()
    lab = Lab()
    rows = [
        *repeat_figures(3),
        *request_figures(lab, options.repeats, options.seconds),
        *artifact_figures(lab, options.repeats),
        *memory_figures(lab),
    ]
    text = [
        "# Figures",
        "",
        f"Measured on {os.cpu_count()} cores by `make figures` against the lab of `make lab`: ratios within one",
        "run, each the median of its repeats, both sides taken in turn with the same client on the lab server.",
        "",
        "| what | this | that | ratio | aim |",
        "|---|---|---|---|---|",
        *rows,
        "",
    ]
    # What follows is measured by other programs.
    _, heading, others = REPORT.read_text().partition("\n## ")
    REPORT.write_text("\n".join(text) + heading + others)
    print("\n".join(text))


if __name__ == "__main__":
    main()
