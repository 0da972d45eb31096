"""Remove for good what users have deleted in MLflow longer ago than so many days: rows, and files.

As `mlflow gc` does, with two differences. The files of logged models go with their run or experiment, which `mlflow gc`
leaves where they are. And what a version of a registered model comes from stays.
"""

from __future__ import annotations

import os
import sys
import time
from urllib.parse import urlsplit

import sqlalchemy
from mlflow.entities import LifecycleStage
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.model_registry.dbmodels.models import SqlModelVersion
from mlflow.store.tracking.dbmodels.models import SqlExperiment, SqlLoggedModel, SqlRun
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

DESTINATION = os.environ["MLFLOW_ARTIFACTS_DESTINATION"]
# Versions that were deleted keep their row under this stage.
DELETED_VERSION = "Deleted_Internal"


def direct(uri: str) -> str:
    """Return where MLflow's server keeps what it gives out under a URI of its own."""
    parts = urlsplit(uri)
    return f"{DESTINATION.rstrip('/')}/{parts.path.lstrip('/')}" if parts.scheme == "mlflow-artifacts" else uri


def remove_files(uri: str) -> None:
    """Remove the artifacts below a URI; what is not there is no error."""
    get_artifact_repository(direct(uri)).delete_artifacts()


class Chosen:
    """What is to go, and what a registered model keeps."""

    def __init__(self, session: sqlalchemy.orm.Session, before: int) -> None:
        """Look for what was deleted before a time, in milliseconds."""
        versions = session.query(SqlModelVersion).filter(SqlModelVersion.current_stage != DELETED_VERSION)
        sources = [(version.run_id, version.source or "") for version in versions]
        kept_runs = {run for run, _source in sources if run}
        kept_models = {source.removeprefix("models:/") for _run, source in sources if source.startswith("models:/m-")}

        old = session.query(SqlExperiment).filter(
            SqlExperiment.lifecycle_stage == LifecycleStage.DELETED, SqlExperiment.last_update_time < before
        )
        experiments = {experiment.experiment_id for experiment in old}
        runs = session.query(SqlRun).filter(SqlRun.lifecycle_stage == LifecycleStage.DELETED)
        gone = {
            run.run_uuid: run
            for run in runs
            if run.experiment_id in experiments or (run.deleted_time or before) < before
        }
        models = {
            model.model_id: model
            for model in session.query(SqlLoggedModel)
            if model.experiment_id in experiments
            or model.source_run_id in gone
            or (model.lifecycle_stage == LifecycleStage.DELETED and model.last_updated_timestamp_ms < before)
        }
        # The run of a logged model that stays does, too.
        kept_models &= models.keys()
        kept_runs |= {models[name].source_run_id for name in kept_models}
        kept_experiments = {gone[name].experiment_id for name in kept_runs if name in gone}
        kept_experiments |= {models[name].experiment_id for name in kept_models}
        active = session.query(SqlRun.experiment_id).filter(SqlRun.lifecycle_stage == LifecycleStage.ACTIVE)
        kept_experiments |= {experiment for (experiment,) in active}

        self.kept = len(kept_runs & gone.keys()) + len(kept_models)
        self.runs = [(name, run.artifact_uri) for name, run in gone.items() if name not in kept_runs]
        self.models = [(name, model.artifact_location) for name, model in models.items() if name not in kept_models]
        self.experiments = sorted(experiments - kept_experiments)


def main() -> None:
    days = int(sys.argv[1])
    before = int((time.time() - days * 86400) * 1000)
    store = SqlAlchemyStore(os.environ["MLFLOW_BACKEND_STORE_URI"], DESTINATION)
    with store.ManagedSessionMaker() as session:
        chosen = Chosen(session, before)
    # Files first: what is interrupted is found again by its row.
    for name, uri in chosen.models:
        remove_files(uri)
        store._hard_delete_logged_model(name)
    for name, uri in chosen.runs:
        remove_files(uri)
        store._hard_delete_run(name)
    for experiment in chosen.experiments:
        store._hard_delete_experiment(str(experiment))
    print(
        f"Deleted in MLflow more than {days} days ago, and removed for good now: {len(chosen.runs)} runs,"
        f" {len(chosen.models)} logged models, {len(chosen.experiments)} experiments. Kept for registered models:"
        f" {chosen.kept}.",
        flush=True,
    )


if __name__ == "__main__":
    main()
