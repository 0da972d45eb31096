"""Hold a tracking server to the manifest that fill.py wrote.

    MLFLOW_TRACKING_URI=http://server:15000 python check.py manifest.json [--uris kept|any]

Every artifact is downloaded and its digest compared. Says each difference, and ends with 1 where there is one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# The store's own address is an inner one: a client that were sent there would wait for minutes.
os.environ.setdefault("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", "false")

import mlflow


def differences_of_run(client: mlflow.MlflowClient, wanted: dict[str, Any], *, uris_kept: bool) -> Iterator[str]:
    run_id = wanted["run_id"]
    run = client.get_run(run_id)
    if uris_kept and run.info.artifact_uri != wanted["artifact_uri"]:
        yield f"run {run_id}: artifact_uri is {run.info.artifact_uri}, was {wanted['artifact_uri']}"
    if run.data.params != wanted["params"]:
        yield f"run {run_id}: parameters differ"
    for name, value in wanted["tags"].items():
        if run.data.tags.get(name) != value:
            yield f"run {run_id}: tag {name} is {run.data.tags.get(name)!r}"
    for name, points in wanted["metrics"].items():
        found = [[metric.value, metric.step] for metric in client.get_metric_history(run_id, name)]
        if sorted(found) != sorted(points):
            yield f"run {run_id}: metric {name} differs"
    with tempfile.TemporaryDirectory() as folder:
        client.download_artifacts(run_id, "", folder)
        found_files = {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in Path(folder).rglob("*")
            if path.is_file()
        }
    for name, digest in wanted["artifacts"].items():
        if found_files.get(name) != digest:
            yield f"run {run_id}: artifact {name} " + ("differs" if name in found_files else "is missing")
    yield from (f"run {run_id}: artifact {name} is new" for name in sorted(found_files.keys() - wanted["artifacts"]))


def differences(manifest: dict[str, Any], *, uris_kept: bool) -> Iterator[str]:
    client = mlflow.MlflowClient()
    for wanted in manifest["experiments"]:
        found = client.get_experiment(wanted["experiment_id"])
        if found.name != wanted["name"]:
            yield f"experiment {wanted['experiment_id']}: name is {found.name!r}"
        if uris_kept and found.artifact_location != wanted["artifact_location"]:
            yield f"experiment {found.name}: artifact_location is {found.artifact_location}"
    for run in manifest["runs"]:
        yield from differences_of_run(client, run, uris_kept=uris_kept)
    for wanted in manifest["versions"]:
        version = client.get_model_version(wanted["name"], wanted["version"])
        if version.run_id != wanted["run_id"]:
            yield f"{wanted['name']} {version.version}: its run is {version.run_id}"
        if uris_kept and version.source != wanted["source"]:
            yield f"{wanted['name']} {version.version}: source is {version.source}"
        with tempfile.TemporaryDirectory() as folder:
            mlflow.artifacts.download_artifacts(f"models:/{wanted['name']}/{wanted['version']}", dst_path=folder)
            if not any(path.is_file() for path in Path(folder).rglob("*")):
                yield f"{wanted['name']} {version.version}: its files are missing"
    for trace_id in manifest["traces"]:
        trace = mlflow.get_trace(trace_id)
        if trace is None or not trace.data.spans:
            yield f"trace {trace_id}: is missing"


def main() -> None:
    parser = argparse.ArgumentParser(description="Hold a tracking server to a manifest.")
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--uris", choices=("kept", "any"), default="kept", help="whether URIs must be as they were")
    options = parser.parse_args()
    manifest = json.loads(options.manifest.read_text(encoding="utf-8"))
    found = list(differences(manifest, uris_kept=options.uris == "kept"))
    for line in found:
        print(line)
    print(f"{len(manifest['runs'])} runs compared, {len(found)} differences")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
