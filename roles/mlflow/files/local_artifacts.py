"""Keep the server from reading and writing its own files for its users.

MLflow takes a folder of the server as the artifact location of an experiment: whoever makes one with /run/secrets or
/proc/self could read the database's password and the object store's key through the API. Here a local folder is one
below the server's own artifact destination, or it is refused. Found by MLflow as an entry point.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.store.artifact import artifact_repository_registry
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository


def own_folder() -> Path | None:
    """Return the folder that the server keeps artifacts in, or None where an object store has them."""
    destination = os.environ.get("MLFLOW_ARTIFACTS_DESTINATION", "")
    return Path(destination).resolve() if destination.startswith("/") else None


class OwnFolderRepository(LocalArtifactRepository):
    """Artifacts in the server's own folder and nowhere else on it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        own = own_folder()
        if own is None or not Path(self.artifact_dir).resolve().is_relative_to(own):
            raise MlflowException(
                "Artifacts are not kept in folders of this server: make the experiment without an artifact location.",
                error_code=PERMISSION_DENIED,
            )


# An entry point cannot have the empty name, which stands for a path without a scheme.
artifact_repository_registry._artifact_repository_registry.register("", OwnFolderRepository)
