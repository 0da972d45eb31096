# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports, disks, addresses and distributions, judged from recorded facts."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.precheck import (
    Container,
    Listener,
    Process,
    WantedPort,
    collide,
    disk_problem,
    distribution_problem,
    nearest_existing,
    parse_docker_ps,
    parse_proc_net_tcp,
    port_problem,
    socket_owners,
    url_problem,
)
from hypothesis import given
from hypothesis import strategies as st

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
QUEUES = "00000000:00000000 00:00000000 00000000"
ID = "a" * 64
OTHER_ID = "b" * 64
IP = ipaddress.ip_address


def kernel_line(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int, inode: int, state: str) -> str:
    words = [address.packed[start : start + 4][::-1] for start in range(0, len(address.packed), 4)]
    local = f"{b''.join(words).hex().upper()}:{port:04X}"
    remote = f"{'0' * 2 * len(address.packed)}:0000"
    return f"   0: {local} {remote} {state} {QUEUES}     0        0 {inode} 1 0 100 0 0 10 0\n"


@given(
    st.lists(st.tuples(st.ip_addresses(), st.integers(1, 65535), st.integers(1), st.sampled_from(["0A", "01", "06"])))
)
def test_listening_sockets_come_back(rows: list[tuple[Any, int, int, str]]) -> None:
    text = HEADER + "".join(kernel_line(*row) for row in rows)

    assert parse_proc_net_tcp(text, "little") == [
        Listener(getattr(address, "ipv4_mapped", None) or address, port, inode)
        for address, port, inode, state in rows
        if state == "0A"
    ]


def test_recorded_tables() -> None:
    tcp = HEADER + (
        f"   0: 00000000:07E8 00000000:0000 0A {QUEUES}     0        0 1667 1 000000007bdce9dc 100 0 0 10 0\n"
        f"   1: 0100007F:8000 00000000:0000 0A {QUEUES}     0        0 54729 1 0000000015cd9dd7 100 0 0 10 0\n"
        "   2: 020200C0:C882 507100CB:0050 06 00000000:00000000 03:00000A10 00000000     0        0 0 3 0\n"
    )

    assert parse_proc_net_tcp(tcp, "little") == [
        Listener(IP("0.0.0.0"), 2024, 1667),
        Listener(IP("127.0.0.1"), 32768, 54729),
    ]
    assert parse_proc_net_tcp("", "little") == []


def test_byte_order_of_the_processor() -> None:
    line = "   0: 7F000001:0050 00000000:0000 0A 0:0 00:0 0 0 0 7 1 0 100 0 0 10 0\n"

    assert parse_proc_net_tcp(HEADER + line, "big")[0].address == IP("127.0.0.1")


def test_docker_ps_of_old_and_new_engines() -> None:
    text = (
        f"{ID}\tmlflow-nginx-1\tmlflow\tnginx\t80/tcp, 0.0.0.0:15000->15000/tcp, :::15000->15000/tcp\n"
        f"{OTHER_ID}\tother\t\t\t127.0.0.1:8000-8001->9000-9001/tcp, [::]:53->53/udp, [::1]:8000->1/tcp\n"
    )

    assert parse_docker_ps(text) == [
        Container(
            ID,
            "mlflow-nginx-1",
            "mlflow",
            "nginx",
            ((IP("0.0.0.0"), 15000), (IP("::"), 15000)),
        ),
        Container(
            OTHER_ID,
            "other",
            "",
            "",
            ((IP("127.0.0.1"), 8000), (IP("127.0.0.1"), 8001), (IP("::1"), 8000)),
        ),
    ]
    assert parse_docker_ps("") == []


@pytest.mark.parametrize(
    ("wanted", "taken", "expected"),
    [
        ("0.0.0.0", "127.0.0.1", True),
        ("0.0.0.0", "::1", True),
        ("127.0.0.1", "0.0.0.0", True),
        ("127.0.0.1", "::", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "192.168.1.5", False),
        ("127.0.0.1", "::1", False),
        ("::1", "0.0.0.0", False),
        ("::1", "::", True),
    ],
)
def test_addresses_that_collide(wanted: str, taken: str, expected: bool) -> None:
    assert collide(IP(wanted), IP(taken)) is expected


def wanted(port: int = 15000, address: str = "0.0.0.0", project: str = "mlflow") -> WantedPort:
    return WantedPort.parse(port, address, "nginx_virtual_hosts", project)


def container(container_id: str, project: str, *published: tuple[str, int]) -> Container:
    return Container(container_id, f"{project}-nginx-1", project, "nginx", tuple((IP(a), p) for a, p in published))


ANY = ("0.0.0.0", 15000)
LISTENING = [Listener(IP(ANY[0]), 15000, 7)]
PROXY = Process(812, "docker-proxy")
NOBODY: dict[int, Process] = {}


