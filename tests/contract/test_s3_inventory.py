"""The inventory of real MinIO servers with what cannot come along because it leads elsewhere."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import client, store_of
from ansible_collections.onprem.mlflow.plugins.modules import s3_inventory

from lab import up
from lab.catalogue import MC, MINIO
from lab.console import Console
from lab.rustfs import layout
from tests.contract.support import Launcher, Trial, answers

pytestmark = pytest.mark.contract

KEY, SECRET = "inventory-root", "inventory-secret"
BUCKET = "elsewhere"
ARN = "arn:minio:sqs::lab:webhook"


@pytest.fixture(scope="module")
def minio(launcher: Launcher) -> Trial:
    """A MinIO that knows where to send what happens, and another one that it replicates to."""
    up.images_only(Console(), [MINIO.folder, MC.folder], layout.DEFAULT_PROFILE)
    trials = [
        launcher.start(
            MINIO,
            command=["server", "/data"],
            environment={
                "MINIO_ROOT_USER": KEY,
                "MINIO_ROOT_PASSWORD": SECRET,
                "MINIO_NOTIFY_WEBHOOK_ENABLE_lab": "on",
                "MINIO_NOTIFY_WEBHOOK_ENDPOINT_lab": "http://127.0.0.1:1/events",
                "MINIO_NOTIFY_WEBHOOK_QUEUE_DIR_lab": "/tmp/events",
            },
        )
        for _ in range(2)
    ]
    for trial in trials:
        trial.wait_until(partial(answers, f"{url(trial)}/minio/health/ready"))
        side = client(store_of(store(trial)))
        side.create_bucket(Bucket=BUCKET)
        side.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    here, there = trials
    remote = f"http://{KEY}:{SECRET}@{there.address()}:9000/{BUCKET}"
    replicate = launcher.start(
        MC,
        entrypoint=["sh", "-c"],
        command=[
            f"mc alias set here {url(here)} {KEY} {SECRET} && mc replicate add here/{BUCKET} --remote-bucket {remote}"
        ],
    )
    assert replicate.ended() == 0, replicate.log()
    return here


def url(trial: Trial) -> str:
    return f"http://{trial.address()}:9000"


def store(trial: Trial) -> dict[str, str]:
    return {"endpoint_url": url(trial), "access_key": KEY, "secret_key": SECRET}


def test_what_leads_elsewhere_is_named(minio: Trial) -> None:
    side = client(store_of(store(minio)))
    side.put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": ARN, "Events": ["s3:ObjectCreated:*"]}]},
    )
    options: dict[str, Any] = {"store": store(minio), "buckets": [], "inspect_objects": False, "workers": 4}
    found = s3_inventory.take(options)
    limits = {limit["code"]: limit["text"] for limit in found["limits"]}
    assert limits["notifications"].startswith(f"Bucket {BUCKET}: 1 notifications are not carried over")
    assert limits["replication"].startswith(f"Bucket {BUCKET}: its replication is not carried over")
