"""Bad input is one sentence, before anything is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ...conftest import Platform

PLAYBOOK = "playbooks/migrate_minio.yml"
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "no MinIO": ({"mlflow_platform_artifact_store": "local"}, "mlflow_platform_artifact_store: found 'local'"),
    "another name": ({"bucket_name": "models"}, "bucket_name: found 'models'"),
    "no administrator": ({"minio_migration_source": {}}, "minio_migration_source: lacks endpoint_url"),
    "unknown bucket": (
        {"minio_migration_buckets": [{"name": "nobodys"}]},
        "minio_migration_buckets: there is no bucket",
    ),
    "no folder": (
        {"minio_migration_buckets": [{"name": "mlflow", "prefix": "arti"}]},
        "minio_migration_buckets: mc copies folders, write each prefix with a slash at its end",
    ),
    "unknown prefix": (
        {"minio_migration_buckets": [{"name": "mlflow", "prefix": "nothing/"}]},
        "begins with 'nothing/', write a prefix that exists",
    ),
    "twice the same": (
        {"minio_migration_buckets": [{"name": "mlflow"}, {"name": "mlflow", "prefix": "artifacts/"}]},
        "minio_migration_buckets: 'mlflow' is there twice",
    ),
}
SOURCES: dict[str, tuple[dict[str, str], str]] = {
    "wrong access key": ({"access_key": "nobody"}, "does not know the access key 'nobody'"),
    "wrong secret": ({"secret_key": "wrong-secret"}, "refuses its secret"),
    "https for http": ({"endpoint_url": "https://127.0.0.1:9000"}, "write http:// instead of https://"),
    "http for https": ({"endpoint_url": "http://127.0.0.1:9443"}, "write https:// instead of http://"),
    "nobody there": ({"endpoint_url": "http://127.0.0.1:9"}, "cannot be reached from this server"),
    "no S3": ({"endpoint_url": "http://127.0.0.1:15000"}, "does not speak S3"),
    "unknown authority": (
        {"endpoint_url": "https://127.0.0.1:9443"},
        "minio_migration_source.ca_certificate: is empty",
    ),
}
CERTIFICATES = "/srv/certificates"


@pytest.fixture(scope="module")
def minio_with_tls(platform: Platform) -> None:
    """Another MinIO, whose certificate nobody vouches for."""
    platform.host.check_output(f"mkdir -p {CERTIFICATES}")
    platform.host.check_output(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=minio -addext subjectAltName=IP:127.0.0.1"
        f" -keyout {CERTIFICATES}/private.key -out {CERTIFICATES}/public.crt"
    )
    variables = platform.variables
    platform.write(
        "/run/minio.env",
        f"MINIO_ROOT_USER={variables['old_minio_access_key']}\nMINIO_ROOT_PASSWORD={variables['old_minio_secret_key']}\n",
    )
    platform.host.check_output(
        "docker run --detach --name tls-minio --env-file /run/minio.env --publish 9443:9000"
        f" --volume {CERTIFICATES}:/certificates:ro minio/minio:latest server --certs-dir /certificates /data"
    )


def refused(platform: Platform, sentence: str, **variables: Any) -> None:
    result = platform.play(PLAYBOOK, "--tags", "check", **variables)
    assert result.returncode != 0
    assert sentence in result.message, result.message
    assert result.changed == []
    assert "Traceback" not in result.output


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_moved(platform: Platform, case: str) -> None:
    variables, sentence = CASES[case]
    refused(platform, sentence, **variables)


@pytest.mark.parametrize("case", SOURCES)
@pytest.mark.usefixtures("minio_with_tls")
def test_where_minio_is_not(platform: Platform, case: str) -> None:
    wrong, sentence = SOURCES[case]
    refused(platform, sentence, minio_migration_source={**platform.variables["minio_migration_source"], **wrong})


@pytest.mark.usefixtures("minio_with_tls")
def test_a_minio_with_a_certificate(platform: Platform) -> None:
    source = {
        **platform.variables["minio_migration_source"],
        "endpoint_url": "https://127.0.0.1:9443",
        "ca_certificate": f"{CERTIFICATES}/public.crt",
    }
    result = platform.play(PLAYBOOK, "--tags", "check", minio_migration_source=source)
    result.assert_ok()
    platform.host.check_output("docker rm --force --volumes tls-minio")
