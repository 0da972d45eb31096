# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual hosts that could get no certificate from an ACME server."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.acme_check import check_acme


def host(*names: str, **more: Any) -> dict[str, Any]:
    return {"host_names": list(names) or ["a.example.org"], "port": 443, "tls": "acme", "redirect_from": 80, **more}


def values(*hosts: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {
        "nginx_virtual_hosts": list(hosts or [host()]),
        "acme_accept_terms": True,
        **more,
    }


BY_DNS = {"acme_challenge": "dns-01", "acme_dns_provider": "rfc2136"}


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"nginx_virtual_hosts": [None, {"host_names": ["a"], "port": 80}, {"host_names": [], "port": 0}]},
        values(),
        values(host(redirect_from=None), {"host_names": ["b"], "port": 80}),
        values(host(redirect_from=8080), acme_http_port=8080),
        values(host("192.0.2.7"), acme_email="me@example.org"),
        values(host("*.example.org", redirect_from=None), **BY_DNS),
        values(host("*.example.org", acme_challenge="dns-01"), host(), acme_dns_provider="route53"),
        values(
            **BY_DNS,
            acme_dns_environment={"RFC2136_TSIG_SECRET": "c2VjcmV0", "RFC2136_TTL": 60},
            acme_dns_resolvers=["192.0.2.53:53", "[2001:db8::53]:53", "ns.example.org:5353"],
        ),
        values(acme_directory_url="https://ca.lab:14000/dir", acme_eab_kid="me", acme_eab_hmac_key="zWND-ZM6_eQ="),
        values(host("a", "b"), host("a", port=8443)),
    ],
)
def test_good_options_pass(good: dict[str, Any]) -> None:
    assert check_acme(good) == []


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (values(acme_accept_terms=False), "acme_accept_terms: is not true, read the terms of service"),
        (values(acme_email="me"), "acme_email: found 'me', write an address"),
        (values(acme_directory_url="http://ca.lab/dir"), "acme_directory_url: found 'http://ca.lab/dir', write the"),
        (values(acme_directory_url="https:///dir"), "acme_directory_url: found 'https:///dir', write the address"),
        (values(acme_ca_certificate="nonsense"), "acme_ca_certificate: is no certificate in PEM form"),
        (values(acme_eab_kid="me"), "acme_eab_hmac_key: is missing, write it, or remove acme_eab_kid."),
        (values(acme_eab_hmac_key="eQ"), "acme_eab_kid: is missing, write it, or remove acme_eab_hmac_key."),
        (values(acme_eab_kid="me", acme_eab_hmac_key="a b"), "acme_eab_hmac_key: is not in base64url form"),
        (values(acme_renew_days=-1), "acme_renew_days: found -1, write 0 or more."),
        (values(acme_challenge="dns-01"), "acme_dns_provider: is missing, write how lego calls"),
        (values(**{**BY_DNS, "acme_dns_provider": "manual"}), "acme_dns_provider: found 'manual', which does not work"),
        (
            values(**{**BY_DNS, "acme_dns_provider": "Route 53"}),
            "acme_dns_provider: found 'Route 53', write it as lego",
        ),
        (values(**BY_DNS, acme_dns_environment={"lower": "a"}), "acme_dns_environment['lower']: is no variable"),
        (
            values(**BY_DNS, acme_dns_environment={"LEGO_PATH": "a"}),
            "acme_dns_environment['LEGO_PATH']: is no variable",
        ),
        (
            values(**BY_DNS, acme_dns_environment={"A_FILE": "a"}),
            "acme_dns_environment['A_FILE']: names a file, write A",
        ),
        (values(**BY_DNS, acme_dns_environment={"A": " "}), "acme_dns_environment['A']: is empty or no text"),
        (values(**BY_DNS, acme_dns_resolvers=["192.0.2.53"]), "acme_dns_resolvers[0]: found '192.0.2.53', write host"),
        (
            values(host("localhost")),
            "nginx_virtual_hosts[0].host_names: no ACME server has a certificate for localhost",
        ),
        (values(host("*.example.org")), "nginx_virtual_hosts[0].host_names: *.example.org can be proven by DNS only"),
        (values(host("192.0.2.7"), **BY_DNS), "nginx_virtual_hosts[0].host_names: 192.0.2.7 is an address, which DNS"),
        (values(host(redirect_from=None)), "nginx_virtual_hosts[0]: the challenge http-01 is answered on port 80"),
        (values(acme_http_port=8080), "nginx_virtual_hosts[0]: the challenge http-01 is answered on port 8080"),
        (
            values(host(), host(port=8443, acme_challenge="dns-01"), acme_dns_provider="rfc2136"),
            "nginx_virtual_hosts[1].acme_challenge: shares its certificate with nginx_virtual_hosts[0], which has",
        ),
        (
            {"nginx_virtual_hosts": [{"host_names": ["a"], "port": 80, "acme_challenge": "dns-01"}]},
            "nginx_virtual_hosts[0].acme_challenge: is of no use with tls 'off'",
        ),
    ],
)
def test_each_problem_gets_one_sentence(bad: dict[str, Any], sentence: str) -> None:
    problems = check_acme(bad)
    assert len(problems) == 1, problems
    assert problems[0].startswith(sentence)
    assert problems[0].endswith(".")


def test_secrets_are_not_shown() -> None:
    bad = values(
        **BY_DNS, acme_dns_environment={"wrong name": "hush hush"}, acme_eab_kid="me", acme_eab_hmac_key="hush!"
    )
    problems = check_acme(bad)
    assert len(problems) == 2
    assert "hush" not in "".join(problems)
