"""Two runs at once, between the playbooks that take servers and let them go: real runs, on servers that are folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
CHANGE_NOTHING = {"bundle", "publish_image", "status"}
ROLE = "onprem.mlflow.run_lock"
SERVERS = ("one", "two")
ANOTHER = {
    "id": "5eed",
    "controller": "another",
    "host": "laptop",
    "pid": 4711,
    "started": "1 boot",
    "playbook": "site.yml",
    "user": "anna",
    "since": "2026-11-28 21:17:51 UTC",
}
# What works while the file `at_work` is there.
PLAYBOOK = f"""\
- import_playbook: {ROOT}/playbooks/platform/begin.yml
- hosts: mlflow_platform
  gather_facts: false
  tasks:
    - ansible.builtin.command: {{argv: [touch, "{{{{ folder }}}}/{{{{ inventory_hostname }}}}.worked"]}}
    - ansible.builtin.wait_for: {{path: "{{{{ folder }}}}/at_work", state: absent, sleep: 1}}
      when: wait_there | default(false)
    - ansible.builtin.fail:
      when: fails | default(false)
- import_playbook: {ROOT}/playbooks/platform/end.yml
"""


class Site:
    """Two servers, and runs that work on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "play.yml").write_text(PLAYBOOK)
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        hosts = {"mlflow_platform": {"hosts": dict.fromkeys(SERVERS, local)}}
        (folder / "hosts.json").write_text(json.dumps(hosts))

    def lock(self, server: str) -> Path:
        return self.folder / f"{server}.run"

    @property
    def locks(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*.run"))

    def worked(self) -> set[str]:
        """On which servers a run has worked since the last question."""
        found = list(self.folder.glob("*.worked"))
        for path in found:
            path.unlink()
        return {path.stem for path in found}

    def start(self, *words: str, variables: Mapping[str, Any]) -> subprocess.Popen[str]:
        paths = {"__run_lock_file": f"{self.folder}/{{{{ inventory_hostname }}}}.run", "folder": str(self.folder)}
        command = ["ansible-playbook", "--inventory", "hosts.json", "play.yml", *words]
        return subprocess.Popen(
            [*command, "--extra-vars", json.dumps({**paths, **variables})],
            cwd=self.folder,
            env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, **variables: Any) -> tuple[int, str]:
        """Return how a run ends, and what it says, in one line."""
        process = self.start(*words, variables=variables)
        printed, _none = process.communicate(timeout=120)
        return process.returncode, " ".join(printed.split())

    @contextmanager
    def at_work(self) -> Iterator[subprocess.Popen[str]]:
        """Have a run at work meanwhile."""
        (self.folder / "at_work").touch()
        process = self.start(variables={"wait_there": True})
        try:
            end = time.monotonic() + 60
            while len(list(self.folder.glob("*.worked"))) < len(SERVERS):
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < end
                time.sleep(0.1)
            assert self.worked() == set(SERVERS)
            yield process
        finally:
            self.finish()
            process.communicate(timeout=60)

    def finish(self) -> None:
        (self.folder / "at_work").unlink(missing_ok=True)


def what(step: Mapping[str, Any]) -> str:
    """What a play or a task does with the lock."""
    role = step.get("ansible.builtin.import_role", {})
    taken = role.get("tasks_from", "begin") if role.get("name") == ROLE else ""
    return taken or Path(step.get("ansible.builtin.import_playbook", "")).stem


@pytest.mark.parametrize("path", PLAYBOOKS, ids=[path.stem for path in PLAYBOOKS])
def test_what_changes_a_platform_has_it_alone(path: Path) -> None:
    plays = yaml.safe_load(path.read_text())
    steps = [what(step) for play in plays for step in (play, *play.get("tasks", []))]
    wanted = 0 if path.stem in CHANGE_NOTHING else 1
    assert steps.count("begin") == wanted
    assert steps.count("end") == wanted
    if wanted:
        assert steps[-1] == "end"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_the_second_ends_with_a_sentence(site: Site) -> None:
    with site.at_work() as first:
        status, printed = site.run()
        assert status != 0
        assert f"(process {first.pid}) is at work on one since" in printed
        assert "wait for its end." in printed
        assert "Nothing was changed." in printed
        known = json.loads(site.lock("one").read_text())["id"]
        assert site.run(mlflow_platform_ended_run=known)[0] != 0, "this controller knows that it goes on"
        assert site.worked() == set()
        assert len(site.locks) == 2
    assert first.returncode == 0
    assert site.locks == []


def test_the_second_waits(site: Site) -> None:
    with site.at_work() as first:
        second = site.start(variables={"mlflow_platform_wait_for_run": 100})
        assert second.stdout
        printed = next(line for line in second.stdout if line.startswith("["))
        assert f"(process {first.pid}) is at work on" in printed
        assert site.worked() == set()
        site.finish()
        rest, _none = second.communicate(timeout=60)
    assert second.returncode == 0, rest
    assert site.worked() == set(SERVERS)
    assert site.locks == []


def test_what_a_failed_run_has_is_taken_over(site: Site) -> None:
    assert site.run(fails=True)[0] != 0
    assert len(site.locks) == 2
    before = site.lock("one").read_text()
    status, printed = site.run("--check")
    assert status == 0, printed
    assert site.lock("one").read_text() == before, "a check takes nothing, and lets nothing go"
    assert site.run()[0] == 0
    assert site.locks == []


def test_another_controller_needs_a_word(site: Site) -> None:
    """What was free of several servers is let go again."""
    site.lock("two").write_text(json.dumps(ANOTHER))
    status, printed = site.run(mlflow_platform_ended_run="other")
    assert status != 0
    assert "site.yml of anna on laptop (process 4711) is at work on two since 2026-11-28 21:17:51 UTC" in printed
    assert "write the extra variable mlflow_platform_ended_run=5eed." in printed
    assert site.locks == ["two.run"]
    assert site.worked() == set()
    assert json.loads(site.lock("two").read_text()) == ANOTHER
    status, printed = site.run(mlflow_platform_ended_run="5eed")
    assert status == 0, printed
    assert site.worked() == set(SERVERS)
    assert site.locks == []
