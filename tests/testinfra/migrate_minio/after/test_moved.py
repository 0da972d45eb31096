"""MLflow works with RustFS, which holds what MinIO holds, byte for byte; MinIO was not changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..conftest import MANIFEST

if TYPE_CHECKING:
    from ...conftest import Platform

Contents = dict[str, dict[str, dict[str, Any]]]
REPORT = "/opt/mlflow/migration/report.json"


def test_every_object_is_the_same(minio: Callable[[], Contents], rustfs: Callable[[], Contents]) -> None:
    source, target = minio(), rustfs()
    assert source.keys() == target.keys()
    for bucket, objects in source.items():
        assert objects.keys() == target[bucket].keys()
        for key, described in objects.items():
            assert target[bucket][key] == described, (bucket, key)
    assert len(source["mlflow"]) > 40


def test_mlflow_has_the_new_store_and_its_limited_key(platform: Platform) -> None:
    environment = dict(line.split("=", 1) for line in platform.container("mlflow")["Config"]["Env"])
    assert environment["MLFLOW_S3_ENDPOINT_URL"] == "http://rustfs:9000"
    assert "old_default" not in platform.container("mlflow")["NetworkSettings"]["Networks"]
    assert platform.secret("mlflow_s3_access_key") == "mlflow-artifacts"


def test_the_client_finds_everything_again(client_program: Callable[..., None]) -> None:
    client_program("check.py", str(MANIFEST))


def test_the_client_writes_again(client_program: Callable[..., None], rustfs: Callable[[], Contents]) -> None:
    before = len(rustfs()["mlflow"])
    client_program(
        "fill.py", str(MANIFEST.with_name("after.json")), "--runs", "1", "--traces", "0", "--prefix", "after "
    )
    assert len(rustfs()["mlflow"]) > before


def test_nothing_is_half_done(platform: Platform) -> None:
    state = json.loads(platform.host.file(REPORT.replace("report", "state")).content_string)
    assert state["phase"] == "moved"
    assert "standby" not in platform.host.check_output("docker ps --all --format '{{.Names}}'")
    assert not platform.host.file("/opt/mlflow/migration/standby").exists


def test_the_report_says_so(platform: Platform) -> None:
    report = json.loads(platform.host.file(REPORT).content_string)
    assert report["outcome"] == "moved"
    # Also of what the runs saw that were killed.
    assert report["verdict"]["level"] == "good", report["verdict"]
    assert report["totals"]["same"] == report["totals"]["objects"] > 40
    assert next(row["objects"] for row in report["passes"] if row["pass"] == "mirror") > 40
    assert report["sample"]
    assert report["carried"]
    assert report["frozen_seconds"] > 0
    page = platform.host.file(REPORT.replace(".json", ".html"))
    assert not re.search(r"(?:src|href|url)\W{1,3}https?:", page.content_string), "the page needs nothing but itself"


def test_no_secret_is_left_behind(platform: Platform) -> None:
    for name, secret in platform.secrets().items():
        found = platform.host.run("grep -rlF -- %s /opt/mlflow/migration", secret).stdout
        assert not found, (name, found)
