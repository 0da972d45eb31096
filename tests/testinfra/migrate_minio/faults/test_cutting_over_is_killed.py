"""A run that is killed while MLflow is frozen is gone on with, or taken back; what changes meanwhile comes along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..conftest import minio_client

if TYPE_CHECKING:
    from ...conftest import Platform

PLAYBOOK = "playbooks/migrate_minio.yml"
ROLLBACK = "playbooks/migrate_minio_rollback.yml"
STANDBY = "mlflow-mlflow-standby"
STATE = "/opt/mlflow/migration/state.json"
FILES = "find /opt/mlflow -path /opt/mlflow/data -prune -o -printf '%p %T@\\n' | sort"


def phase(platform: Platform) -> str:
    return str(platform.host.check_output("python3 -c %s", f"import json; print(json.load(open('{STATE}'))['phase'])"))


def store(platform: Platform) -> str:
    """The address of the store that MLflow has."""
    environment = dict(line.split("=", 1) for line in platform.container("mlflow")["Config"]["Env"])
    return str(environment["MLFLOW_S3_ENDPOINT_URL"])


def names(platform: Platform) -> list[str]:
    """The containers that run."""
    return str(platform.host.check_output("docker ps --format '{{.Names}}'")).split()


def write_status(platform: Platform) -> int:
    """What a client is answered that wants to write."""
    login = "admin", platform.password("admin")
    return platform.request("/api/2.0/mlflow/runs/create", login, method="POST").status


def kill_in(platform: Platform, task: str) -> None:
    platform.play_until(PLAYBOOK, task)


def change_both_sides(platform: Platform, s3: Any) -> None:
    """Do what clients and people may do between the first comparison and the freeze."""
    s3.put_object(Bucket="mlflow", Key="between/new", Body=b"new")
    s3.delete_object(Bucket="mlflow", Key="between/gone")
    s3.put_object(Bucket="mlflow", Key="between/changed", Body=b"as it is.")
    s3.put_object_tagging(Bucket="mlflow", Key="between/tagged", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    # Of the same size and newer: mc takes it for the same.
    platform.write("/run/newer", "as wanted")
    root = platform.secret("rustfs_root_access_key"), platform.secret("rustfs_root_secret_key")
    assert minio_client(platform, root=root)("cp /run/newer root/mlflow/between/newer").succeeded


def test_check_mode_predicts_and_changes_nothing(platform: Platform) -> None:
    before = platform.host.check_output(FILES)
    result = platform.play(PLAYBOOK, check=True)
    result.assert_ok()
    assert "onprem.mlflow.minio_migration : Predict the switch" in result.changed
    assert platform.host.check_output(FILES) == before


def test_killed_while_the_rest_is_copied(platform: Platform, s3: Any) -> None:
    frozen = False
    with platform.playing(PLAYBOOK) as process:
        for line in process.stdout or ():
            if "draw | Draw a sample of artifacts" in line:
                change_both_sides(platform, s3)
            frozen = frozen or "freeze | Answer writes with 503" in line
            if frozen and "copy_again | Copy what differs again" in line:
                break
    assert phase(platform) == "frozen"
    assert write_status(platform) == 503
    assert platform.login_status("admin", platform.password("admin")) == 200


def test_site_does_not_lift_the_freeze(platform: Platform) -> None:
    refused = platform.site()
    assert "A move between MinIO and RustFS was interrupted" in refused.message
    assert refused.changed == []
    assert write_status(platform) == 503


def test_killed_again_while_requests_are_led_to_the_standby(platform: Platform) -> None:
    kill_in(platform, "cut_over | Lead reading requests to the standby")
    assert phase(platform) == "switching"
    assert write_status(platform) == 503


def test_mlflow_can_have_minio_back_at_once(platform: Platform) -> None:
    before = platform.container("mlflow")["State"]["StartedAt"]
    platform.play(ROLLBACK).assert_ok()
    assert phase(platform) == "copying"
    assert store(platform) == platform.variables["mlflow_s3"]["endpoint_url"]
    assert platform.container("mlflow")["State"]["StartedAt"] == before
    assert STANDBY not in names(platform)
    # Not accepted as it is, but taken.
    assert write_status(platform) == 400


def test_killed_while_the_sample_is_read(platform: Platform) -> None:
    kill_in(platform, "cut_over | Read the sample through MLflow again")
    assert phase(platform) == "switching"
    assert write_status(platform) == 503


def test_killed_while_mlflow_itself_gets_rustfs(platform: Platform) -> None:
    """The next run, which the scenario does, has to bring this to its end."""
    kill_in(platform, "up | Start mlflow")
    assert phase(platform) == "settling"
    assert STANDBY in names(platform)
    assert write_status(platform) == 400
    for refused in (platform.site(), platform.play(ROLLBACK)):
        assert "migrate_minio.yml" in refused.message
        assert "interrupted" in refused.message
