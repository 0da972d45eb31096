"""A client of MLflow that logs until it is told to end, and writes down what was acknowledged.

Started by the tool as a process of its own. It repeats no request: each failure is an exception, and is written down.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

from tools.faults.door import Door
from tools.faults.journal import Entry, Journal, content

THREADS = 2
PAUSE = 0.1
METRICS = 10
BATCH = 20
SMALL, LARGE = 20_000, 6 << 20
# One of so many runs has a large artifact.
LARGE_EVERY = 8
SETTINGS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
EXPERIMENT = "faults"


class Logger:
    """Logs one run after the other."""

    def __init__(self, door: Door, journal: Journal, stop: threading.Event) -> None:
        self.client = MlflowClient(tracking_uri=door.url)
        self.journal = journal
        self.stop = stop

    def attempt(self, act: Callable[[], object], *entries: Entry) -> bool:
        """Send a request, and write down how it ended."""
        try:
            act()
        except Exception as exc:  # Whatever it is, the request was not acknowledged.
            reason = f"{type(exc).__name__}: {exc}"[:300]
            self.journal.note(*(Entry(e.kind, e.run, e.key, e.value, e.step, reason) for e in entries))
            self.stop.wait(1)
            return False
        self.journal.note(*(Entry(e.kind, e.run, e.key, e.value, e.step) for e in entries))
        self.stop.wait(PAUSE)
        return True

    def begin(self, experiment: str) -> str | None:
        """Begin a run."""
        made: list[str] = []
        try:
            made.append(str(self.client.create_run(experiment).info.run_id))
        except Exception as exc:  # Likewise.
            self.journal.note(Entry("run", failed=f"{type(exc).__name__}: {exc}"[:300]))
            self.stop.wait(1)
            return None
        self.journal.note(Entry("run", made[0]))
        return made[0]

    def upload(self, run: str, path: str, size: int) -> bool:
        """Log an artifact."""
        folder, _, name = path.rpartition("/")
        with tempfile.TemporaryDirectory() as place:
            file = Path(place) / name
            file.write_bytes(content(run, path, size))
            return self.attempt(
                lambda: self.client.log_artifact(run, str(file), folder), Entry("artifact", run, path, str(size))
            )

    def log_run(self, experiment: str, number: int) -> None:
        """Log a run with parameters, metrics one by one and in a batch, and an artifact or two."""
        run = self.begin(experiment)
        if run is None:
            return
        self.attempt(lambda: self.client.log_param(run, "number", number), Entry("param", run, "number", str(number)))
        for step in range(METRICS):
            self.attempt(
                lambda step=step: self.client.log_metric(run, "loss", number + step / 16, step, step),  # type: ignore[misc]
                Entry("metric", run, "loss", str(number + step / 16), step),
            )
        batch = [Metric("batch", number + step / 32, step, step) for step in range(BATCH)]
        self.attempt(
            lambda: self.client.log_batch(run, batch, [Param("batch", "logged")]),
            Entry("param", run, "batch", "logged"),
            *(Entry("metric", run, metric.key, str(metric.value), metric.step) for metric in batch),
        )
        self.upload(run, "made/small ä.bin", SMALL)
        if number % LARGE_EVERY == 0:
            self.upload(run, "made/large.bin", LARGE)
        self.attempt(lambda: self.client.set_terminated(run), Entry("end", run))

    def log(self, experiment: str, numbers: itertools.count[int]) -> None:
        """Log until told to end."""
        while not self.stop.is_set():
            self.log_run(experiment, next(numbers))


def experiment_of(client: MlflowClient) -> str:
    """Return the experiment that everything is in."""
    found = client.get_experiment_by_name(EXPERIMENT)
    return str(found.experiment_id if found else client.create_experiment(EXPERIMENT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("name")
    parser.add_argument("port", type=int)
    parser.add_argument("address_file", type=Path)
    parser.add_argument("journal", type=Path)
    parser.add_argument("--upload", type=int, metavar="BYTES", help="log one artifact of this size, and end")
    options = parser.parse_args()
    os.environ.update(SETTINGS)
    door = Door(options.name, options.port, options.address_file)
    door.resolve()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    loggers = [Logger(door, Journal(options.journal), stop) for _ in range(THREADS)]
    experiment = experiment_of(loggers[0].client)
    if options.upload:
        run = loggers[0].begin(experiment)
        if run is None or not loggers[0].upload(run, "made/upload.bin", options.upload):
            raise SystemExit("not acknowledged")
        return
    numbers = itertools.count()
    threads = [threading.Thread(target=logger.log, args=(experiment, numbers)) for logger in loggers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
