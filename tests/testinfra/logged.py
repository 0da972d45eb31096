"""What a client of MLflow logs, and whether all of it is there."""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import mlflow
from mlflow.tracking import MlflowClient

if TYPE_CHECKING:
    from .conftest import Platform

BIG_BYTES = 24 << 20


@dataclass
class Logged:
    """What a client logged, by run: parameters, metrics, and artifacts by their paths."""

    runs: dict[str, tuple[dict[str, str], dict[str, float]]] = field(default_factory=dict)
    artifacts: dict[str, dict[str, bytes]] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)


class Store:
    """MLflow's client, against one of the two servers."""

    def __init__(self, platform: Platform, password: str) -> None:
        self.platform = platform
        os.environ.update(MLFLOW_TRACKING_USERNAME="admin", MLFLOW_TRACKING_PASSWORD=password)
        self.client = MlflowClient(tracking_uri=platform.front.url)
        mlflow.set_tracking_uri(platform.front.url)

    @property
    def experiment(self) -> str:
        """The identifier of the experiment that everything is in."""
        return str(mlflow.set_experiment("backed up").experiment_id)

    def log(self, folder: Path, number: int, logged: Logged) -> str:
        """Log a run with artifacts of several kinds."""
        files = {
            "numbers.csv.gz": gzip.compress(b"1,2,3\n" * 100, mtime=0),
            "ä b+ü.txt": f"run {number}".encode(),
            "odd*[1].bin": os.urandom(1000 + number),
            "big.bin" if number == 0 else "small.bin": os.urandom(BIG_BYTES if number == 0 else 20000),
        }
        place = folder / str(number)
        place.mkdir()
        for name, content in files.items():
            (place / name).write_bytes(content)
        run = self.client.create_run(self.experiment)
        run_id = str(run.info.run_id)
        self.client.log_param(run_id, "number", number)
        for step in range(3):
            self.client.log_metric(run_id, "loss", number + step / 10, step=step)
        self.client.log_artifacts(run_id, str(place), "made")
        self.client.set_terminated(run_id)
        logged.runs[run_id] = ({"number": str(number)}, {"loss": number + 0.2})
        logged.artifacts[run_id] = {f"made/{name}": content for name, content in files.items()}
        return run_id

    def log_runs(self, folder: Path, count: int) -> Logged:
        """Log some runs, and make a model of the first one."""
        logged = Logged()
        runs = [self.log(folder, number, logged) for number in range(count)]
        self.register(runs[0], logged)
        return logged

    def register(self, run_id: str, logged: Logged) -> None:
        """Make a version of a model from a run."""
        self.client.create_registered_model("forecast")
        uri = f"runs:/{run_id}/made"
        self.client.create_model_version("forecast", uri, run_id)
        logged.models["forecast"] = run_id

    def assert_holds(self, logged: Logged, folder: Path) -> None:
        """Every run, model and artifact is there as it was logged."""
        for run_id, (params, metrics) in logged.runs.items():
            data = self.client.get_run(run_id).data
            assert (dict(data.params), dict(data.metrics)) == (params, metrics)
            assert len(self.client.get_metric_history(run_id, "loss")) == 3
        for run_id, files in logged.artifacts.items():
            target = folder / run_id
            target.mkdir(parents=True)
            fetched = Path(self.client.download_artifacts(run_id, "made", str(target)))
            assert {f"made/{path.name}": path.read_bytes() for path in fetched.iterdir()} == files
        for name, run_id in logged.models.items():
            (version,) = self.client.search_model_versions(f"name='{name}'")
            assert version.run_id == run_id
