# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who a run is, and whether another one is still at work: with real processes."""

from __future__ import annotations

import getpass
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import controller_run
from ansible_collections.onprem.mlflow.plugins.module_utils.controller_run import (
    controller_id,
    is_at_work,
    refusal,
    start_of,
    this_run,
)

PS = """#!{python}
import os, sys
assert (os.environ["LC_ALL"], os.environ["TZ"]) == ("C", "UTC"), os.environ
assert sys.argv[1:6] == ["-o", "stat=", "-o", "lstart=", "-p"], sys.argv
told = {{"{pid}": "Ss   Sat Nov 28 21:17:51 2026", "7": "Z    Sat Nov 28 21:17:52 2026"}}
print(told.get(sys.argv[6], ""))
"""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.fixture
def without_proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS."""
    monkeypatch.setattr(controller_run, "PROC", tmp_path)
    ps = tmp_path / "ps"
    ps.write_text(PS.format(python=sys.executable, pid=os.getpid()))
    ps.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)


def test_this_run_is_at_work() -> None:
    run = this_run("site.yml")
    assert (run.pid, run.playbook) == (os.getpid(), "site.yml")
    assert run.controller == controller_id()
    assert is_at_work(run)
    assert this_run("site.yml") == run


def test_workers_are_of_the_run_that_forked_them() -> None:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(this_run, ["site.yml"] * 4) == [this_run("site.yml")] * 4


def test_a_process_that_has_ended_is_at_work_no_more(sleeper: subprocess.Popen[bytes]) -> None:
    run = replace(this_run("site.yml"), pid=sleeper.pid, started=start_of(sleeper.pid) or "")
    assert is_at_work(run)
    assert not is_at_work(replace(run, started="1 another boot")), "another process has its number"
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not is_at_work(run), "nobody has asked how it ended"
    sleeper.wait()
    assert not is_at_work(run)


def test_one_that_is_hidden_is_taken_to_be_at_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = this_run("site.yml")
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "stat").touch()
    monkeypatch.setattr(controller_run, "PROC", tmp_path)
    assert start_of(run.pid) is None
    assert is_at_work(run)


@pytest.mark.usefixtures("without_proc")
def test_a_controller_without_proc() -> None:
    run = this_run("site.yml")
    assert run.started == "Sat Nov 28 21:17:51 2026"
    assert is_at_work(run)
    assert not is_at_work(replace(run, started="Sat Nov 28 21:17:50 2026"))
    assert start_of(7) == ""


def test_controllers_differ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = controller_id()
    other = tmp_path / "machine-id"
    other.write_text("0123456789abcdef0123456789abcdef\n")
    monkeypatch.setattr(controller_run, "MACHINE_IDS", (tmp_path / "nothing", other))
    machine = controller_id()
    monkeypatch.setattr("socket.gethostname", lambda: "another")
    name = controller_id()
    (tmp_path / "self" / "ns").mkdir(parents=True)
    (tmp_path / "self" / "ns" / "pid").symlink_to("pid:[4026532001]")
    monkeypatch.setattr(controller_run, "PROC", tmp_path)
    container = controller_id()
    assert len({here, machine, name, container}) == 4
    assert "0123456789abcdef" not in container


@pytest.mark.parametrize(("address", "told"), [(0x0242AC110002, "0242ac110002"), (1 << 40 | 5, "")])
def test_a_machine_without_an_identifier(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: int, told: str
) -> None:
    monkeypatch.setattr(controller_run, "MACHINE_IDS", (tmp_path / "nothing",))
    monkeypatch.setattr("uuid.getnode", lambda: address)
    assert controller_run._machine_id() == told


def test_who_has_started_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "anna")
    assert this_run("site.yml").user == "anna"
    monkeypatch.delenv("SUDO_USER")
    assert this_run("site.yml").user == getpass.getuser()


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SUDO_USER", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 123456)
    assert this_run("site.yml").user == "123456"


def test_the_sentence() -> None:
    run = replace(
        this_run("site.yml"), id="5eed", host="laptop", pid=4711, user="anna", since="2026-11-28 21:17:51 UTC"
    )
    who = "site.yml of anna on laptop (process 4711)"
    told = f"{who} is at work on mlflow1 since 2026-11-28 21:17:51 UTC: wait for its end"
    assert refusal(run, "mlflow1", own_controller=True) == f"{told}."
    assert refusal(run, "mlflow1", own_controller=False) == (
        f"{told}, or if you know that it has ended, write the extra variable mlflow_platform_ended_run=5eed."
    )
