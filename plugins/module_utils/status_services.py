# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services of a platform as the engine has them, and their health as it is now."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LABEL = "com.docker.compose."
# A check that takes longer is no answer.
_SECONDS = 30

# Returns the end status of a command, and what it printed.
Ask = Callable[[Sequence[str]], tuple[int, str]]


@dataclass(frozen=True)
class Service:
    """A service's container."""

    name: str
    container: str
    image: str
    # The engine's name of that image.
    image_id: str
    state: str
    # When it was started, as the engine writes it.
    since: str
    restarts: int
    # What the engine runs to see whether it works; empty where there is no such check.
    check: tuple[str, ...]
    # Of the container, and of the image that it was made from.
    labels: Mapping[str, str]
    # What the engine's last checks told; empty where there is no check.
    checked: str = ""

    @classmethod
    def parse(cls, item: Mapping[str, Any]) -> Service:
        """Read one element of what `docker inspect` prints."""
        return cls(
            name=item["Config"]["Labels"][f"{_LABEL}service"],
            container=item["Name"].lstrip("/"),
            image=item["Config"]["Image"],
            image_id=item["Image"],
            state=item["State"]["Status"],
            since=item["State"]["StartedAt"],
            restarts=int(item.get("RestartCount") or 0),
            check=check_of(item["Config"].get("Healthcheck") or {}),
            labels=item["Config"]["Labels"],
            checked=str((item["State"].get("Health") or {}).get("Status") or ""),
        )


def check_of(healthcheck: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the words of a health check, as they are run in the container."""
    words = tuple(healthcheck.get("Test") or ())
    if words[:1] == ("CMD",):
        return words[1:]
    if words[:1] == ("CMD-SHELL",):
        return ("/bin/sh", "-c", words[1])
    return ()


def ask_engine(words: Sequence[str], seconds: float = _SECONDS) -> tuple[int, str]:
    """Run a command; one that takes too long has failed."""
    try:
        done = subprocess.run(
            list(words), stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=seconds, text=True
        )
    except subprocess.TimeoutExpired:
        return 1, f"no answer within {seconds:g} s"
    except FileNotFoundError:
        return 127, f"{words[0]} is not installed"
    return done.returncode, (done.stdout + done.stderr).strip()


def services_of(project: str, ask: Ask) -> list[Service]:
    """List the services that have a container, runs of a program to its end left out."""
    filters = ["--filter", f"label={_LABEL}project={project}", "--filter", f"label={_LABEL}oneoff=False"]
    status, text = ask(["docker", "ps", "--all", "--quiet", "--no-trunc", *filters])
    ids = text.split() if status == 0 else []
    if not ids:
        return []
    status, text = ask(["docker", "inspect", *ids])
    return sorted((Service.parse(item) for item in json.loads(text)), key=lambda service: service.name)


# What tells a version, by the name of the service without its number.
VERSION_COMMANDS = {
    "mlflow": ("python3", "-c", "from importlib.metadata import version; print(version('mlflow'))"),
    "mysql": ("mysqld", "--version"),
    "nginx": ("nginx", "-v"),
    "postgres": ("postgres", "--version"),
    "rustfs": ("rustfs", "--version"),
}


def version(service: Service, ask: Ask) -> str:
    """Ask a service's program for its version; the image's tag where it does not tell one."""
    command = VERSION_COMMANDS.get(re.sub(r"-\d+$", "", service.name))
    if command and service.state == "running":
        status, text = ask(["docker", "exec", service.container, *command])
        found = re.search(r"\d+(?:\.\d+)+", text)
        if status == 0 and found:
            return found[0]
    return service.image.rpartition(":")[2]


def health(service: Service, ask: Ask) -> str:
    """Run a service's own check now, and return why it does not work; empty where it does, or has no check."""
    if service.state != "running":
        return f"is {service.state}"
    if not service.check:
        return ""
    status, text = ask(["docker", "exec", service.container, *service.check])
    return "" if status == 0 else " ".join(text.split())[-200:] or f"its check ends with status {status}"
