# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of a certificate that an operator brings along, on the controller: Ansible itself needs cryptography there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.virtual_hosts import address_of
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

FROM_A_FILE = "\"{{ lookup('ansible.builtin.file', '%s') }}\""


def check_certificate(path: str, chain_text: str, key_text: str, names: Sequence[str], now: datetime) -> list[str]:
    """Complain about a chain and a key that do not fit each other, the host names or the time; `now` is aware."""
    try:
        chain = _chain(f"{path}.certificate", chain_text)
        key = _key(f"{path}.certificate_key", key_text)
    except InputError as exc:
        return [str(exc)]
    certificate = f"{path}.certificate"
    if _bytes_of(chain[0].public_key()) != _bytes_of(key.public_key()):
        others = [_bytes_of(other.public_key()) for other in chain[1:]]
        if _bytes_of(key.public_key()) in others:
            return [f"{certificate}: the host's own certificate stands behind others, write it first."]
        return [
            f"{path}.certificate_key: belongs to another certificate, write the key that {certificate} was made with."
        ]
    return [*_order(certificate, chain), *_names(certificate, chain[0], names), *_time(certificate, chain, now)]


def _chain(path: str, text: str) -> list[x509.Certificate]:
    if "PRIVATE KEY" in text:
        raise InputError(f"{path}: holds a private key, write the certificates alone here.")
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        example = FROM_A_FILE % "certificate.pem"
        raise InputError(f"{path}: is no certificate in PEM form, write its text, such as {example}.") from None


def _key(path: str, text: str) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(text.encode(), password=None)
    except TypeError:
        raise InputError(f"{path}: needs a passphrase, which nobody is there to type, write it without one.") from None
    except Exception:
        example = FROM_A_FILE % "key.pem"
        raise InputError(f"{path}: is no private key in PEM form, write its text, such as {example}.") from None


def _bytes_of(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _order(path: str, chain: Sequence[x509.Certificate]) -> Iterator[str]:
    for number, (signed, signer) in enumerate(zip(chain, chain[1:]), start=2):
        try:
            signed.verify_directly_issued_by(signer)
        except Exception:
            yield (
                f"{path}: certificate {number} of {len(chain)} did not sign the one before it, write the host's own"
                " first, then each authority after the one that it signed."
            )


def _names(path: str, certificate: x509.Certificate, names: Sequence[str]) -> Iterator[str]:
    try:
        known = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        dns = [name.lower() for name in known.get_values_for_type(x509.DNSName)]
        addresses = [str(address) for address in known.get_values_for_type(x509.IPAddress)]
    except x509.ExtensionNotFound:
        dns, addresses = [], []
    for name in names:
        address = address_of(name)
        if not (address in addresses if address else _is_covered(name.lower(), dns)):
            found = ", ".join([*dns, *addresses]) or "no name at all"
            yield f"{path}: is not for {name} but for {found}, bring another certificate or remove the host name."


def _is_covered(name: str, dns: Sequence[str]) -> bool:
    """A wildcard stands for one label."""
    return name in dns or f"*.{name.partition('.')[2]}" in dns


def _time(path: str, chain: Sequence[x509.Certificate], now: datetime) -> Iterator[str]:
    for certificate in chain:
        subject = certificate.subject.rfc4514_string() or "it"
        if certificate.not_valid_after_utc < now:
            yield f"{path}: {subject} expired on {certificate.not_valid_after_utc:%Y-%m-%d}, bring a newer one."
        if certificate.not_valid_before_utc > now:
            yield (
                f"{path}: {subject} is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC,"
                " wait, or set the clock right."
            )
