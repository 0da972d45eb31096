# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pools of RustFS: which disks of which servers belong together, and what a platform with objects may become."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_disks import (
    NOTE,
    SINGLE_FOLDER,
    SYSTEM_FOLDER,
    changed_disks_problem,
    check_folders,
    disks_in_use,
)

# A pool is one erasure set here: RustFS would divide more of them by a rule of its own.
POOL_DISKS_MAX = 16
# With two, the loss of one leaves no majority that writes.
POOL_SERVERS_MIN = 3
GROUP = "mlflow_object_store"


@dataclass(frozen=True)
class Pool:
    """The same folders on each of some servers; none for the platform's own folder."""

    servers: tuple[str, ...]
    disks: tuple[str, ...]

    @property
    def disks_of_a_server(self) -> int:
        """Count the platform's own folder as a disk."""
        return max(len(self.disks), 1)

    @property
    def size(self) -> int:
        """Count the disks of all its servers."""
        return len(self.servers) * self.disks_of_a_server

    def as_dict(self) -> dict[str, list[str]]:
        """Return it as an inventory has it."""
        return {"servers": list(self.servers), "disks": list(self.disks)}


def parse_pools(pools: Sequence[Mapping[str, Any]], disks: Sequence[str], servers: Sequence[str]) -> list[Pool]:
    """Read `rustfs_pools`, or make one pool of `rustfs_disks` on all servers."""
    if not pools:
        return [Pool(tuple(servers), tuple(map(str, disks)))]
    return [
        Pool(tuple(map(str, item.get("servers") or servers)), tuple(map(str, item.get("disks") or ())))
        for item in pools
    ]


def rustfs_layout(
    pools: Sequence[Mapping[str, Any]], disks: Sequence[str], servers: Sequence[str], host: str
) -> dict[str, Any]:
    """Tell what RustFS is started with on a server: its name among the others, its volumes and what is mounted."""
    servers = list(servers)
    parsed = parse_pools(pools, disks, servers)
    several = len(servers) > 1
    plain = not several and len(parsed) == 1 and parsed[0].disks_of_a_server == 1
    volumes, mounts, first = [], [], 0
    for pool in parsed:
        numbers = range(first, first + pool.disks_of_a_server)
        first = numbers.stop
        path = "/data" if plain else f"/data/rustfs{_span(numbers)}"
        volumes.append(f"https://rustfs-{_span(_positions(pool, servers))}:9000{path}" if several else path)
        if host in pool.servers:
            targets = ["/data"] if plain else [f"/disks/rustfs{number}" for number in numbers]
            sources = pool.disks or (f"../{SINGLE_FOLDER}",)
            mounts += [{"source": source, "target": target} for source, target in zip(sources, targets, strict=True)]
    own = [pool for pool in parsed if host in pool.servers]
    own_disks = [disk for pool in own for disk in pool.disks]
    spread = {"servers": servers, "pools": [pool.as_dict() for pool in parsed]}
    return {
        **spread,
        "several": several,
        "name": f"rustfs-{servers.index(host) + 1}" if several else "",
        "volumes": " ".join(volumes),
        "mounts": mounts,
        "disks": own_disks,
        "own_folder": any(not pool.disks for pool in own),
        "note": {"disks": own_disks, **spread}
        if several or len(parsed) > 1
        else {"disks": own_disks}
        if own_disks
        else {},
    }


def _span(numbers: Sequence[int]) -> str:
    """Write consecutive numbers as RustFS counts them out."""
    return str(numbers[0]) if len(numbers) == 1 else f"{{{numbers[0]}...{numbers[-1]}}}"


def _positions(pool: Pool, servers: Sequence[str]) -> list[int]:
    return [servers.index(server) + 1 for server in pool.servers]


def check_pools(values: Mapping[str, Any], servers: Sequence[str]) -> list[str]:
    """Complain about pools that RustFS does not take, or that would not survive the loss of a server."""
    pools, disks = values.get("rustfs_pools") or [], values.get("rustfs_disks") or []
    if any(pool is None for pool in pools):
        return []
    if pools and disks:
        return ["rustfs_disks: stands beside rustfs_pools, write its disks as the first of these, and remove it."]
    # An inventory without the group is told of elsewhere.
    servers = list(servers) or [""]
    problems = list(_check_servers(pools, servers)) if pools else []
    if problems:
        return problems
    parsed = parse_pools(pools, disks, servers)
    problems = list(_check_folders(parsed, servers)) if pools else []
    parity = values.get("rustfs_parity")
    for index, pool in enumerate(parsed):
        path = f"rustfs_pools[{index}]" if pools else "rustfs_disks"
        problems += _check_size(path, pool, several_pools=len(parsed) > 1)
        if pool.size <= POOL_DISKS_MAX:
            several = len(servers) > 1
            if several and len(pool.servers) < POOL_SERVERS_MIN:
                problems.append(_too_few(f"{path}.servers" if pools else GROUP, len(pool.servers)))
            else:
                problems += _check_parity(pool, None if parity is None else int(parity), several)
    return list(dict.fromkeys(problems))


def _check_servers(pools: Sequence[Mapping[str, Any]], servers: Sequence[str]) -> Iterator[str]:
    named: set[str] = set()
    for index, item in enumerate(pools):
        path = f"rustfs_pools[{index}].servers"
        wanted = [str(server) for server in item.get("servers") or servers]
        named.update(wanted)
        unknown = [server for server in wanted if server not in servers]
        if unknown:
            yield f"{path}: found {unknown[0]!r}, write names of the group {GROUP}, which are {', '.join(servers)}."
            continue
        first = servers.index(wanted[0])
        if wanted != list(servers[first : first + len(wanted)]):
            ordered = [server for server in servers if server in wanted]
            yield (
                f"{path}: found {', '.join(wanted)}, write each once and as they follow each other in the group {GROUP}"
                f" without one between them, such as {', '.join(ordered)}."
            )
    missing = [server for server in servers if server not in named]
    if missing:
        yield f"rustfs_pools: has no pool with {missing[0]}, add one, or take that server out of the group {GROUP}."


