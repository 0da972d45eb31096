"""A bucket of a MinIO with a certificate of an own authority is listed, copied by mc, and compared."""

from __future__ import annotations

import datetime
import ipaddress
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_arrival import Arrivals
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_job import Job
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_runs import Runs
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import client, store_of
from ansible_collections.onprem.mlflow.plugins.modules import s3_inventory
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lab import names, up
from lab.catalogue import MC, MINIO
from lab.console import Console
from lab.rustfs import layout
from tests.contract.support import File, Launcher, Trial, compare

pytestmark = pytest.mark.contract

KEY, SECRET = "tls-root", "tls-secret"
BUCKET = "guarded"
OBJECTS = {f"runs/{number} ü+/model.bin": bytes([number]) * (number << 10) for number in range(1, 31)}
COPY_SECONDS = 120
Store = dict[str, str]


def certificate() -> tuple[bytes, bytes]:
    """Return a certificate that vouches for itself at any address containers are given, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "minio")])
    now = datetime.datetime.now(datetime.UTC)
    addresses = [x509.IPAddress(address) for address in ipaddress.ip_network("172.17.0.0/25").hosts()]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return made.public_bytes(serialization.Encoding.PEM), private


def start(launcher: Launcher, folder: Path, name: str) -> Store:
    public, private = certificate()
    trial: Trial = launcher.start(
        MINIO,
        command=["server", "--certs-dir", "/certs", "/data"],
        environment={"MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET},
        files={"/certs/public.crt": File(public), "/certs/private.key": File(private)},
    )
    trusted = folder / f"{name}.pem"
    trusted.write_bytes(public)
    url = f"https://{trial.address()}:9000"
    store = {"endpoint_url": url, "access_key": KEY, "secret_key": SECRET, "ca_certificate": str(trusted)}

    def ready() -> bool:
        try:
            client(store_of(store)).list_buckets()
        except Exception:
            return False
        return True

    trial.wait_until(ready)
    client(store_of(store)).create_bucket(Bucket=BUCKET)
    return store


@pytest.fixture(scope="module")
def stores(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Store]:
    up.images_only(Console(), [MINIO.folder, MC.folder], layout.DEFAULT_PROFILE)
    folder = tmp_path_factory.mktemp("authorities")
    found = {name: start(launcher, folder, name) for name in ("source", "target")}
    side = client(store_of(found["source"]))
    for key, body in OBJECTS.items():
        side.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata={"n": str(len(body))})
    return found


def inventory(store: Store) -> dict[str, Any]:
    return s3_inventory.take({"store": store, "buckets": [], "inspect_objects": False, "workers": 4})


def docker(words: Sequence[str]) -> tuple[int, str, str]:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_the_copy_is_made_and_found_the_same(launcher: Launcher, stores: dict[str, Store], tmp_path: Path) -> None:
    assert inventory(stores["source"])["buckets"][0]["objects"] == len(OBJECTS)
    source, target = (store_of(store) for store in stores.values())
    job = Job(
        project=f"{names.PREFIX}-contract",
        directory=str(tmp_path),
        image=launcher.image(MC),
        source=source,
        target=target,
        bucket=BUCKET,
        target_bucket=BUCKET,
        prefix="",
    )
    runs = Runs(job, docker, Arrivals(client(source), client(target), BUCKET, BUCKET))
    try:
        assert runs.begin()
        assert not runs.follow(COPY_SECONDS)
    finally:
        docker(("rm", "--force", job.container))
    copied = runs.result(0, 0)
    assert (copied["objects"], copied["failed"], copied["errors"]) == (len(OBJECTS), [], [])

    result = compare(stores, BUCKET)
    assert (result["equal"], result["same"]) == (True, len(OBJECTS))
    client(target).put_object(Bucket=BUCKET, Key="runs/1 ü+/model.bin", Body=b"x" * 1024, Metadata={"n": "1024"})
    assert compare(stores, BUCKET)["different_count"] == 1


def test_the_authority_of_another_is_refused(stores: dict[str, Store]) -> None:
    wrong = {**stores["source"], "ca_certificate": stores["target"]["ca_certificate"]}
    with pytest.raises(InputError, match="does not vouch for the certificate of https://"):
        inventory(wrong)
