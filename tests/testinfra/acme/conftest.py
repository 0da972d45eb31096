"""Clients that trust the authority that the ACME server signs with, and the certificates that they are shown."""

from __future__ import annotations

import os
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

if TYPE_CHECKING:
    from ..conftest import Platform

ROOT_CERTIFICATE = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "root.pem"


@pytest.fixture(scope="session")
def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ROOT_CERTIFICATE)


def shown(platform: Platform, context: ssl.SSLContext, name: str, port: int) -> x509.Certificate:
    """Return the certificate that a new connection gets, once it is trusted."""
    with (
        socket.create_connection((platform.address, port), 60) as stream,
        context.wrap_socket(stream, server_hostname=name) as connection,
    ):
        certificate = connection.getpeercert(binary_form=True)
    assert certificate
    return x509.load_der_x509_certificate(certificate)


def names_of(certificate: x509.Certificate) -> set[str]:
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return set(extension.value.get_values_for_type(x509.DNSName))