def _check_folders(pools: Sequence[Pool], servers: Sequence[str]) -> Iterator[str]:
    for server in servers:
        own = [pool for pool in pools if server in pool.servers]
        yield from check_folders("rustfs_pools", [disk for pool in own for disk in pool.disks])
        if len([pool for pool in own if not pool.disks]) > 1:
            yield "rustfs_pools: has two pools without disks on one server, write disks for all but the first."


def _check_size(path: str, pool: Pool, several_pools: bool) -> Iterator[str]:
    count = len(pool.servers)
    if pool.size > POOL_DISKS_MAX:
        if count == 1:
            yield f"{path}: found {pool.size} disks, write at most {POOL_DISKS_MAX}."
        else:
            yield (
                f"{path}: found {pool.disks_of_a_server} disks on each of {count} servers, which are {pool.size},"
                f" write at most {POOL_DISKS_MAX} in a pool, and the others as further ones of rustfs_pools."
            )
    if several_pools and pool.size < 2:
        yield f"{path}: found a single disk, write at least 2 in each of several pools."


def _too_few(path: str, count: int) -> str:
    found = f"{count} server{'s' if count > 1 else ''}"
    wish = "1, or at least" if path == GROUP else "at least"
    return f"{path}: found {found}, and nothing could be written while one is lost, write {wish} {POOL_SERVERS_MIN}."


def _check_parity(pool: Pool, parity: int | None, several: bool) -> Iterator[str]:
    count, disks = len(pool.servers), pool.size
    if several:
        lowest, largest = pool.disks_of_a_server, disks // 2
        if not lowest <= (default_parity(disks) if parity is None else parity) <= largest:
            found = f"is {default_parity(disks)} by itself" if parity is None else f"found {parity}"
            allowed = str(lowest) if lowest == largest else f"a number from {lowest} to {largest}"
            yield (
                f"rustfs_parity: {found}, but the loss of a server takes {lowest} of {disks} disks, write {allowed}"
                f" for {count} servers."
            )
    elif parity is not None and disks < 2:
        yield "rustfs_parity: is of no use with a single disk, remove it, or name several in rustfs_disks."
    elif parity is not None and not 1 <= parity <= disks // 2:
        allowed = "1" if disks < 4 else f"a number from 1 to {disks // 2}"
        yield f"rustfs_parity: found {parity}, write {allowed} for {disks} disks."


def default_parity(disks: int) -> int:
    """Return what RustFS takes by itself."""
    return 0 if disks < 2 else min(disks // 2, 4)


@dataclass(frozen=True)
class Layout:
    """Servers and pools that the objects of a platform are spread over."""

    servers: tuple[str, ...]
    pools: tuple[Pool, ...]


def layout_in_use(base: Path) -> Layout | None:
    """Return what the last run noted on a server that has objects; None without, or where it noted disks alone."""
    note = base / NOTE
    noted = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {}
    if "pools" not in noted:
        return None
    folders = [Path(disk) for disk in noted["disks"]] or [base / SINGLE_FOLDER]
    # One that is missing now may hold objects.
    if all(folder.is_dir() and not (folder / SYSTEM_FOLDER).is_dir() for folder in folders):
        return None
    pools = parse_pools(noted["pools"], [], noted["servers"])
    return Layout(tuple(noted["servers"]), tuple(pools))


def changed_layout_problem(wanted: Layout, base: str) -> str | None:
    """Return a sentence where objects would be left behind: pools can be added at the end, and nothing else."""
    found = layout_in_use(Path(base))
    several = len(wanted.servers) > 1
    if found is None:
        disks = disks_in_use(Path(base))
        if disks is None:
            return None
        if several:
            return (
                f"{GROUP}: found {len(wanted.servers)} servers, but the objects of this platform are on one: leave it"
                " alone in the group, or bring them to another platform first, as docs/object-store.md says."
            )
        if len(wanted.pools) > 1 and len(disks) < 2:
            return (
                "rustfs_pools: found several, but the objects of this platform are on a single disk, which no pool can"
                " be added to: remove it, or bring them to another platform first, as docs/object-store.md says."
            )
        return changed_disks_problem(wanted.pools[0].disks, disks, base)
    # The name of a server that is alone does not matter.
    if (several or len(found.servers) > 1) and wanted.servers[: len(found.servers)] != found.servers:
        return (
            f"{GROUP}: found {', '.join(wanted.servers)}, but the objects of this platform are on"
            f" {', '.join(found.servers)}: write these first, in this order."
        )
    for index, pool in enumerate(found.pools):
        there = wanted.pools[index] if index < len(wanted.pools) else None
        if there is None or there.disks != pool.disks or (several and there.servers != pool.servers):
            return (
                f"rustfs_pools: found {_shown(there)} as pool {index + 1}, but the objects of this platform are on"
                f" {_shown(pool)}: write that one, and others only after the {len(found.pools)} that there are."
            )
    return None


def _shown(pool: Pool | None) -> str:
    if pool is None:
        return "nothing"
    disks = ", ".join(pool.disks) or "the platform's own folder"
    return f"{disks} of {', '.join(pool.servers)}"
