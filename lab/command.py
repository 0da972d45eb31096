"""Running the few host commands for which there is no library: apt-get, debootstrap, tar."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from docker.models.containers import Container

from lab.errors import LabError

TAIL_LINES = 15


def as_root(arguments: Sequence[str]) -> list[str]:
    """Return the command, through sudo where the lab does not run as root."""
    return list(arguments) if os.geteuid() == 0 else ["sudo", *arguments]


def full_environment() -> dict[str, str]:
    """Return the environment with the folders that hold root's commands, which a user's path may lack."""
    path = os.environ.get("PATH", "")
    return {**os.environ, "PATH": f"{path}:/usr/local/sbin:/usr/sbin:/sbin"}


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """Return the last lines of *text*, indented for an error message."""
    kept = [line for line in text.splitlines() if line.strip()][-lines:]
    return "\n".join(f"    {line}" for line in kept)


def container_tail(container: Container) -> str:
    """Return the end of a container's log, indented for an error message."""
    return tail(container.logs(tail=TAIL_LINES).decode(errors="replace"))


def execute(container: Container, arguments: Sequence[str]) -> tuple[int, str]:
    """Run a command in a container and return its exit code and output."""
    # Of the engine's answer to a command that is waited for, only these two are given.
    answer: Any = container.exec_run(list(arguments))
    return int(answer.exit_code), str(answer.output.decode(errors="replace"))


def run_logged(arguments: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
    """Run a command with its output in *log*; a failure shows the log's end."""
    with log.open("a", encoding="utf-8") as output:
        output.write(f"+ {' '.join(arguments)}\n")
        output.flush()
        try:
            done = subprocess.run(
                arguments,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**full_environment(), **(environment or {})},
                check=False,
            )
        except FileNotFoundError as error:
            raise LabError(f"The command {arguments[0]} is missing; the lab needs a Debian machine.") from error
    if done.returncode != 0:
        text = log.read_text(encoding="utf-8", errors="replace")
        raise LabError(
            f"{arguments[0]} failed with exit code {done.returncode}; the whole log is in {log}:\n{tail(text)}"
        )


def apt_install(packages: Sequence[str], log: Path) -> None:
    """Install Debian packages on the machine that runs the lab."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run_logged(as_root(["apt-get", "-q", "update"]), log)
    run_logged(
        as_root(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "install", *packages]), log, quiet
    )
