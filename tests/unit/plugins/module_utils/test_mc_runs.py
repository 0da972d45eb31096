# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of mc that are started, found again and settled, with an engine of our own and real files."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import mc_runs
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_job import Job
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_runs import McError, Runs
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import Store

SOURCE = Store("http://192.0.2.1:9000", "root", "secret-of-source")
TARGET = Store("http://192.0.2.2:9000", "root", "secret-of-target")
TOTAL = {"status": "success", "total": 1, "transferred": 1}


class Engine:
    """Answers like the command docker, and holds one container."""

    def __init__(self) -> None:
        self.container: dict[str, Any] | None = None
        self.calls: list[tuple[str, ...]] = []
        self.broken = ""
        self.failing_starts = 0

    def __call__(self, words: Sequence[str]) -> tuple[int, str, str]:
        self.calls.append(tuple(words))
        if self.broken and words[0] == self.broken:
            return 125, "", "Error response from daemon: no such network\n"
        if words[0] == "start" and self.failing_starts:
            self.failing_starts -= 1
            return 1, "", "Error response from daemon: failed to create shim task\n"
        if words[0] == "create":
            labels = [words[index + 1] for index, word in enumerate(words) if word == "--label"]
            self.container = {
                "Config": {"Labels": dict(label.split("=", 1) for label in labels)},
                "State": {"Running": False, "ExitCode": 0, "OOMKilled": False, "Error": ""},
            }
        elif words[0] == "start" and self.container:
            self.container["State"]["Running"] = True
        elif words[0] == "inspect":
            if self.container is None:
                return 1, "[]", "Error: No such container: x"
            return 0, json.dumps([self.container]), ""
        elif words[0] == "rm":
            self.container = None
        return 0, "", ""

    def stop(self, **state: Any) -> None:
        assert self.container
        self.container["State"].update(Running=False, **state)

    def started(self) -> int:
        return sum(call[0] == "start" for call in self.calls)


class Fixture:
    """A job in a folder, an engine, and what the target would answer."""

    def __init__(self, folder: Path) -> None:
        self.engine = Engine()
        self.job = Job("mlflow", str(folder), "onprem/mc:1", SOURCE, TARGET, "bucket", "bucket", "")
        self.there: dict[str, str | None] = {}
        self.asked: list[str] = []

    def runs(self, **changes: Any) -> Runs:
        return Runs(replace(self.job, **changes), self.engine, self.arrived)

    def arrived(self, keys: Iterable[str], started_at: float) -> dict[str, str | None]:
        asked = list(keys)
        self.asked += asked
        return {key: self.there.get(key, "is not there") for key in asked}

    def file(self, name: str) -> Path:
        return Path(self.job.folder, name)

    def say(self, *events: Any, run: int = 1) -> None:
        with self.file(f"run-{run:04d}.jsonl").open("a") as file:
            file.writelines(json.dumps(event) + "\n" for event in events)

    def sample(self, sent: str, run: int = 1) -> None:
        size = self.file(f"run-{run:04d}.jsonl").stat().st_size
        with self.file(f"run-{run:04d}.samples").open("a") as file:
            file.write(f"{int(time.time())} {sent} {size}\n")

    def end(self, status: int, run: int = 1) -> None:
        self.file(f"run-{run:04d}.status").write_text(f"{status} {int(time.time())}\n")
        self.engine.stop()


def begun(key: str, size: int = 10) -> dict[str, Any]:
    return {"status": "success", "source": f"src/bucket/{key}", "target": f"dst/bucket/{key}", "size": size}


def retried(key: str, count: int = 3) -> dict[str, Any]:
    return {"sourceURL": f"http://192.0.2.1:9000/bucket/{key}", "targetURL": "x", "retries": count}


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fixture:
    monkeypatch.setattr(mc_runs, "UID", os.getuid())
    monkeypatch.setattr(mc_runs, "LOOK_SECONDS", 0)
    monkeypatch.setattr(mc_runs, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(mc_runs, "START_AGAIN_SECONDS", 0)
    return Fixture(tmp_path)


def test_copy_from_start_to_end(at: Fixture) -> None:
    runs = at.runs()
    assert runs.begin()
    config = at.file("config.json")
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.parent.stat().st_mode) == 0o700
    assert not any("secret-of" in word for call in at.engine.calls for word in call)

    at.say(begun("a"), begun("b", 30))
    at.sample("500")
    assert runs.follow(0.05)
    assert runs.result(4, 100)["objects"] == 2
    at.say(begun("c"), TOTAL)
    at.end(0)
    assert not runs.follow(5)

    result = runs.result(4, 100)
    assert (result["running"], result["exit_status"], result["runs"]) == (False, 0, 1)
    assert (result["objects"], result["bytes"], result["objects_total"], result["bytes_total"]) == (3, 50, 4, 100)
    assert (result["failed"], result["errors"]) == ([], [])
    assert result["samples"][-1]["bytes"] == 50
    assert result["started_at"] <= result["ended_at"]
    assert runs.runs[-1].complete
    assert not config.exists()
    assert at.engine.container is None


def test_next_play_follows_the_running_container(at: Fixture) -> None:
    at.runs().begin()
    at.say(begun("a"))

    runs = at.runs()
    assert not runs.begin()
    assert runs.follow(0.02)
    assert at.engine.started() == 1

    later = at.runs()
    later.begin(follow_only=True)
    at.say(begun("b"), TOTAL)
    at.end(0)
    later.follow(1)
    assert later.result(0, 0)["objects"] == 2


def test_result_of_what_ended_meanwhile_is_fetched(at: Fixture) -> None:
    at.runs().begin()
    at.say(begun("a"), TOTAL)
    at.end(0)

    runs = at.runs()
    assert not runs.begin()
    assert not runs.follow(0)
    assert runs.result(0, 0)["objects"] == 1
    assert at.engine.started() == 1


