# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificates virtual hosts need, and why lego got none; its words are those of 4.35.2 against Pebble 2.6."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.filter.acme_certificates import FilterModule
from ansible_collections.onprem.mlflow.plugins.module_utils.acme import AcmeCertificate, acme_certificates, refusals

REFUSED = """\
onprem-acme: begins
onprem-acme: old.front.lab begins
2026/11/26 23:10:02 of another run
onprem-acme: old.front.lab failed
onprem-acme: begins
 Container mlflow-acme-run-1  Creating
onprem-acme: http.front.lab begins
2026/11/27 23:10:02 [INFO] [http.front.lab] acme: Trying renewal with 143 hours remaining
2026/11/27 23:10:14 [INFO] [http.front.lab] The server validated our request
2026/11/27 23:10:14 error: one or more domains had a problem:
[more.front.lab] invalid authorization: acme: error: 400 :: urn:ietf:params:acme:error:connection :: Get \
"http://more.front.lab:80/.well-known/acme-challenge/WyLyQ5": dial tcp 172.19.0.2:80: connect: connection refused
onprem-acme: http.front.lab failed
onprem-acme: good.front.lab begins
2026/11/27 23:10:14 [INFO] [good.front.lab] acme: renewalInfo endpoint indicates that renewal is not needed
onprem-acme: blocked.front.lab begins
2026/11/27 23:10:14 [WARN] retry: acme: error: 400 :: urn:ietf:params:acme:error:rejectedIdentifier :: Order included
2026/11/27 23:10:14 Could not obtain certificates:
\tPost "https://ca:14000/order-plz": POST https://ca:14000/order-plz giving up after 1 attempt(s): acme: error: 400 :: \
urn:ietf:params:acme:error:rejectedIdentifier :: Order included an identifier for which issuance is forbidden by \
policy: "blocked.front.lab", \
problem: "urn:ietf:params:acme:error:rejectedIdentifier" :: blocked.front.lab is a forbidden domain
onprem-acme: blocked.front.lab failed
onprem-acme: dns.front.lab begins
2026/11/27 23:10:14 dnsupdate: some credentials information are missing: DNSUPDATE_NAMESERVER
onprem-acme: dns.front.lab failed
onprem-acme: silent.front.lab begins
onprem-acme: silent.front.lab failed
mlflow-acme.service: Main process exited, code=exited, status=1/FAILURE
"""
NO_DIRECTORY = """\
onprem-acme: begins
onprem-acme: a begins
2026/11/27 23:08:49 Could not create client: get directory at 'https://ca:14001/dir': Get "https://ca:14001/dir": \
GET https://ca:14001/dir giving up after 6 attempt(s): Get "https://ca:14001/dir": dial tcp 172.19.0.2:14001: connect: \
connection refused
onprem-acme: a failed
"""


def test_virtual_hosts_with_the_same_first_name_share_a_certificate() -> None:
    hosts: list[dict[str, Any]] = [
        {"host_names": ["A.example.org", "b.example.org"], "port": 443, "tls": "acme"},
        {"host_names": ["a.example.org", "c.example.org"], "port": 8443, "tls": "acme"},
        {"host_names": ["*.example.org"], "port": 443, "tls": "acme", "acme_challenge": "dns-01"},
        {"host_names": ["[2001:db8::7]", "192.0.2.7"], "port": 443, "tls": "acme"},
        {"host_names": ["d.example.org"], "port": 80},
    ]
    assert acme_certificates(hosts) == [
        AcmeCertificate("a.example.org", ("a.example.org", "b.example.org", "c.example.org"), "http-01"),
        AcmeCertificate("_.example.org", ("*.example.org",), "dns-01"),
        AcmeCertificate("2001-db8--7", ("2001:db8::7", "192.0.2.7"), "http-01"),
    ]
    assert {item.challenge for item in acme_certificates(hosts, "dns-01")} == {"dns-01"}


def test_filter_returns_what_templates_read() -> None:
    certificates = FilterModule().filters()["acme_certificates"]
    assert certificates([{"host_names": ["a"], "port": 443, "tls": "acme"}]) == [
        {"name": "a", "domains": ["a"], "challenge": "http-01"}
    ]
    with pytest.raises(AnsibleFilterError, match="port of a virtual host is 0"):
        certificates([{"host_names": ["a"], "port": 0}])


def test_each_certificate_that_was_refused_has_its_reason() -> None:
    assert refusals(REFUSED) == [
        'http.front.lab: more.front.lab: Get "http://more.front.lab:80/.well-known/acme-challenge/WyLyQ5": dial tcp'
        " 172.19.0.2:80: connect: connection refused (connection)",
        "blocked.front.lab: Order included an identifier for which issuance is forbidden by policy:"
        ' "blocked.front.lab" (rejectedIdentifier)',
        "dns.front.lab: dnsupdate: some credentials information are missing: DNSUPDATE_NAMESERVER",
        "silent.front.lab: lego said nothing",
    ]


def test_a_server_that_does_not_answer_is_named_once() -> None:
    assert refusals(NO_DIRECTORY) == [
        'a: Get "https://ca:14001/dir": dial tcp 172.19.0.2:14001: connect: connection refused'
    ]


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (
            "onprem-acme: begins\nno configuration file provided: not found.\n",
            "no configuration file provided: not found",
        ),
        ("", "there is no log"),
    ],
)
def test_what_ended_before_lego_began_is_told_too(log: str, reason: str) -> None:
    assert refusals(log) == [reason]
