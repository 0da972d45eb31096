"""RustFS over four disks: what it says of itself, what clients reach from outside, and what its bucket keeps."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from mlflow.tracking import MlflowClient

if TYPE_CHECKING:
    from ...conftest import Platform
    from ...rustfs_admin import Ask

MEBIBYTE = 1 << 20


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


@pytest.fixture
def mlflow(platform: Platform, resolved: None, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", platform.secret("nginx_user_admin_password"))
    return MlflowClient("http://mlflow.lab:15000")


def test_rustfs_has_four_disks_and_the_parity(administrator: Ask) -> None:
    backend = administrator("info")["info"]["backend"]
    assert (backend["onlineDisks"], backend["offlineDisks"]) == (4, 0)
    assert backend["standardSCParity"] == 2
    assert backend["totalDrivesPerSet"] == [4]


def test_each_disk_has_its_part(platform: Platform, mlflow: MlflowClient, bucket: Any) -> None:
    experiment = mlflow.get_experiment_by_name("stores")
    run = mlflow.create_run(experiment.experiment_id if experiment else mlflow.create_experiment("stores"))
    mlflow.log_text(run.info.run_id, "of a run", "note.txt")
    keys = [item["Key"] for item in bucket.list_objects_v2(Bucket="mlflow")["Contents"]]
    (key,) = (key for key in keys if key.endswith(f"{run.info.run_id}/artifacts/note.txt"))
    for number in range(4):
        assert platform.host.file(f"/srv/disk{number}/rustfs/mlflow/{key}").is_directory
    assert not platform.host.file("/opt/mlflow/data/rustfs").exists


def test_clients_come_through_the_virtual_host(platform: Platform, bucket: Any, tmp_path: Path) -> None:
    content = os.urandom(20 * MEBIBYTE)
    (tmp_path / "model.bin").write_bytes(content)
    bucket.upload_file(str(tmp_path / "model.bin"), "mlflow", "own/model ä+%2F.bin")
    assert bucket.head_object(Bucket="mlflow", Key="own/model ä+%2F.bin")["ETag"].endswith('-3"'), "in parts"
    found = bucket.list_objects_v2(Bucket="mlflow", Prefix="own/")["Contents"]
    assert [(item["Key"], item["Size"]) for item in found] == [("own/model ä+%2F.bin", len(content))]

    bucket.download_file("mlflow", "own/model ä+%2F.bin", str(tmp_path / "back"))
    assert hashlib.sha256((tmp_path / "back").read_bytes()).digest() == hashlib.sha256(content).digest()
    address = bucket.generate_presigned_url("get_object", {"Bucket": "mlflow", "Key": "own/model ä+%2F.bin"})
    parts = urlsplit(address)
    answer = platform.request(f"{parts.path}?{parts.query}", host=parts.netloc)
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(content).digest()
    bucket.delete_object(Bucket="mlflow", Key="own/model ä+%2F.bin")


def test_large_artifacts_go_past_mlflow(
    platform: Platform, mlflow: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("UPLOAD_MINIMUM_FILE_SIZE", "UPLOAD_CHUNK_SIZE", "DOWNLOAD_MINIMUM_FILE_SIZE", "DOWNLOAD_CHUNK_SIZE"):
        monkeypatch.setenv(f"MLFLOW_MULTIPART_{name}", str(6 * MEBIBYTE))
    content = os.urandom(15 * MEBIBYTE)
    (tmp_path / "large.bin").write_bytes(content)
    run_id = mlflow.create_run(mlflow.create_experiment(f"direct {os.urandom(4).hex()}")).info.run_id
    mlflow.log_artifact(run_id, str(tmp_path / "large.bin"))
    (tmp_path / "back").mkdir()
    back = mlflow.download_artifacts(run_id, "large.bin", str(tmp_path / "back"))
    assert hashlib.sha256(Path(back).read_bytes()).digest() == hashlib.sha256(content).digest()

    requests = re.findall(rf'"(GET|PUT) (/\S*{run_id}/artifacts/large.bin\S*) ', platform.access_log())
    assert not re.search(r"X-Amz-Signature=[0-9a-f]", platform.compose("logs", "nginx")), "a signature is in the log"
    parts = {target for method, target in requests if method == "PUT" and "X-Amz-Signature=" in target}
    assert len(parts) == 3, "three parts with addresses that MLflow signed"
    assert not [target for method, target in requests if method == "PUT" and "/mlflow-artifacts/" in target]
    downloads = [target for method, target in requests if method == "GET" and "X-Amz-Signature=" in target]
    assert len(downloads) == 3


def test_the_key_is_limited_from_outside_too(bucket: Any, root: Any) -> None:
    root.create_bucket(Bucket="elsewhere")
    try:
        with pytest.raises(ClientError) as refused:
            bucket.list_objects_v2(Bucket="elsewhere")
        assert code(refused) == "AccessDenied"
        assert [item["Name"] for item in bucket.list_buckets()["Buckets"]] == ["mlflow"]
    finally:
        root.delete_bucket(Bucket="elsewhere")


@pytest.mark.parametrize("path", ["/rustfs/admin/v3/info", "/minio/admin/v3/info", "/rustfs/console/", "/rustfs/rpc/x"])
def test_the_virtual_host_of_s3_is_for_objects_only(platform: Platform, path: str) -> None:
    assert platform.request(path, host="s3.lab:15000").status == 403


def test_console_answers(platform: Platform) -> None:
    redirect = platform.request("/", host="console.lab:15000")
    assert (redirect.status, redirect.headers["location"]) == (302, "/rustfs/console/")
    assert platform.request("/rustfs/console/health", host="console.lab:15000").status == 200
    assert platform.request("/rustfs/admin/v3/info", host="console.lab:15000").status == 403, "without a key"


def test_bucket_keeps_versions_for_a_while(root: Any) -> None:
    assert root.get_bucket_versioning(Bucket="mlflow")["Status"] == "Enabled"
    rules = {rule["ID"]: rule for rule in root.get_bucket_lifecycle_configuration(Bucket="mlflow")["Rules"]}
    noncurrent, uploads = rules["onprem-noncurrent-versions"], rules["onprem-incomplete-uploads"]
    assert noncurrent["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30
    assert noncurrent["Expiration"]["ExpiredObjectDeleteMarker"] is True
    assert uploads["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 7
    for body in (b"old", b"new"):
        root.put_object(Bucket="mlflow", Key="own/twice", Body=body)
    root.delete_object(Bucket="mlflow", Key="own/twice")
    versions = root.list_object_versions(Bucket="mlflow", Prefix="own/twice")
    assert (len(versions["Versions"]), len(versions["DeleteMarkers"])) == (2, 1)
    oldest = min(versions["Versions"], key=lambda version: version["LastModified"])
    old = root.get_object(Bucket="mlflow", Key="own/twice", VersionId=oldest["VersionId"])
    assert old["Body"].read() == b"old"


def test_all_clocks_show_the_time_zone(platform: Platform) -> None:
    for service in ("mysql", "rustfs", "mlflow", "nginx"):
        assert platform.compose(f"exec -T {service} date +%%z").strip() == "+0530", service
