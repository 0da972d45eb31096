"""Clients that read and write all the time while something happens to the servers."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from .conftest import Platform

API = "/api/2.0/mlflow"
READERS = 2
WRITERS = 2
# Of each client: together about 20 requests a second.
SECONDS_BETWEEN = 0.18


@dataclass
class Seen:
    """What was answered, and which writes were acknowledged."""

    run: str
    reads: list[int | str] = field(default_factory=list)
    writes: list[int | str] = field(default_factory=list)
    acknowledged: set[int] = field(default_factory=set)

    @property
    def failed(self) -> list[int | str]:
        return [answer for answer in self.reads + self.writes if answer != 200]


class Client:
    """Speaks MLflow's REST API through the proxy, and repeats nothing."""

    def __init__(self, platform: Platform, user: str = "admin") -> None:
        self.platform = platform
        self.login = (user, platform.password(user))

    def get(self, path: str, **query: Any) -> tuple[int, Any]:
        answer = self.platform.request(f"{API}/{path}?{urlencode(query)}", self.login)
        return answer.status, json.loads(answer.body) if answer.status == 200 else None

    def post(self, path: str, **body: Any) -> tuple[int, Any]:
        sent = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        answer = self.platform.request(f"{API}/{path}", self.login, method="POST", headers=headers, body=sent)
        return answer.status, json.loads(answer.body) if answer.status == 200 else None

    def create_run(self) -> str:
        status, answer = self.post("runs/create", experiment_id="0", start_time=int(time.time() * 1000))
        assert status == 200
        return str(answer["run"]["info"]["run_id"])

    def steps(self, run: str) -> set[int]:
        status, answer = self.get("metrics/get-history", run_id=run, metric_key="loss")
        assert status == 200
        return {int(metric["step"]) for metric in answer.get("metrics", [])}


@contextmanager
def all_the_time(calls: Sequence[Callable[[], object]], pause: float) -> Iterator[None]:
    """Repeat each call in a thread of its own, *pause* seconds apart, until the block ends."""
    stop = Event()

    def repeat(call: Callable[[], object]) -> None:
        while not stop.is_set():
            call()
            stop.wait(pause)

    threads = [Thread(target=repeat, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@contextmanager
def asking(questions: Sequence[Callable[[], int]], pause: float) -> Iterator[list[int | str]]:
    """Ask all the time, and collect the status of each answer, or why there was none."""
    answers: list[int | str] = []

    def ask(question: Callable[[], int]) -> None:
        try:
            answers.append(question())
        except OSError as exc:
            answers.append(repr(exc))

    with all_the_time([partial(ask, question) for question in questions], pause):
        yield answers


@contextmanager
def under_load(platform: Platform, user: str = "admin") -> Iterator[Seen]:
    """Read and write about 20 times a second meanwhile."""
    client = Client(platform, user)
    seen = Seen(client.create_run())

    def read() -> None:
        try:
            seen.reads.append(client.get("runs/get", run_id=seen.run)[0])
        except OSError as exc:
            seen.reads.append(repr(exc))

    def write(steps: Iterator[int]) -> None:
        step = next(steps)
        try:
            metric = {"run_id": seen.run, "key": "loss", "value": 0.5, "timestamp": step, "step": step}
            status, _ = client.post("runs/log-metric", **metric)
            seen.writes.append(status)
            if status == 200:
                seen.acknowledged.add(step)
        except OSError as exc:
            seen.writes.append(repr(exc))

    writers = [partial(write, itertools.count(first, WRITERS)) for first in range(WRITERS)]
    with all_the_time([*[read] * READERS, *writers], SECONDS_BETWEEN):
        yield seen


def assert_nothing_lost(platform: Platform, seen: Seen, seconds: float, user: str = "admin") -> None:
    """No read failed, every write that was acknowledged is there, and there were enough of both to tell."""
    assert set(seen.reads) == {200}
    assert seen.acknowledged <= Client(platform, user).steps(seen.run)
    assert len(seen.reads) > 2 * seconds
    assert len(seen.acknowledged) > 2 * seconds