def test_after_a_complete_copy_a_new_one_begins_afresh(at: Fixture) -> None:
    first = at.runs()
    first.begin()
    at.say(begun("a"), TOTAL)
    at.end(0)
    first.follow(0)

    again = at.runs()
    assert again.begin()
    assert again.result(0, 0)["objects"] == 0
    assert again.result(0, 0)["runs"] == 1


def test_incomplete_one_that_ended_meanwhile_is_gone_on_with(at: Fixture) -> None:
    at.runs().begin()
    at.say(begun("a"), begun("b"), retried("b"), TOTAL)
    at.end(0)

    runs = at.runs()
    assert runs.begin()
    assert at.engine.started() == 2
    at.say(begun("b"), TOTAL, run=2)
    at.end(0, run=2)
    runs.follow(1)

    result = runs.result(0, 0)
    assert (result["objects"], result["bytes"], result["runs"], result["failed_count"]) == (2, 20, 2, 0)


def test_killed_container_is_reported_with_the_truth_and_started_again(at: Fixture) -> None:
    runs = at.runs()
    runs.begin()
    at.say(begun("a"), begun("b", 1000), begun("c"))
    at.sample("700")
    at.there = {"a": None, "c": None}
    at.engine.stop(ExitCode=137)
    assert not runs.follow(1)

    result = runs.result(0, 0)
    assert result["exit_status"] is None
    assert (result["objects"], result["bytes"]) == (2, 20)
    assert len(result["errors"]) == 1
    assert "ended with status 137 before mc was done" in result["errors"][0]

    again = at.runs()
    assert again.begin()
    assert again.result(0, 0)["runs"] == 2


def test_lost_with_its_server_it_is_started_again(at: Fixture) -> None:
    at.runs().begin()
    at.say(begun("a"))
    at.engine.stop(ExitCode=255)

    runs = at.runs()
    assert runs.begin()
    assert [run.settled for run in runs.runs] == [True, False]
    assert at.engine.started() == 2


def test_memory_and_removal_are_named(at: Fixture) -> None:
    runs = at.runs()
    runs.begin()
    at.engine.stop(ExitCode=137, OOMKilled=True)
    runs.follow(0)
    assert "for want of memory (limit 2g)" in runs.result(0, 0)["errors"][0]

    runs = at.runs(prefix="x/")
    runs.begin()
    at.engine.container = None
    runs.follow(0)
    assert "was removed before mc was done" in runs.result(0, 0)["errors"][0]


def test_only_retried_objects_are_asked_for(at: Fixture) -> None:
    runs = at.runs()
    runs.begin()
    at.say(begun("a"), begun("b"), begun("c"), retried("b", 1), retried("c"), TOTAL)
    at.there = {"b": None}
    at.end(0)
    runs.follow(0)

    result = runs.result(0, 0)
    assert sorted(at.asked) == ["b", "c"]
    assert result["failed"] == [{"key": "c", "reason": "is not there"}]
    assert (result["objects"], result["bytes"], result["exit_status"]) == (2, 20, 0)
    assert not runs.runs[-1].complete


@pytest.mark.parametrize(
    ("status", "events", "sentence"),
    [
        (143, [TOTAL], "mc ended with status 143 before its work was done."),
        (0, [], "mc ended with status 0 before its work was done."),
        (1, [TOTAL], "mc ended with status 1 and named no error."),
    ],
)
def test_exit_without_a_good_end(at: Fixture, status: int, events: list[Any], sentence: str) -> None:
    runs = at.runs()
    runs.begin()
    at.say(*events)
    at.end(status)
    runs.follow(0)

    assert runs.result(0, 0)["errors"] == [sentence]
    assert not runs.runs[-1].complete


def test_what_mc_says_beside_its_lines_is_told(at: Fixture) -> None:
    runs = at.runs()
    runs.begin()
    at.file("run-0001.err").write_text("mc: <ERROR> unhandled size\n")
    at.say(TOTAL)
    at.end(0)
    runs.follow(0)

    assert runs.result(0, 0)["errors"] == ["mc said: mc: <ERROR> unhandled size"]


def test_other_parameters_replace_the_container(at: Fixture) -> None:
    at.runs().begin()
    at.say(begun("a"))

    assert at.runs(limit_upload="1MiB").begin()
    assert ("rm", "--force", at.job.container) in at.engine.calls
    assert at.engine.started() == 2


def test_start_that_fails_once_is_tried_again(at: Fixture) -> None:
    at.engine.failing_starts = 1

    assert at.runs().begin()
    assert at.engine.started() == 2


def test_start_that_fails_twice_is_told(at: Fixture) -> None:
    at.engine.failing_starts = 2

    with pytest.raises(McError, match=r"docker start failed .*shim task"):
        at.runs().begin()
    assert at.engine.container is None


def test_engine_that_refuses_leaves_no_key_behind(at: Fixture) -> None:
    at.engine.broken = "network"
    runs = at.runs(networks=("old", "missing"))
    with pytest.raises(McError, match=r"docker network failed .*no such network"):
        runs.begin()

    assert not at.file("config.json").exists()
    assert at.engine.container is None
    assert at.runs().begin()


def test_nothing_to_follow_is_a_sentence(at: Fixture) -> None:
    with pytest.raises(McError, match="Nothing is known of a copy"):
        at.runs().begin(follow_only=True)


def test_certificates_are_laid_out(at: Fixture, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("PEM")
    at.runs(source=replace(SOURCE, ca_certificate=str(tmp_path / "ca.pem"))).begin()

    assert at.file("src.crt").read_text() == "PEM"
    assert not at.file("dst.crt").exists()
