# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of the options of ACME. All of them are pure and return sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.onprem.mlflow.plugins.module_utils.acme import CHALLENGES, challenge_of
from ansible_collections.onprem.mlflow.plugins.module_utils.ca_certificate import ca_certificate_problems
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.virtual_hosts import (
    VirtualHost,
    address_of,
    file_of_certificate,
)

# Providers of lego that want somebody at a terminal, or a program that its image does not have.
WITHOUT_A_PERSON = ("manual", "exec")
HTTP_PORT = 80

_PROVIDER = re.compile(r"[a-z0-9-]+")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_RESOLVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}")
_BASE64_URL = re.compile(r"[A-Za-z0-9_-]+=*")

Host = Mapping[str, Any]


def check_acme(values: Mapping[str, Any]) -> list[str]:
    """Complain about virtual hosts with `tls: acme` that could get no certificate, and about options of ACME."""
    hosts = list(_hosts(values.get("nginx_virtual_hosts") or []))
    default = str(values.get("acme_challenge") or CHALLENGES[0])
    asking = [(path, written, host, challenge_of(written, default)) for path, written, host in hosts if is_acme(host)]
    problems = [
        f"{path}.acme_challenge: is of no use with tls {host.tls!r}, remove it, or write tls: acme."
        for path, written, host in hosts
        if written.get("acme_challenge") and not is_acme(host)
    ]
    problems += _check_numbers(values)
    if not asking:
        return problems
    challenges = {challenge for *_unused, challenge in asking}
    problems += _check_server(values)
    problems += _check_binding(values)
    if "dns-01" in challenges:
        problems += _check_dns(values)
    for path, _written, host, challenge in asking:
        problems += _check_names(path, host, challenge)
    if "http-01" in challenges:
        first = next(path for path, *_unused, challenge in asking if challenge == "http-01")
        problems += _check_http_port(first, [host for _path, _written, host in hosts], values)
    return [*problems, *_check_shared((path, host, challenge) for path, _written, host, challenge in asking)]


def is_acme(host: VirtualHost) -> bool:
    """Tell whether the certificate of a virtual host comes from an ACME server."""
    return host.tls == "acme"


def _hosts(virtual_hosts: Sequence[Host | None]) -> Iterator[tuple[str, Host, VirtualHost]]:
    """Pass over what cannot be a virtual host; it was complained about before."""
    for index, item in enumerate(virtual_hosts):
        if item is not None:
            try:
                yield f"nginx_virtual_hosts[{index}]", item, VirtualHost.parse(item)
            except InputError:
                continue


def _check_server(values: Mapping[str, Any]) -> Iterator[str]:
    if not values.get("acme_accept_terms"):
        yield (
            "acme_accept_terms: is not true, read the terms of service of the ACME server that acme_directory_url"
            " names, and write true where you accept them."
        )
    url = values.get("acme_directory_url")
    if url is not None:
        parts = urlsplit(str(url))
        if parts.scheme != "https" or not parts.hostname or re.search(r"\s", str(url)):
            yield (
                f"acme_directory_url: found {url!r}, write the address of the ACME server's directory, such as"
                " https://ca.example.org/acme/acme/directory."
            )
    email = str(values.get("acme_email") or "")
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        yield f"acme_email: found {email!r}, write an address for the ACME server's operator to write to, or remove it."
    if values.get("acme_ca_certificate"):
        text = str(values["acme_ca_certificate"])
        yield from ca_certificate_problems("acme_ca_certificate", text, "the authority")


def _check_binding(values: Mapping[str, Any]) -> Iterator[str]:
    pair = ("acme_eab_kid", "acme_eab_hmac_key")
    for name, other in (pair, pair[::-1]):
        if values.get(other) and not values.get(name):
            yield f"{name}: is missing, write it, or remove {other}."
    key = str(values.get("acme_eab_hmac_key") or "")
    if key and not _BASE64_URL.fullmatch(key):
        yield "acme_eab_hmac_key: is not in base64url form, write it as the ACME server's operator gave it."


def _check_numbers(values: Mapping[str, Any]) -> Iterator[str]:
    for name in ("acme_renew_days", "acme_renew_random_delay", "acme_dns_propagation_wait"):
        if int(values.get(name) or 0) < 0:
            yield f"{name}: found {values[name]}, write 0 or more."


def _check_dns(values: Mapping[str, Any]) -> Iterator[str]:
    provider = str(values.get("acme_dns_provider") or "")
    if not provider:
        yield "acme_dns_provider: is missing, write how lego calls the provider of your DNS, such as rfc2136."
    elif provider in WITHOUT_A_PERSON:
        yield f"acme_dns_provider: found {provider!r}, which does not work where nobody is there, write another."
    elif not _PROVIDER.fullmatch(provider):
        yield f"acme_dns_provider: found {provider!r}, write it as lego does, such as rfc2136."
    for name, value in (values.get("acme_dns_environment") or {}).items():
        path = f"acme_dns_environment[{str(name)!r}]"
        if not _VARIABLE.fullmatch(str(name)) or str(name).startswith("LEGO_"):
            yield f"{path}: is no variable of a provider, write its name as lego does, such as RFC2136_TSIG_SECRET."
        elif str(name).endswith("_FILE"):
            yield f"{path}: names a file, write {str(name).removesuffix('_FILE')} and what is in the file."
        elif not isinstance(value, (str, int)) or not str(value).strip():
            yield f"{path}: is empty or no text, write its value."
    for index, address in enumerate(values.get("acme_dns_resolvers") or []):
        if not _RESOLVER.fullmatch(str(address)):
            yield f"acme_dns_resolvers[{index}]: found {address!r}, write host and port, such as 192.0.2.53:53."


def _check_names(path: str, host: VirtualHost, challenge: str) -> Iterator[str]:
    for name in host.host_names:
        if name == "localhost" or name.endswith(".localhost"):
            yield f"{path}.host_names: no ACME server has a certificate for {name}, give it another virtual host."
        elif name.startswith("*") and challenge == "http-01":
            yield f"{path}.host_names: {name} can be proven by DNS only, write acme_challenge: dns-01."
        elif address_of(name) and challenge == "dns-01":
            yield f"{path}.host_names: {name} is an address, which DNS cannot prove, write acme_challenge: http-01."


def _check_http_port(path: str, hosts: Sequence[VirtualHost], values: Mapping[str, Any]) -> Iterator[str]:
    """HTTP-01 asks port 80; where a router leads it to another port, that one is named."""
    port = int(values.get("acme_http_port") or HTTP_PORT)
    plain = {host.port for host in hosts if not host.has_certificate} | {host.redirect_from for host in hosts}
    if port not in plain:
        yield (
            f"{path}: the challenge http-01 is answered on port {port} without TLS, where no virtual host listens,"
            f" write redirect_from: {port}, or into acme_http_port the port that a router leads port 80 to, or"
            " acme_challenge: dns-01."
        )


def _check_shared(asking: Iterator[tuple[str, VirtualHost, str]]) -> Iterator[str]:
    """Virtual hosts with the same first name share a certificate, which is proven in one way."""
    seen: dict[str, tuple[str, str]] = {}
    for path, host, challenge in asking:
        first, known = seen.setdefault(file_of_certificate(host.host_names[0]), (path, challenge))
        if known != challenge:
            yield f"{path}.acme_challenge: shares its certificate with {first}, which has {known}, write that one."
