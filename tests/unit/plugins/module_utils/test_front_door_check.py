# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual hosts that do not fit their service, each other, the login or the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.front_door_check import check_front_door
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

USERS = [{"name": "anna"}]


def host(**more: Any) -> dict[str, Any]:
    return {"host_names": ["a"], "port": 80, **more}


def check(*hosts: dict[str, Any] | None, login: str = "basic", store: str = "rustfs", address: str = "") -> list[str]:
    return check_front_door("nginx_virtual_hosts", hosts, login, store, address)


def key_and_text() -> tuple[ec.EllipticCurvePrivateKey, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    return key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


CA_KEY, CA_KEY_TEXT = key_and_text()
KEY, KEY_TEXT = key_and_text()
NOW = datetime.now(UTC)


def certificate(
    *names: x509.GeneralName, key: Any = KEY, subject: str = "host", days: tuple[int, int] = (-1, 90)
) -> str:
    """Make a certificate of the authority, for names."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(CA_KEY, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


CA = certificate(key=CA_KEY, subject="authority")
GOOD = certificate(x509.DNSName("a"), x509.DNSName("*.example.org"), x509.IPAddress(ip_address("192.0.2.7")))
ENCRYPTED = CA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hush")).decode()


@pytest.mark.parametrize(
    ("hosts", "login"),
    [
        (
            [host(users=USERS, tls="self_signed", redirect_from=8080, hsts_seconds=60), host(users=USERS, port=81)],
            "basic",
        ),
        ([host(users=USERS, allow=["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"])], "basic"),
        ([host()], "mlflow"),
        ([host(users=[])], "anybody_may_do_everything"),
        ([host(users=USERS), host(service="console"), host(service="s3")], "basic"),
        ([None], "basic"),
        ([{"host_names": ["a"], "port": 0}, None], "basic"),
    ],
)
def test_good_hosts_pass(hosts: list[dict[str, Any] | None], login: str) -> None:
    assert check(*hosts, login=login) == []


@pytest.mark.parametrize(
    ("hosts", "options", "sentence"),
    [
        ([host()], {}, "nginx_virtual_hosts[0].users: is missing or empty, write who may log in."),
        ([host(users=USERS)], {"login": "mlflow"}, "nginx_virtual_hosts[0].users: nobody is asked for these passwords"),
        (
            [host(users=USERS), host(service="s3", users=USERS)],
            {},
            "nginx_virtual_hosts[1].users: RustFS asks for its own keys where service is 's3'",
        ),
        (
            [host(users=USERS), host(service="console")],
            {"store": "local"},
            "nginx_virtual_hosts[1].service: found 'console', but with mlflow_platform_artifact_store 'local'",
        ),
        ([host(service="s3")], {}, "nginx_virtual_hosts: has no virtual host for MLflow, add one without a service."),
        ([host(users=USERS, allow=["10.0.0.1/8"])], {}, "nginx_virtual_hosts[0].allow: found '10.0.0.1/8', write an"),
        ([host(users=USERS, allow=["lan"])], {}, "nginx_virtual_hosts[0].allow: found 'lan', write an address"),
    ],
)
def test_each_problem_gets_one_sentence(hosts: list[dict[str, Any]], options: dict[str, str], sentence: str) -> None:
    problems = check(*hosts, **options)
    assert len(problems) == 1
    assert problems[0].startswith(sentence)


@pytest.mark.parametrize(
    ("hosts", "sentence"),
    [
        ([host(hsts_seconds=60)], "[0].hsts_seconds: is of no use without TLS"),
        ([host(redirect_from=81, tls=False)], "[0].redirect_from: is of no use without TLS"),
        ([host(certificate="x", tls="self_signed")], "[0].certificate: is of no use with tls 'self_signed'"),
        ([host(), host(host_names=["b"], tls="self_signed")], "[0].port: found 80, where another virtual host has TLS"),
        ([host(tls="self_signed", redirect_from=80)], "[0].redirect_from: found 80, where a virtual host has TLS"),
        (
            [host(), host(port=443, tls="self_signed", redirect_from=80)],
            "[1].redirect_from: a stands twice with port 80, write another port.",
        ),
    ],
)
def test_ports_and_tls_that_do_not_fit(hosts: list[dict[str, Any]], sentence: str) -> None:
    problems = check(*hosts, login="mlflow")
    assert len(problems) == 1
    assert problems[0].startswith(f"nginx_virtual_hosts{sentence}")


def test_the_server_must_be_let_in_where_all_hosts_have_a_list() -> None:
    listed = host(users=USERS, allow=["10.0.0.0/8"])
    assert check(listed, address="10.1.2.3") == []
    assert check(listed, host(users=USERS, port=81), address="192.0.2.1") == []
    assert check(listed, address="192.0.2.1") == [
        "nginx_virtual_hosts[0].allow: does not hold 192.0.2.1, the server's own address, from which the platform tries"
        " whether it works, add it."
    ]


@pytest.mark.parametrize(
    ("chain", "key", "names"),
    [
        (GOOD, KEY_TEXT, ["a"]),
        (GOOD + CA, KEY_TEXT, ["A", "mlflow.example.org", "192.0.2.7"]),
        (certificate(x509.IPAddress(ip_address("::1"))), KEY_TEXT, ["[::1]"]),
        (certificate(x509.DNSName("*.example.org")), KEY_TEXT, ["*.example.org"]),
    ],
)
def test_good_certificates_pass(chain: str, key: str, names: list[str]) -> None:
    written = host(tls="provided", users=USERS, certificate=chain, certificate_key=key, host_names=names)
    assert check(written) == []


@pytest.mark.parametrize(
    ("chain", "key", "names", "sentence"),
    [
        (None, KEY_TEXT, ["a"], ".certificate: is missing, write it in PEM form"),
        (GOOD, "", ["a"], ".certificate_key: is missing, write it in PEM form"),
        ("nonsense", KEY_TEXT, ["a"], ".certificate: is no certificate in PEM form"),
        (GOOD + KEY_TEXT, KEY_TEXT, ["a"], ".certificate: holds a private key"),
        (GOOD, "nonsense", ["a"], ".certificate_key: is no private key in PEM form"),
        (GOOD, ENCRYPTED, ["a"], ".certificate_key: needs a passphrase"),
        (GOOD, CA_KEY_TEXT, ["a"], ".certificate_key: belongs to another certificate"),
        (CA + GOOD, KEY_TEXT, ["a"], ".certificate: the host's own certificate stands behind others"),
        (GOOD + GOOD, KEY_TEXT, ["a"], ".certificate: certificate 2 of 2 did not sign the one before it"),
        (GOOD, KEY_TEXT, ["a", "b"], ".certificate: is not for b but for a, *.example.org, 192.0.2.7,"),
        (GOOD, KEY_TEXT, ["x.y.example.org"], ".certificate: is not for x.y.example.org but for"),
        (GOOD, KEY_TEXT, ["192.0.2.8"], ".certificate: is not for 192.0.2.8 but for"),
        (certificate(), KEY_TEXT, ["a"], ".certificate: is not for a but for no name at all"),
        (certificate(x509.DNSName("a"), days=(-9, -1)), KEY_TEXT, ["a"], ".certificate: CN=host expired on"),
        (certificate(x509.DNSName("a"), days=(1, 9)), KEY_TEXT, ["a"], ".certificate: CN=host is not valid before"),
    ],
)
def test_bad_certificates_are_refused(chain: str, key: str, names: list[str], sentence: str) -> None:
    written = host(tls="provided", users=USERS, certificate=chain, certificate_key=key, host_names=names)
    problems = check(written)
    assert len(problems) == 1
    assert problems[0].startswith(f"nginx_virtual_hosts[0]{sentence}")
    assert "BEGIN" not in problems[0]