def test_free_port() -> None:
    assert port_problem(wanted(), [Listener(IP("127.0.0.1"), 80, 7)], [], NOBODY.get) is None


def test_port_of_a_process() -> None:
    assert port_problem(wanted(), LISTENING, [], {7: Process(99, "apache2")}.get) == (
        "nginx_virtual_hosts: port 15000 is in use by apache2 (process 99), write another port or stop it."
    )


def test_port_of_an_unseen_process() -> None:
    assert "a process that cannot be seen from here" in (port_problem(wanted(), LISTENING, [], NOBODY.get) or "")


def test_port_of_the_own_project_is_free_for_it() -> None:
    running = [container(ID, "mlflow", ANY)]

    assert port_problem(wanted(), LISTENING, running, {7: PROXY}.get) is None
    assert "docker-proxy" not in (port_problem(wanted(project="other"), LISTENING, running, {7: PROXY}.get) or "")
    assert "container mlflow-nginx-1" in (
        port_problem(wanted(project="other"), LISTENING, running, {7: PROXY}.get) or ""
    )


def test_port_published_without_a_proxy_process_is_seen() -> None:
    assert "container shop-nginx-1" in (port_problem(wanted(), [], [container(ID, "shop", ANY)], NOBODY.get) or "")


def test_own_container_does_not_hide_another_holder() -> None:
    running = [container(ID, "mlflow", ("127.0.0.1", 15000))]
    found = [Listener(IP("127.0.0.1"), 15000, 7), Listener(IP("192.168.1.5"), 15000, 8)]

    assert "apache2" in (port_problem(wanted(), found, running, {7: PROXY, 8: Process(99, "apache2")}.get) or "")


def test_process_inside_an_own_container_on_the_network_of_the_host() -> None:
    running = [container(ID, "mlflow")]
    inside = {7: Process(99, "nginx", frozenset({OTHER_ID, ID}))}

    assert port_problem(wanted(), LISTENING, running, inside.get) is None
    assert port_problem(wanted(), LISTENING, [container(ID, "shop")], inside.get) is not None


@pytest.mark.parametrize(("port", "address"), [(0, "0.0.0.0"), (65536, "0.0.0.0"), (80, "localhost")])
def test_impossible_port_or_address(port: int, address: str) -> None:
    with pytest.raises(InputError, match="nginx_virtual_hosts: found"):
        wanted(port, address)


def test_owner_is_found_through_proc(tmp_path: Path) -> None:
    for pid, name, target in (("12", "nginx", "socket:[7]"), ("13", "sh", "/dev/null"), ("self", "x", "socket:[8]")):
        (tmp_path / pid / "fd").mkdir(parents=True)
        (tmp_path / pid / "fd" / "3").symlink_to(target)
        (tmp_path / pid / "comm").write_text(name + "\n")
        (tmp_path / pid / "cgroup").write_text(f"0::/system.slice/docker-{ID}.scope\n")

    assert socket_owners([7, 8], tmp_path) == {7: Process(12, "nginx", frozenset({ID}))}


def test_disk() -> None:
    assert disk_problem("/opt", 10 * 2**30, 10 * 2**30, "x") is None
    assert disk_problem("/opt", 3 * 2**30, 10 * 2**30, "mlflow_platform_min_free_disk_gib") == (
        "mlflow_platform_min_free_disk_gib: /opt has 3.0 GiB free and 10.0 GiB are wanted,"
        " make room on its disk or change this option."
    )


def test_nearest_existing(tmp_path: Path) -> None:
    assert nearest_existing(tmp_path / "a" / "b") == tmp_path
    assert nearest_existing(tmp_path) == tmp_path


def test_login_of_a_url_is_not_shown() -> None:
    sentence = url_problem("http://user:hush@mirror:5000/v2/?a=b", "timed out.", "docker_host_registry_mirrors")

    assert sentence == (
        "docker_host_registry_mirrors: http://mirror:5000/v2/?a=b does not answer from this server (timed out),"
        " correct the address or open the way to it."
    )


@pytest.mark.parametrize(
    ("name", "version", "supported"),
    [("Debian", "13", True), ("debian", "13.1", True), ("rocky", "9.4", True), ("debian", "1", False)],
)
def test_distribution(name: str, version: str, supported: bool) -> None:
    offer: dict[str, list[object]] = {"debian": ["12", "13"], "Rocky": [9]}

    assert (distribution_problem(name, version, offer) is None) is supported


def test_unknown_distribution_is_told_what_is_known() -> None:
    assert distribution_problem("Alpine", "3.20", {"debian": ["12", "13"], "rocky": [9]}) == (
        "This server runs Alpine 3.20, which is not supported; take a server with one of: debian 12 or 13, rocky 9."
    )
