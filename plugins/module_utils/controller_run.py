# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller knows of its own run, and of another one: who it is, and whether it is still at work."""

from __future__ import annotations

import getpass
import hashlib
import multiprocessing
import os
import socket
import subprocess
import uuid
from pathlib import Path

from ansible_collections.onprem.mlflow.plugins.module_utils.run_lock import Run

MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
PROC = Path("/proc")
# Set in an address that uuid has made up: each process would have another one.
MADE_UP = 1 << 40
ENDED = ("Z", "X")
# What follows the name in /proc/PID/stat.
STATE, START = 0, 19


def this_run(playbook: str) -> Run:
    """Tell who this run is. Tasks are carried out by workers: their parent is the run."""
    parent = multiprocessing.parent_process()
    pid = parent.pid if parent and parent.pid else os.getpid()
    started = start_of(pid) or ""
    host, controller = socket.gethostname(), controller_id()
    return Run(_digest(controller, str(pid), started), controller, host, pid, started, playbook, _user())


def controller_id() -> str:
    """Tell this machine from others, and a container from others with its image."""
    try:
        processes = str((PROC / "self/ns/pid").readlink())
    except OSError:
        processes = ""
    return _digest(_machine_id(), socket.gethostname(), processes)


def is_at_work(run: Run) -> bool:
    """Tell whether a run of this controller goes on."""
    try:
        os.kill(run.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Another user's.
        pass
    # Where it is hidden from this user, nobody can say that it has ended.
    return start_of(run.pid) in (None, run.started)


def start_of(pid: int) -> str | None:
    """Tell when a process was started, as this machine says it; empty where it has ended, None where that is hidden."""
    if (PROC / "self/stat").exists():
        return _start_on_linux(pid)
    # The same words for every user, and all the year.
    done = subprocess.run(
        ["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)],
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=False,
    )
    state, _space, start = done.stdout.strip().partition(" ")
    return "" if state.startswith(ENDED) else start.strip() or None


def refusal(holder: Run, server: str, *, own_controller: bool) -> str:
    """Say in one sentence who is at work, and what to do."""
    who = f"{holder.playbook} of {holder.user} on {holder.host} (process {holder.pid})"
    told = f"{who} is at work on {server} since {holder.since}: wait for its end"
    if own_controller:
        return f"{told}."
    return f"{told}, or if you know that it has ended, write the extra variable mlflow_platform_ended_run={holder.id}."


def _start_on_linux(pid: int) -> str | None:
    try:
        told = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name is in parentheses, and may have some itself.
    words = told.rpartition(")")[2].split()
    return "" if words[STATE] in ENDED else f"{words[START]} {boot}"


def _machine_id() -> str:
    for path in MACHINE_IDS:
        if path.exists() and (found := path.read_text(encoding="utf-8").strip()):
            return found
    address = uuid.getnode()
    return "" if address & MADE_UP else f"{address:012x}"


def _user() -> str:
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        # A container's user need not have a name.
        return str(os.getuid())


def _digest(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]
