"""The old stacks of the scenario, one after the other, and the clients of old and new."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ..conftest import ROOT

if TYPE_CHECKING:
    from ..conftest import Platform, PlayResult

PROGRAMS = ROOT / "tests" / "old_stacks"
BACKUPS = "/opt/mlflow/backups/adopt"


@dataclass(frozen=True)
class Kind:
    """What differs between the two stacks."""

    name: str
    engine: str
    port: int
    mlflow: str
    database: str
    store: str
    s3_port: int
    s3_key: str
    s3_secret: str
    # All URIs of artifacts that clients write themselves are below it.
    s3_base: str


KINDS = (
    Kind(
        *("mysql_minio", "mysql", 15000, "mysql_minio-mlflow-1", "mysql_minio-mysql-1", "mysql_minio-minio-1"),
        *(19000, "minioadmin", "minioadmin", "s3://mlflow/artifacts"),
    ),
    Kind(
        *("postgres_minio", "postgres", 5000, "postgres_minio-tracking-1", "postgres_minio-db-1"),
        *("postgres_minio-minio-1", 9000, "rootuser", "root$ecret-4711", "s3://experiments/runs"),
    ),
)


class OldStack:
    """One of them, on the scenario's server."""

    def __init__(self, kind: Kind, platform: Platform) -> None:
        self.kind = kind
        self.platform = platform
        self.folder = f"/srv/{kind.name}"
        self.manifest = ROOT / ".cache" / f"adopt-{kind.name}.json"
        self.lines: dict[str, Any] = {}

    def run(self, command: str) -> str:
        return str(self.platform.host.check_output(command))

    def start(self) -> None:
        began = time.monotonic()
        self.run(f"cd {self.folder} && DOCKER_BUILDKIT=0 docker compose up --detach --build 2>&1")
        self.wait()
        print(f"{self.kind.name} runs after {time.monotonic() - began:.0f} s")

    def wait(self) -> None:
        """Wait until its MLflow answers from its database."""
        ask = "/api/2.0/mlflow/experiments/search?max_results=1"
        for _attempt in range(120):
            try:
                urllib.request.urlopen(f"http://{self.platform.address}:{self.kind.port}{ask}", timeout=5).read()
            except OSError:
                time.sleep(1)
            else:
                return
        raise AssertionError(self.run(f"docker logs --tail 30 {self.kind.mlflow} 2>&1"))

    def remove(self) -> None:
        """Make room for the next one, with the platform that took this one over."""
        self.run("cd /opt/mlflow && docker compose --profile '*' down --timeout 5 2>&1")
        self.run("rm -r /opt/mlflow")
        self.run(f"cd {self.folder} && docker compose down --volumes --timeout 5 2>&1")

    def containers(self) -> dict[str, str]:
        """The state of each container of the project: running, exited, created."""
        listed = self.run(
            f"docker ps --all --filter label=com.docker.compose.project={self.kind.name}"
            " --format '{{.Names}} {{.State}}'"
        )
        return dict(line.split() for line in listed.splitlines())

    def everything(self) -> str:
        """What a run that changes nothing leaves as it is."""
        return self.run(
            "docker ps --all --no-trunc --format '{{.ID}} {{.State}}' | sort; docker network ls --quiet | sort;"
            # A database writes to its own files, whoever looks.
            " find /opt /etc/docker -path /opt/mlflow/data -prune -o -printf '%p %s %T@\\n' | sort;"
            " dpkg --list | sha256sum"
        )

    def adopt(self, *, check: bool = False, **variables: Any) -> PlayResult:
        return self.platform.play("playbooks/adopt.yml", check=check, **{**self.words, **variables})

    @property
    def words(self) -> dict[str, str]:
        return {"adopt_project": self.kind.name, "mlflow_platform_database": self.kind.engine}

    @property
    def options(self) -> list[str]:
        return [word for name, value in self.words.items() for word in ("--extra-vars", f"{name}={value}")]

    def site(self) -> PlayResult:
        """Run site.yml with the lines that adopt.yml wrote for the inventory."""
        self.lines = yaml.safe_load(self.run(f"cat {BACKUPS}/inventory.yml"))
        return self.platform.site(**self.lines)

    def rewrite(self, *, check: bool = False, **variables: Any) -> PlayResult:
        return self.platform.play(
            "playbooks/rewrite_artifact_uris.yml", check=check, **{**self.lines, **self.rules, **variables}
        )

    @property
    def rules(self) -> dict[str, Any]:
        return {"artifact_uris_rules": [{"from": self.kind.s3_base, "to": "mlflow-artifacts:/"}]}

    def old_client(self, program: str, *words: str) -> str:
        """Run a program as a user of the old stack, who has S3 keys."""
        return self._client(program, *words, address=f"http://{self.platform.address}:{self.kind.port}", keys=True)

    def client(self, program: str, *words: str, keys: bool = False) -> str:
        """Run a program as a user of the platform."""
        return self._client(program, *words, address="http://mlflow.lab:15000", keys=keys)

    def _client(self, program: str, *words: str, address: str, keys: bool) -> str:
        login = {
            "MLFLOW_TRACKING_USERNAME": "admin",
            "MLFLOW_TRACKING_PASSWORD": self.platform.password("admin") if "lab" in address else "",
        }
        s3 = {
            "MLFLOW_S3_ENDPOINT_URL": f"http://{self.platform.address}:{self.kind.s3_port}",
            "AWS_ACCESS_KEY_ID": self.kind.s3_key,
            "AWS_SECRET_ACCESS_KEY": self.kind.s3_secret,
        }
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MLFLOW_"))}
        environment |= {"MLFLOW_TRACKING_URI": address, "AWS_EC2_METADATA_DISABLED": "true"}
        environment |= (login if "lab" in address else {}) | (s3 if keys else {})
        command = [sys.executable, str(Path(__file__).with_name("as_client.py")), self.platform.address]
        done = subprocess.run(
            [*command, str(PROGRAMS / program), *words], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout


@pytest.fixture(scope="session", params=KINDS, ids=lambda kind: kind.name)
def stack(request: pytest.FixtureRequest, platform: Platform) -> Iterator[OldStack]:
    old = OldStack(request.param, platform)
    old.start()
    yield old
    old.remove()


@pytest.fixture
def no_database(stack: OldStack) -> None:
    """What does not depend on the database is tried on one stack."""
    if stack.kind is not KINDS[-1]:
        pytest.skip("does not depend on the database: the other stack shows it")
