"""Databases of another compose project on the scenario's server, and MLflow's client."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from mlflow.tracking import MlflowClient

from ..conftest import names_lead_to

if TYPE_CHECKING:
    from ..conftest import Platform, PlayResult


@dataclass(frozen=True)
class Elsewhere:
    """One of the databases, and the inventory that names it."""

    platform: Platform
    engine: str

    @property
    def container(self) -> str:
        return "mysql-elsewhere" if self.engine == "mysql" else "postgres-elsewhere"

    @property
    def way(self) -> dict[str, str]:
        """MySQL by the network of its project, PostgreSQL by a port that it publishes."""
        if self.engine == "mysql":
            return {"host": "mysql.elsewhere", "network": "databases_default"}
        return {"host": self.platform.address}

    def option(self, **more: Any) -> dict[str, Any]:
        option = {
            "engine": self.engine,
            "name": "mlflow",
            "user": "mlflow",
            "password": self.platform.variables["elsewhere_password"],
            "ca_certificate": self.certificate("authority"),
            **self.way,
            **more,
        }
        return {name: value for name, value in option.items() if value is not None}

    def certificate(self, name: str) -> str:
        return str(self.platform.host.file(f"/srv/databases/{name}.pem").content_string)

    def site(self, *, check: bool = False, moved: bool = False, **more: Any) -> PlayResult:
        return self.platform.site(
            check=check,
            mlflow_platform_database="external",
            mlflow_database=self.option(**more),
            mlflow_database_moved=moved,
        )

    def ask(self, statement: str, database: str = "mlflow") -> str:
        """Ask as the administrator of the database."""
        client = (
            "env MYSQL_PWD=root mysql --batch --skip-column-names %s --execute=%s"
            if self.engine == "mysql"
            else "psql --username=postgres --no-align --tuples-only %s --command=%s"
        )
        return str(self.platform.host.check_output(f"docker exec {self.container} {client}", database, statement))


def everything(platform: Platform) -> str:
    """What a run that is refused leaves as it is."""
    return str(
        platform.host.check_output(
            "docker ps --all --no-trunc --format '{{.ID}} {{.Names}}' | sort; docker network ls --quiet | sort;"
            " docker inspect --format '{{.Name}} {{.State.StartedAt}}' $(docker ps --quiet) | sort;"
            " find /opt/mlflow /etc/docker -path /opt/mlflow/data -prune -o -printf '%p %s %T@\\n' | sort"
        )
    )


def log_a_run(platform: Platform) -> None:
    """Log a run as a user does, and read it back."""
    with names_lead_to(platform.address, ("mlflow.lab",)), pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
        patch.setenv("MLFLOW_TRACKING_PASSWORD", platform.password("admin"))
        client = MlflowClient("http://mlflow.lab:15000")
        experiment = client.create_experiment(f"ä {uuid.uuid4().hex}")
        run = client.create_run(experiment).info.run_id
        client.log_metric(run, "loss", 0.25)
        client.log_text(run, "grüße 🙂", "note.txt")
        client.set_tag(run, "mood", "🙂")
        client.set_terminated(run)
        found = client.search_runs([experiment], "metrics.loss < 1")
        assert [item.info.run_id for item in found] == [run]
        assert found[0].data.tags["mood"] == "🙂"


def remove(platform: Platform) -> None:
    """Make room for a platform with another database."""
    platform.host.check_output("cd /opt/mlflow && docker compose --profile '*' down --timeout 5 2>&1")
    platform.host.check_output("rm -r /opt/mlflow")


@pytest.fixture(scope="module", params=["mysql", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, platform: Platform) -> Iterator[Elsewhere]:
    yield Elsewhere(platform, request.param)
    remove(platform)
