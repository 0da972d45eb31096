#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.host_precheck."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_precheck
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Find out what would stop a deployment before anything is changed
description:
  - Looks at ports, disks, addresses and the distribution of a server, and changes nothing.
  - Fails if there is any problem, with one sentence for each that says what to write instead.
extends_documentation_fragment:
  - onprem.mlflow.attributes.read_only
options:
  ports:
    description: Ports that the platform is going to listen on.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: Number of the TCP port.
        type: int
        required: true
      address:
        description: Address to listen on. V(0.0.0.0) means all of them, also those of IPv6.
        type: str
        default: 0.0.0.0
      variable:
        description: The option that the operator sets, for messages.
        type: str
        required: true
      project:
        description: Compose project whose own containers may hold the port already.
        type: str
      service:
        description: Compose service that the port is for. Only documents the entry.
        type: str
  disks:
    description: Folders that need room.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The folder. Where it is missing, the nearest folder above it is measured.
        type: path
        required: true
      min_free_bytes:
        description: How many bytes an ordinary user must find free.
        type: int
        required: true
      variable:
        description: The option that the operator sets, for messages.
        type: str
        required: true
  urls:
    description: Addresses that the server must reach. Any HTTP answer will do.
    type: list
    elements: dict
    default: []
    suboptions:
      url:
        description: The address. The proxy settings of the environment are followed.
        type: str
        required: true
      ca_certificate:
        description: Certificates to trust instead of the public ones, in PEM form, as text. Empty for these.
        type: str
      ca_variable:
        description: The option that gives O(urls[].ca_certificate), for messages. Empty where there is none.
        type: str
        default: ""
      variable:
        description: The option that the operator sets, for messages.
        type: str
        required: true
  distribution:
    description: The distribution of the server and those that are supported.
    type: dict
    suboptions:
      id:
        description: Name of the server's distribution; its case does not matter.
        type: str
        required: true
      version:
        description: Version of the server's distribution.
        type: str
        required: true
      supported:
        description:
          - Lists of versions by name of distribution. A listed V(9) covers V(9.4) too.
        type: dict
        required: true
  timeout:
    description: How many seconds an address may take to answer.
    type: int
    default: 15
attributes:
  platform:
    description: Platforms the module runs on.
    platforms: linux
    support: full
"""

EXAMPLES = r"""
- name: Look at the server before changing it
  onprem.mlflow.host_precheck:
    ports:
      - port: 15000
        variable: nginx_virtual_hosts
        project: mlflow
        service: nginx
    disks:
      - path: /opt/mlflow
        min_free_bytes: 10737418240
        variable: mlflow_platform_min_free_disk_gib
    urls:
      - url: http://mirror.example.org:5000/v2/
        variable: docker_host_registry_mirrors
    distribution:
      id: "{{ ansible_facts.distribution }}"
      version: "{{ ansible_facts.distribution_version }}"
      supported:
        debian: ["12", "13"]
"""

RETURN = r"""
problems:
  description: One sentence for each problem.
  type: list
  elements: str
  returned: always
