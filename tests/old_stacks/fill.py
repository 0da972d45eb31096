"""Log what years of use leave in a tracking server, with MLflow's own client, and write down what must be found again.

    MLFLOW_TRACKING_URI=http://server:15000 python fill.py manifest.json [--runs 6] [--s3 s3://bucket/elsewhere]

Clients that write to S3 themselves take MLFLOW_S3_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException

# Names that a key, an address or a shell may take for something else.
NAMES = (
    "plain.txt",
    "with space.txt",
    "plus+sign.txt",
    "quote'\".txt",
    "amp&equals=.txt",
    "umlaut-ä.txt",
    "umlaut-decomposed-a\u0308.txt",
    "Case.txt",
    "case.txt",
    "deep/er/and/deeper/still.bin",
    "empty.bin",
)
BIG_BYTES = 12 * 1024 * 1024


def content(chance: random.Random, name: str) -> bytes:
    if name == "empty.bin":
        return b""
    return chance.randbytes(chance.randint(1, 200_000))


def write_files(folder: Path, chance: random.Random, names: tuple[str, ...]) -> dict[str, str]:
    digests = {}
    for name in names:
        data = content(chance, name)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        digests[name] = hashlib.sha256(data).hexdigest()
    return digests


def log_run(chance: random.Random, number: int, names: tuple[str, ...], *, big: bool) -> dict[str, Any]:
    params = {
        "learning_rate": str(chance.random()),
        "text": "zażółć 漢字 🎈 'quoted' \"twice\" \\ %s",
        "number": str(number),
    }
    metrics = [(chance.uniform(-1e6, 1e6), step) for step in range(20)]
    with mlflow.start_run(run_name=f"run {number}") as run, tempfile.TemporaryDirectory() as folder:
        mlflow.log_params(params)
        for value, step in metrics:
            mlflow.log_metric("loss", value, step=step)
        mlflow.set_tags({"team": "lab 🎈", "empty": ""})
        digests = write_files(Path(folder), chance, names)
        if big:
            data = chance.randbytes(BIG_BYTES)
            (Path(folder) / "big.bin").write_bytes(data)
            digests["big.bin"] = hashlib.sha256(data).hexdigest()
        mlflow.log_artifacts(folder)
    return {
        "run_id": run.info.run_id,
        "artifact_uri": run.info.artifact_uri,
        "params": params,
        "metrics": {"loss": metrics},
        "tags": {"team": "lab 🎈", "empty": ""},
        "artifacts": digests,
    }


def experiment(name: str, location: str | None) -> dict[str, str]:
    try:
        identifier = mlflow.create_experiment(name, artifact_location=location)
    except MlflowException:
        found = mlflow.get_experiment_by_name(name)
        if found is None:
            raise
        identifier = found.experiment_id
    made = mlflow.get_experiment(identifier)
    mlflow.set_experiment(experiment_id=identifier)
    return {"experiment_id": identifier, "name": name, "artifact_location": made.artifact_location}


def register(run: dict[str, Any], name: str) -> list[dict[str, str]]:
    """Register a folder of a run twice, as versions of one model; the second gets an alias."""
    client = mlflow.MlflowClient()
    try:
        client.create_registered_model(name, tags={"owner": "lab"}, description="A model of the old stack")
    except MlflowException:
        client.get_registered_model(name)
    versions = []
    for source in (f"runs:/{run['run_id']}/deep", f"{run['artifact_uri']}/deep"):
        made = client.create_model_version(name, source, run_id=run["run_id"], description=source)
        versions.append({"name": name, "version": str(made.version), "source": made.source, "run_id": run["run_id"]})
    client.set_registered_model_alias(name, "champion", versions[-1]["version"])
    return versions


def log_traces(count: int) -> list[str]:
    @mlflow.trace
    def answer(question: str) -> str:
        return question.upper()

    traces = []
    for number in range(count):
        answer(f"question {number} ä 🎈")
        traces.append(str(mlflow.get_last_active_trace_id()))
    mlflow.flush_trace_async_logging()
    return traces


def main() -> None:
    parser = argparse.ArgumentParser(description="Fill a tracking server and write a manifest of it.")
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--runs", type=int, default=6, help="runs in each experiment")
    parser.add_argument("--traces", type=int, default=3)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--s3", metavar="URI", help="also an experiment whose artifacts clients write to S3 themselves")
    parser.add_argument("--prefix", default="", help="before each name, to fill a second time")
    options = parser.parse_args()
    chance = random.Random(options.seed)  # noqa: S311

    manifest: dict[str, Any] = {"experiments": [], "runs": [], "versions": [], "traces": []}
    places: list[tuple[str, str | None]] = [("default place", None)]
    if options.s3:
        places.append(("in S3 itself", f"{options.s3.rstrip('/')}/chosen"))
    for name, location in places:
        manifest["experiments"].append(experiment(options.prefix + name, location))
        runs = [log_run(chance, number, NAMES, big=number == 0) for number in range(options.runs)]
        manifest["runs"] += runs
        manifest["versions"] += register(runs[0], f"{options.prefix}model {name}")
        manifest["traces"] += log_traces(options.traces)
    options.manifest.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    artifacts = sum(len(run["artifacts"]) for run in manifest["runs"])
    print(f"{len(manifest['runs'])} runs, {artifacts} artifacts, {len(manifest['versions'])} model versions")


if __name__ == "__main__":
    main()
