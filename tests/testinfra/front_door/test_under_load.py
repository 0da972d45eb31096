"""Certificates, users and lists of addresses change while clients ask; a second run changes nothing."""

from __future__ import annotations

import copy
import re
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ..load import asking
from .conftest import SITE

if TYPE_CHECKING:
    from ..conftest import Platform

SEARCH = "/api/2.0/mlflow/experiments/search?max_results=1"
HOSTS = {"mlflow.lab": 15443, "tracking.site.lab": 15443, "near.lab": 15000}


def another_certificate() -> tuple[str, str]:
    """Have the site's authority sign another certificate, for another key."""
    authority = x509.load_pem_x509_certificate((SITE / "authority.pem").read_bytes())
    signer = load_pem_private_key((SITE / "authority.key").read_bytes(), password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(
            authority.subject,
            x509.Name([]),
            key.public_key(),
            x509.random_serial_number(),
            now - timedelta(days=1),
            now + timedelta(days=30),
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("tracking.site.lab")]), critical=True)
        .sign(signer, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM).decode(), pem.decode()


def serial(platform: Platform, name: str, context: ssl.SSLContext) -> str:
    """Which certificate a new connection gets."""
    with (
        socket.create_connection((platform.address, 15443), 60) as stream,
        context.wrap_socket(stream, server_hostname=name) as connection,
    ):
        certificate = connection.getpeercert()
    assert certificate
    return str(certificate["serialNumber"])


def search(platform: Platform, login: tuple[str, str], context: ssl.SSLContext | None, name: str) -> int:
    """Ask a virtual host."""
    port = HOSTS[name]
    return platform.request(SEARCH, login, host=f"{name}:{port}", port=port, context=context).status


def test_a_second_run_changes_nothing(platform: Platform) -> None:
    predicted = platform.site(check=True)
    predicted.assert_ok()
    assert predicted.changed == []


def test_changes_lose_no_request(platform: Platform, own: ssl.SSLContext, site: ssl.SSLContext) -> None:
    """A certificate that is near its end, one that is brought along, users and lists of addresses, in one run."""
    hosts = copy.deepcopy(platform.variables["nginx_virtual_hosts"])
    hosts[0]["users"].append({"name": "emil", "password": "emil's password"})
    hosts[1]["certificate"], hosts[1]["certificate_key"] = another_certificate()
    hosts[3]["allow"] = hosts[2]["allow"]
    changes = {"nginx_virtual_hosts": hosts, "nginx_certificate_renew_days": 398}
    contexts: dict[str, ssl.SSLContext | None] = {"mlflow.lab": own, "tracking.site.lab": site, "near.lab": None}
    before = platform.containers()
    serials = {name: serial(platform, name, context) for name, context in contexts.items() if context}

    predicted = platform.site(check=True, **changes)
    predicted.assert_ok()
    logins = {
        "mlflow.lab": ("admin", platform.password("admin")),
        "tracking.site.lab": ("bert", "bert's password"),
        "near.lab": ("carla", "carla's password"),
    }
    # Two of each, together about 50 times a second.
    questions = [partial(search, platform, logins[name], contexts[name], name) for name in HOSTS for _ in range(2)]
    with asking(questions, 0.08) as answers:
        started = time.monotonic()
        made = platform.site(**changes)
        made.assert_ok()
        seconds = time.monotonic() - started
    assert what(predicted.changed) == what(made.changed)
    assert what(made.changed) == {
        "certificates | Write the certificates that were provided",
        "files | Write the files",
        "loaded | Compare the configuration with the one that nginx has",
        "reload | Reload nginx",
        "self_signed | Make the certificate",
        "users | Write the files of users",
    }
    assert platform.containers() == before
    assert set(answers) == {200}
    assert len(answers) > 5 * seconds
    assert hosts[1]["certificate_key"].splitlines()[1] not in predicted.output + made.output
    for name, old in serials.items():
        assert serial(platform, name, contexts[name] or own) != old
    assert platform.request(SEARCH, ("dora", "dora's password"), host="far.lab:15000").status == 200
    emil = ("emil", "emil's password")
    assert platform.request(SEARCH, emil, host="mlflow.lab:15443", port=15443, context=own).status == 200


def test_back_to_the_inventory(platform: Platform) -> None:
    before = platform.containers()
    back = platform.site()
    back.assert_ok()
    assert "self_signed | Make the certificate" not in back.changed, "a new one is good for a year"
    assert platform.containers() == before
    assert platform.request(SEARCH, ("dora", "dora's password"), host="far.lab:15000").status == 403


def what(changed: list[str]) -> set[str]:
    """The tasks that changed something, or would; some have another name where they only predict."""
    return {re.sub(r"Predict the reload of nginx", "Reload nginx", name).rpartition(" : ")[2] for name in changed}
