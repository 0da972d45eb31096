"""Something breaks for real, and the alert about it is raised, and goes when it is mended."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from ..conftest import PROJECT, eventually

if TYPE_CHECKING:
    from testinfra.host import Host

    from ..conftest import Platform
    from .conftest import Prometheus

# They wait for ten minutes before they are raised, so that they are begun first and looked at last.
SLOW = {"BackupTooOld", "CertificateEnds", "TimerFailed"}
BACKUPS = f"{PROJECT}/backups/last.json"
CERTIFICATE = f"{PROJECT}/config/nginx/tls/other.pem"


def certificate(days: int) -> str:
    """Make one that ends soon, as somebody may have brought it along."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "other.lab")])
    begins = datetime.now(UTC) - timedelta(days=1)
    ends = begins + timedelta(days=days + 1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begins, ends)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def date_backup(platform: Platform, started: datetime) -> None:
    """Let the last good backup be of another day, as its timer tells it."""
    told = json.loads(platform.host.file(BACKUPS).content_string)
    told["good"]["started"] = started.isoformat()
    platform.write(BACKUPS, json.dumps(told))


def test_what_is_no_hurry_is_not_raised_at_once(platform: Platform, server: Host, prometheus: Prometheus) -> None:
    date_backup(platform, datetime.now(UTC) - timedelta(hours=31))
    platform.write(CERTIFICATE, certificate(days=3))
    server.check_output("systemctl stop mlflow-housekeeping.timer")
    assert eventually(lambda: prometheus.raised().keys() >= SLOW, 150), prometheus.raised()
    assert {prometheus.raised()[name] for name in SLOW} == {"pending"}


def test_the_database_is_stopped(platform: Platform, server: Host, prometheus: Prometheus) -> None:
    password = platform.password("admin")
    assert platform.login_status("admin", password) == 200
    server.check_output("docker stop mlflow-mysql-1")
    try:
        assert eventually(lambda: prometheus.raised().get("DatabaseDown") == "firing", 180), prometheus.raised()
        assert eventually(lambda: prometheus.raised().get("ServiceDown") == "firing", 300), prometheus.raised()
    finally:
        server.check_output("docker start mlflow-mysql-1")
    assert eventually(lambda: "DatabaseDown" not in prometheus.raised(), 180)
    assert eventually(lambda: platform.login_status("admin", password) == 200, 180)


def test_nginx_answers_with_errors(platform: Platform, server: Host, prometheus: Prometheus) -> None:
    password = platform.password("admin")
    server.check_output("docker stop mlflow-mlflow-1")
    try:

        def errors_are_raised() -> bool:
            statuses = {platform.login_status("admin", password) for _ in range(3)}
            assert statuses <= {502, 504}, statuses
            return prometheus.raised().get("ErrorsAnswered") == "firing"

        assert eventually(errors_are_raised, 420), prometheus.raised()
        assert prometheus.raised().get("TargetDown") is not None
    finally:
        server.check_output("docker start mlflow-mlflow-1")
    assert eventually(lambda: platform.login_status("admin", password) == 200, 180)


def test_what_is_no_hurry_is_raised_and_goes(platform: Platform, server: Host, prometheus: Prometheus) -> None:
    assert eventually(lambda: {prometheus.raised().get(name) for name in SLOW} == {"firing"}, 720), prometheus.raised()
    date_backup(platform, datetime.now(UTC))
    server.check_output("rm %s", CERTIFICATE)
    server.check_output("systemctl start mlflow-housekeeping.timer")
    assert eventually(lambda: not SLOW & prometheus.raised().keys(), 150), prometheus.raised()


def test_a_disk_of_the_object_store_is_lost(platform: Platform, server: Host, prometheus: Prometheus) -> None:
    platform.compose("stop", "rustfs")
    server.check_output("umount /srv/disk2")
    platform.compose("up", "--detach", "--wait", "rustfs")
    try:
        assert eventually(lambda: prometheus.raised().get("ParityLost") == "firing", 300), prometheus.raised()
    finally:
        server.check_output("mount -t tmpfs -o size=1g,mode=0755 disk2 /srv/disk2")
        platform.site().assert_ok()
        platform.compose("restart", "rustfs")
    assert eventually(lambda: "ParityLost" not in prometheus.raised(), 300), prometheus.raised()
