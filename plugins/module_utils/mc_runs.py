# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of mc in containers that outlive whoever started them: start, find again, read on, settle.

A run that did not finish its work is followed by another one, in the same folder: together they are one copy. All that
is known of a run is kept in its file, so the next reader goes on where the last one stopped.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.mc_job import (
    CONFIG_FILE,
    LABEL_DIGEST,
    LABEL_RUN,
    SCRIPT,
    SCRIPT_FILE,
    UID,
    Job,
    create_arguments,
    labels_of,
    last_lines,
    mc_config,
    run_name,
    run_numbers,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_output import (
    MAX_SAMPLES,
    Progress,
    split_events,
    take_samples,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_text import utc

CHUNK_BYTES = 4 << 20
POLL_SECONDS = 0.2
# How often Docker is asked whether the container still lives; each time costs a program's start.
LOOK_SECONDS = 3
# Until a container is started once more that the engine's runtime failed to start, as one under load now and then does.
START_AGAIN_SECONDS = 3
MAX_FAILED_SHOWN = 1000
# What a shell says of a program that SIGKILL ended.
KILLED = 137

# Takes the words after `docker`, gives its exit status, standard output and standard error.
Docker = Callable[[Sequence[str]], tuple[int, str, str]]
# Tells of each key whether it is on the target as the run left it: a reason, or None where it is there.
Arrived = Callable[[Iterable[str], float], Mapping[str, "str | None"]]


class McError(Exception):
    """mc could not be run; the message is one sentence."""


@dataclass
class Run:
    """What is known of one run; plain data."""

    number: int
    digest: str
    started_at: float
    ended_at: float | None = None
    exit_status: int | None = None
    settled: bool = False
    workers_step: int = 0
    output_position: int = 0
    samples_position: int = 0
    progress: Progress = field(default_factory=Progress)

    @classmethod
    def load(cls, text: str) -> Run:
        """Read what `dump` wrote."""
        stored = json.loads(text)
        stored["progress"] = Progress.load(stored["progress"])
        return cls(**stored)

    def dump(self) -> str:
        """Return JSON."""
        return json.dumps(asdict(self))

    @property
    def complete(self) -> bool:
        """Tell whether mc went through everything and nothing failed."""
        progress = self.progress
        good = self.exit_status == 0 and progress.finished
        return self.settled and good and not progress.failed_count and not progress.errors


class Runs:
    """The runs for one bucket or prefix."""

    def __init__(self, job: Job, docker: Docker, arrived: Arrived) -> None:
        self.job = job
        self.folder = Path(job.folder)
        self.docker = docker
        self.arrived = arrived
        self.runs: list[Run] = []

    def load(self) -> None:
        """Read what earlier calls left."""
        names = [entry.name for entry in self.folder.iterdir()] if self.folder.is_dir() else []
        self.runs = [Run.load(self._file(number, "json").read_text()) for number in run_numbers(names)]

    def begin(self, follow_only: bool = False) -> bool:
        """Find the run that is under way, or start one; tell whether one was started.

        With `follow_only` a run that ended is left as it is, however it ended.
        """
        self.load()
        last = self.runs[-1] if self.runs else None
        if follow_only:
            if last is None:
                raise McError(f"Nothing is known of a copy by {self.job.container}; start one.")
            return False
        found = self._inspect()
        if last and not last.settled:
            if self._runs(found, last):
                return False
            if self._status(last) is not None and last.digest == self.job.digest:
                # It ended while nobody looked: what it left undone is for the next one.
                self.follow(0)
                if last.complete:
                    return False
                found = None
        if found:
            self._docker("rm", "--force", self.job.container)
        if last and not last.settled:
            self._abandon(last)
        self._start(fresh=not last or last.complete)
        return True

    def follow(self, seconds: float) -> bool:
        """Read on for as many seconds, or until the run has ended; tell whether it still runs."""
        run = self.runs[-1]
        now = time.monotonic()
        until, next_look = now + seconds, now
        while not run.settled:
            status = self._status(run)
            if status is None and now >= next_look:
                next_look = now + LOOK_SECONDS
                found = self._inspect()
                if not self._runs(found, run):
                    # It may have ended between the two looks.
                    self._settle(run, self._status(run), found)
                    break
            if status is not None:
                self._settle(run, status, None)
            elif now >= until:
                break
            else:
                self._read(run, to_end=False)
                time.sleep(POLL_SECONDS)
                now = time.monotonic()
        self._save(run)
        return not run.settled

    def result(self, objects_total: int, bytes_total: int) -> dict[str, Any]:
        """Return what all runs have done, as other parts of the migration read it."""
        last = self.runs[-1]
        objects = sum(run.progress.objects for run in self.runs)
        size = sum(run.progress.bytes for run in self.runs)
        failed = list(last.progress.failed.items())
        return {
            "bucket": self.job.bucket,
            "target_bucket": self.job.target_bucket,
            "prefix": self.job.prefix,
            "pass": "mirror",
            "running": not last.settled,
            "started_at": utc(self.runs[0].started_at),
            "run_started_at": utc(last.started_at),
            "ended_at": None if last.ended_at is None else utc(last.ended_at),
            "objects_total": max(objects_total, objects),
            "bytes_total": max(bytes_total, size),
            "objects": objects,
            "bytes": size,
            "failed": [{"key": key, "reason": reason} for key, reason in failed[:MAX_FAILED_SHOWN]],
            "failed_count": last.progress.failed_count,
            "samples": join_samples(self.runs),
            "exit_status": last.exit_status,
            "errors": list(last.progress.errors),
            "runs": len(self.runs),
            "journal": str(self._file(last.number, "jsonl")),
        }

    # What follows touches files and Docker.

    def _file(self, number: int, suffix: str) -> Path:
        return self.folder / f"{run_name(number)}.{suffix}"

    def _docker(self, *words: str) -> str:
        status, out, err = self.docker(words)
        if status:
            raise McError(f"docker {words[0]} failed for {self.job.container} ({last_lines(err or out)}).")
        return out

    def _inspect(self) -> dict[str, Any] | None:
        status, out, err = self.docker(("inspect", "--type", "container", self.job.container))
        if status:
            if "No such" not in err:
                raise McError(f"docker inspect failed for {self.job.container} ({last_lines(err or out)}).")
            return None
        found: dict[str, Any] = json.loads(out)[0]
        return found

    def _runs(self, found: dict[str, Any] | None, run: Run) -> bool:
        """Tell whether a container is the one of this run, with the same parameters, and alive."""
        labels = labels_of(found or {})
        same = labels.get(LABEL_RUN) == str(run.number) and labels.get(LABEL_DIGEST) == self.job.digest
        return bool(found and same and found["State"]["Running"])

    def _start(self, fresh: bool) -> None:
        if fresh:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.runs = []
        number = self.runs[-1].number + 1 if self.runs else 1
        prepare_folder(self.job)
        run = Run(number, self.job.digest, time.time())
        self._save(run)
        self.runs.append(run)
        try:
            self._docker(*create_arguments(self.job, run_name(number), number))
            for network in self.job.networks[1:]:
                self._docker("network", "connect", network, self.job.container)
            self._docker_start()
        except McError:
            self._forget_keys()
            self.docker(("rm", "--force", self.job.container))
            self._file(number, "json").unlink(missing_ok=True)
            raise

    def _docker_start(self) -> None:
        try:
            self._docker("start", self.job.container)
        except McError:
            time.sleep(START_AGAIN_SECONDS)
            self._docker("start", self.job.container)

    def _save(self, run: Run) -> None:
        path = self._file(run.number, "json")
        temporary = path.with_suffix(".new")
        temporary.write_text(run.dump(), encoding="utf-8")
        temporary.chmod(0o600)
        temporary.replace(path)

    def _forget_keys(self) -> None:
        (self.folder / CONFIG_FILE).unlink(missing_ok=True)

    def _status(self, run: Run) -> tuple[int, float] | None:
        with contextlib.suppress(OSError, ValueError):
            words = self._file(run.number, "status").read_text().split()
            if len(words) == 2:
                return int(words[0]), float(words[1])
        return None

    def _read(self, run: Run, to_end: bool) -> None:
        """Take in what mc has said since the last look."""
        samples = read_from(self._file(run.number, "samples"), run.samples_position)
        position = 0
        for at, sent, size, after in take_samples(samples, 0):
            self._feed(run, size)
            run.progress.sample(at, None if sent is None else max(0, sent - size))
            position = after
        run.samples_position += position
        if to_end:
            self._feed(run, None)

    def _feed(self, run: Run, limit: int | None) -> None:
        """Take in the output up to a position, in pieces."""
        with contextlib.suppress(FileNotFoundError), self._file(run.number, "jsonl").open("rb") as file:
            while limit is None or run.output_position < limit:
                file.seek(run.output_position)
                wanted = CHUNK_BYTES if limit is None else min(CHUNK_BYTES, limit - run.output_position)
                data = file.read(wanted)
                events, used = split_events(data.decode("utf-8", "surrogateescape"))
                for event in events:
                    run.progress.feed(event, self.job.bucket)
                text = data.decode("utf-8", "surrogateescape")[:used]
                run.output_position += len(text.encode("utf-8", "surrogateescape"))
                if not used:
                    break

    def _abandon(self, run: Run) -> None:
        """Settle a run that died, with the computer or by somebody's hand: the next one goes on."""
        self._read(run, to_end=True)
        run.ended_at = run.progress.samples[-1][0] if run.progress.samples else run.started_at
        if run.progress.waiting:
            self._settle_undone(run)
        run.settled = True
        self._forget_keys()
        self._save(run)

    def _settle(self, run: Run, status: tuple[int, float] | None, found: dict[str, Any] | None) -> None:
        self._read(run, to_end=True)
        progress = run.progress
        said = self._stderr(run)
        if status is None:
            run.ended_at = time.time()
            self._explain_death(run, found, said)
        else:
            run.exit_status, run.ended_at = status
            if run.exit_status not in (0, 1) or not progress.finished:
                memory = self._memory_killed() if run.exit_status == KILLED else ""
                progress.complain(f"mc ended with status {run.exit_status}{memory} before its work was done. {said}")
            else:
                progress.end(run.ended_at)
                if said:
                    progress.complain(f"mc said: {said}")
        if progress.waiting:
            self._settle_undone(run)
        self._settle_retried(run)
        if run.exit_status and not progress.failed_count and not progress.errors:
            progress.complain(f"mc ended with status {run.exit_status} and named no error.")
        run.workers_step = self._workers_step(run)
        run.settled = True
        self._save(run)
        self._forget_keys()
        self.docker(("rm", "--force", self.job.container))

    def _settle_retried(self, run: Run) -> None:
        """Ask the target for the objects of which mc does not tell whether they arrived in the end."""
        progress = run.progress
        keys = list(progress.retried)
        if keys:
            reasons = self.arrived(keys, run.started_at)
            for key in keys:
                if key not in reasons or reasons[key] is not None:
                    progress.fail_retried(key, reasons.get(key), self.job.bucket)
        if progress.retried_more:
            progress.complain(f"{progress.retried_more} more objects were retried and may not have arrived.")

    def _settle_undone(self, run: Run) -> None:
        """Ask the target for the objects that were on their way when mc was killed."""
        newest = run.progress.newest(self.job.bucket)
        reasons = self.arrived(newest, run.started_at)
        run.progress.left_undone([size for key, size in newest.items() if reasons.get(key, "") is not None])

    def _explain_death(self, run: Run, found: dict[str, Any] | None, said: str) -> None:
        state = (found or {}).get("State") or {}
        if found is None:
            how = "was removed"
        elif state.get("OOMKilled"):
            how = f"was killed for want of memory (limit {self.job.memory or 'none'})"
        else:
            how = f"ended with status {state.get('ExitCode')}"
            log = self.docker(("logs", "--tail", "5", self.job.container))
            said = last_lines("\n".join((log[1], log[2], state.get("Error") or "", said)))
        run.progress.complain(f"The container {self.job.container} {how} before mc was done. {said}".strip())

    def _memory_killed(self) -> str:
        state = (self._inspect() or {}).get("State") or {}
        return f" for want of memory (limit {self.job.memory or 'none'})" if state.get("OOMKilled") else ""

    def _stderr(self, run: Run) -> str:
        with contextlib.suppress(OSError):
            data = self._file(run.number, "err").read_bytes()
            return last_lines(data[-4096:].decode("utf-8", "replace"))
        return ""

    def _workers_step(self, run: Run) -> int:
        with contextlib.suppress(OSError, ValueError):
            return int(self._file(run.number, "workers").read_text())
        return 0


def prepare_folder(job: Job) -> None:
    """Make the folder that the container sees, with the script, the keys and the certificates to trust."""
    folder = Path(job.folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chown(folder, UID, UID)
    _keep(folder / SCRIPT_FILE, SCRIPT)
    _keep(folder / CONFIG_FILE, mc_config(job.source, job.target))
    for name, store in (("src", job.source), ("dst", job.target)):
        (folder / f"{name}.crt").unlink(missing_ok=True)
        if store.ca_certificate:
            _keep(folder / f"{name}.crt", Path(store.ca_certificate).read_text())


def _keep(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchown(file.fileno(), UID, UID)
        file.write(text)


def dry_run(job: Job, docker: Docker) -> int | None:
    """Return how many bytes mc would copy; None where the image is not there to ask."""
    if docker(("image", "inspect", job.image))[0]:
        return None
    with tempfile.TemporaryDirectory() as directory:
        trial = replace(job, directory=directory)
        prepare_folder(trial)
        run = run_name(1)
        name = f"{job.container}-dry-run"
        docker(("rm", "--force", name))
        try:
            for words in (create_arguments(trial, run, 1, dry_run=True), ["start", "--attach", name]):
                status, out, err = docker(words)
                if status:
                    raise McError(f"docker {words[0]} failed for {name} ({last_lines(err or out)}).")
        finally:
            docker(("rm", "--force", name))
        events, _used = split_events(read_from(Path(trial.folder, f"{run}.jsonl"), 0).decode("utf-8", "replace"))
    progress = Progress()
    total = None
    for event in events:
        progress.feed(event, job.bucket)
        if isinstance(event, dict) and "transferred" in event:
            # `total` lags behind by the last object.
            total = int(event["transferred"])
    if progress.errors or total is None:
        raise McError(f"mc could not tell what it would copy ({'; '.join(progress.errors) or 'it said nothing'}).")
    return total


def read_from(path: Path, position: int) -> bytes:
    """Return what a file holds from a position on; nothing where it is missing."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        file.seek(position)
        return file.read()
    return b""


def join_samples(runs: Iterable[Run]) -> list[dict[str, Any]]:
    """Put the samples of all runs in one row, in which objects and bytes only grow."""
    joined: list[dict[str, Any]] = []
    objects = size = 0
    for run in runs:
        for at, run_objects, run_bytes in run.progress.samples:
            joined.append({"at": utc(at), "objects": objects + int(run_objects), "bytes": size + int(run_bytes)})
        objects += run.progress.objects
        size += run.progress.bytes
    while len(joined) > MAX_SAMPLES:
        joined = joined[::2] if len(joined) % 2 else [*joined[:-1:2], joined[-1]]
    return joined
