"""Whether everything that was acknowledged is there, read back through the front door."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mlflow.tracking import MlflowClient

from tools.faults.door import Door
from tools.faults.journal import Entry, Expected, content, expected

AT_ONCE = 4


def missing_in(client: MlflowClient, run: str, wanted: Expected) -> list[str]:
    """Return what a run lacks."""
    try:
        found = client.get_run(run)
    except Exception as exc:  # Whatever it is, the run cannot be had.
        return [f"run {run}: {exc}"]
    lacks = [f"run {run}: has not ended"] if wanted.ended and found.info.status != "FINISHED" else []
    lacks += [
        f"run {run}: parameter {key} is {found.data.params.get(key)!r} in place of {value!r}"
        for key, value in wanted.params.items()
        if found.data.params.get(key) != value
    ]
    for key, values in wanted.metrics.items():
        history = {metric.step: metric.value for metric in client.get_metric_history(run, key)}
        lacks += [
            f"run {run}: metric {key} at step {step} is {history.get(step)} in place of {value}"
            for step, value in values.items()
            if history.get(step) != value
        ]
    return lacks + [lack for path, size in wanted.artifacts.items() for lack in differing(client, run, path, size)]


def differing(client: MlflowClient, run: str, path: str, size: int) -> list[str]:
    """Download an artifact and compare it, byte by byte."""
    with tempfile.TemporaryDirectory() as place:
        try:
            got = Path(client.download_artifacts(run, path, place)).read_bytes()
        except Exception as exc:  # Whatever it is, the artifact cannot be had.
            return [f"run {run}: artifact {path}: {exc}"]
    return [] if got == content(run, path, size) else [f"run {run}: artifact {path} has another content"]


def missing(door: Door, entries: Iterable[Entry]) -> list[str]:
    """Return what is not there of what was acknowledged."""
    client = MlflowClient(tracking_uri=door.url)
    runs = expected(entries)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda item: missing_in(client, *item), runs.items())
        return [lack for lacks in found for lack in lacks]