"""

import os
from http.client import HTTPException
from pathlib import Path
from ssl import SSLCertVerificationError
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.error import HTTPError, URLError

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import ConnectionError as UrlConnectionError
from ansible.module_utils.urls import open_url
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.precheck import (
    DOCKER_PS_FORMAT,
    Container,
    Listener,
    WantedPort,
    disk_problem,
    distribution_problem,
    nearest_existing,
    parse_docker_ps,
    parse_proc_net_tcp,
    port_problem,
    socket_owners,
    untrusted_problem,
    url_problem,
)

ARGUMENT_SPEC = {
    "ports": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "port": {"type": "int", "required": True},
            "address": {"type": "str", "default": "0.0.0.0"},  # noqa: S104
            "variable": {"type": "str", "required": True},
            "project": {"type": "str"},
            "service": {"type": "str"},
        },
    },
    "disks": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "path", "required": True},
            "min_free_bytes": {"type": "int", "required": True},
            "variable": {"type": "str", "required": True},
        },
    },
    "urls": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "url": {"type": "str", "required": True},
            "ca_certificate": {"type": "str"},
            "ca_variable": {"type": "str", "default": ""},
            "variable": {"type": "str", "required": True},
        },
    },
    "distribution": {
        "type": "dict",
        "options": {
            "id": {"type": "str", "required": True},
            "version": {"type": "str", "required": True},
            "supported": {"type": "dict", "required": True},
        },
    },
    "timeout": {"type": "int", "default": 15},
}


def listeners() -> list[Listener]:
    """Return the listening sockets of this server."""
    tables = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
    return [item for table in tables if table.exists() for item in parse_proc_net_tcp(table.read_text())]


def containers(module: AnsibleModule) -> list[Container]:
    """Return the running containers; none where there is no engine or it does not run."""
    docker = module.get_bin_path("docker")
    if docker is None:
        return []
    status, out, _err = module.run_command([docker, "ps", "--no-trunc", "--format", DOCKER_PS_FORMAT])
    return parse_docker_ps(out) if status == 0 else []


def port_problems(module: AnsibleModule, items: list[dict[str, Any]]) -> list[str]:
    """Look for ports in use."""
    problems = []
    wanted = []
    for item in items:
        try:
            wanted.append(WantedPort.parse(item["port"], item["address"], item["variable"], item["project"] or ""))
        except InputError as exc:
            problems.append(str(exc))
    numbers = {item.port for item in wanted}
    found = [item for item in listeners() if item.port in numbers]
    owners = socket_owners(item.inode for item in found)
    running = containers(module)
    for port in wanted:
        problem = port_problem(port, found, running, owners.get)
        if problem:
            problems.append(problem)
    return problems


def disk_problems(items: list[dict[str, Any]]) -> list[str]:
    """Look for disks with too little room."""
    problems = []
    for item in items:
        status = os.statvfs(nearest_existing(Path(item["path"])))
        free = status.f_bavail * status.f_frsize
        problem = disk_problem(item["path"], free, item["min_free_bytes"], item["variable"])
        if problem:
            problems.append(problem)
    return problems


def url_problems(items: list[dict[str, Any]], timeout: int) -> list[str]:
    """Look for addresses that do not answer."""
    problems = []
    for item in items:
        try:
            ask(item["url"], item["ca_certificate"], timeout)
        except HTTPError:
            # An answer, whatever it says.
            continue
        except URLError as exc:
            if item["ca_variable"] and isinstance(exc.reason, SSLCertVerificationError):
                reason = exc.reason.verify_message
                problems.append(untrusted_problem(item["url"], reason, item["variable"], item["ca_variable"]))
            else:
                problems.append(url_problem(item["url"], str(exc.reason), item["variable"]))
        except (OSError, ValueError, HTTPException, UrlConnectionError) as exc:
            problems.append(url_problem(item["url"], str(exc), item["variable"]))
    return problems


def ask(url: str, ca_certificate: str | None, timeout: int) -> None:
    """Send a request; any answer will do."""
    if not ca_certificate:
        open_url(url, timeout=timeout, follow_redirects="none").close()
        return
    with NamedTemporaryFile("w", encoding="utf-8", suffix=".pem") as authority:
        authority.write(ca_certificate)
        authority.flush()
        open_url(url, timeout=timeout, follow_redirects="none", ca_path=authority.name).close()


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    problems = []
    distribution = params["distribution"]
    if distribution:
        problem = distribution_problem(distribution["id"], distribution["version"], distribution["supported"])
        if problem:
            problems.append(problem)
    problems += port_problems(module, params["ports"])
    problems += disk_problems(params["disks"])
    problems += url_problems(params["urls"], params["timeout"])
    problems = list(dict.fromkeys(problems))
    if problems:
        module.fail_json(msg="\n".join(problems), problems=problems)
    module.exit_json(changed=False, problems=[])


if __name__ == "__main__":
    main()
