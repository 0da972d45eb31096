# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of an inventory that no type can express. All of them are pure and return sentences."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.onprem.mlflow.plugins.module_utils.acme_check import check_acme
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_check import check_backup
from ansible_collections.onprem.mlflow.plugins.module_utils.ca_certificate import ca_certificate_problems
from ansible_collections.onprem.mlflow.plugins.module_utils.compose import check_service_limits
from ansible_collections.onprem.mlflow.plugins.module_utils.direct_transfer import check_direct_transfer
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.external_database import check_external_database
from ansible_collections.onprem.mlflow.plugins.module_utils.front_door_check import check_front_door
from ansible_collections.onprem.mlflow.plugins.module_utils.htpasswd import (
    ROUNDS_LIMITS,
    check_user,
    check_user_name,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.image_inputs import check_images
from ansible_collections.onprem.mlflow.plugins.module_utils.login_check import check_login
from ansible_collections.onprem.mlflow.plugins.module_utils.monitoring_check import check_monitoring
from ansible_collections.onprem.mlflow.plugins.module_utils.option_check import suggest
from ansible_collections.onprem.mlflow.plugins.module_utils.publish_check import check_publish
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_bucket_limits import check_limits
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_disks import check_folders
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_pools import check_pools
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import BUCKET_NAME, store_of
from ansible_collections.onprem.mlflow.plugins.module_utils.timer_check import check_timers
from ansible_collections.onprem.mlflow.plugins.module_utils.virtual_hosts import VirtualHost, parse_port

# Everybody knows the key that RustFS starts with where none is set.
RUSTFS_DEFAULT_KEY = "rustfsadmin"
RUSTFS_ACCESS_KEY_MIN = 3
RUSTFS_SECRET_KEY_MIN = 8
# The first release without published holes in the tracking server.
MLFLOW_OLDEST_SAFE = (3, 17)

# Options of the role postgres that are sizes, in the words of postgresql.conf.
POSTGRES_SIZES = (
    "postgres_shared_buffers",
    "postgres_work_mem",
    "postgres_maintenance_work_mem",
    "postgres_effective_cache_size",
    "postgres_max_wal_size",
)

_NETWORK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_POSTGRES_SIZE = re.compile(r"[1-9][0-9]*(kB|MB|GB|TB)")
_GENERATED_FOR = re.compile(r"[A-Za-z0-9_.-]+")
_SHARED_DEFAULT = re.compile(r"\{\{\s*(mlflow_platform_\w+)\s*\|\s*default\(.*\)\s*\}\}")

Spec = Mapping[str, Any]


def shared_options(specs: Iterable[Mapping[str, Spec]]) -> dict[str, Spec]:
    """Find the variables that several roles share, with the spec of an option that takes its default from them."""
    found: dict[str, Spec] = {}
    for options in specs:
        for spec in options.values():
            default = spec.get("default")
            match = _SHARED_DEFAULT.fullmatch(default) if isinstance(default, str) else None
            if match and (match[1] not in found or spec.get("choices")):
                found[match[1]] = {key: item for key, item in spec.items() if key not in ("default", "required")}
    return found


def unknown_variables(names: Iterable[str], prefixes: Iterable[str], known: Iterable[str]) -> list[str]:
    """Complain about variables that look like options and are none: they would be ignored in silence."""
    options = set(known)
    starts = tuple(sorted(prefixes))
    problems = []
    for name in sorted(names):
        if name in options or not name.startswith(starts):
            continue
        meant = suggest(name, options)
        advice = f"write {meant}" if meant else "remove it, or give it a name that does not begin like a role's"
        problems.append(f"{name}: is not an option, {advice}.")
    return problems


def missing_variables(variables: Container[str], wanted: Mapping[str, object]) -> list[str]:
    """Complain about variables that have no default and are not set."""
    return [f"{name}: is not set, write {meaning}." for name, meaning in wanted.items() if name not in variables]


def check_groups(wanted: Mapping[str, object], groups: Mapping[str, Sequence[str]]) -> list[str]:
    """Complain about groups that an inventory must fill and does not."""
    problems = []
    for name, meaning in wanted.items():
        if name not in groups:
            problems.append(f"Group {name}: is missing in the inventory, add it with {meaning}.")
        elif not groups[name]:
            problems.append(f"Group {name}: is empty in the inventory, put {meaning} into it.")
    return problems


def check_values(values: Mapping[str, Any], server_address: str = "", stores: Sequence[str] | None = ()) -> list[str]:
    """Run every check whose options are there; `values` holds those whose types are right.

    `stores` are the servers of the object store, None on a server that is none of them.
    """
    problems = []
    if "nginx_virtual_hosts" in values:
        scheme = str(values.get("nginx_password_hash") or "bcrypt")
        problems += check_virtual_hosts("nginx_virtual_hosts", values["nginx_virtual_hosts"], scheme)
        problems += check_front_door(
            "nginx_virtual_hosts",
            values["nginx_virtual_hosts"],
            str(values.get("nginx_login") or values.get("mlflow_platform_login") or "basic"),
            str(values.get("mlflow_platform_artifact_store") or "rustfs"),
            server_address,
        )
        if "nginx_health_port" in values:
            problems += check_health_port(values["nginx_health_port"], values["nginx_virtual_hosts"])
    if "nginx_password_rounds" in values:
        problems += check_rounds(values["nginx_password_rounds"], str(values.get("nginx_password_hash") or "bcrypt"))
    for name, value in values.items():
        if name.startswith(("rustfs_", "bucket_")) and isinstance(value, str):
            problems += check_rustfs_key(name, value)
    problems += check_service_limits(values)
    problems += check_login(values)
    problems += check_publish(values)
    problems += check_acme(values)
    problems += check_backup(values)
    problems += check_timers(values)
    problems += check_monitoring(values)
    problems += check_images(values)
    problems += check_bucket_key(values)
    problems += check_folders("rustfs_disks", [str(disk) for disk in values.get("rustfs_disks") or []])
    if stores is not None:
        problems += check_pools(values, stores)
    problems += check_limits(values)
    problems += check_direct_transfer(values)
    problems += check_postgres(values)
    problems += check_artifact_prefix(values)
    if "mlflow_s3" in values:
        problems += check_external_s3("mlflow_s3", values["mlflow_s3"])
    if "mlflow_database" in values:
        problems += check_external_database("mlflow_database", values["mlflow_database"])
    problems += check_sqlite(values)
    if "mlflow_version" in values:
        allowed = bool(values.get("mlflow_allow_vulnerable_version"))
        problems += check_mlflow_version(str(values["mlflow_version"]), allowed)
    return problems


def check_virtual_hosts(variable: str, virtual_hosts: Sequence[Mapping[str, Any] | None], scheme: str) -> list[str]:
    """Complain about names, ports and users that cannot be; None stands for one whose types are wrong."""
    problems = []
    seen: set[tuple[str, int]] = set()
    for index, item in enumerate(virtual_hosts):
        if item is None:
            continue
        path = f"{variable}[{index}]"
        try:
            parsed = VirtualHost.parse(item)
        except InputError as exc:
            problems.append(f"{path}: {exc}")
            continue
        for name in parsed.host_names:
            if (name, parsed.port) in seen:
                problems.append(f"{path}: {name} with port {parsed.port} stands twice, remove one of them.")
            seen.add((name, parsed.port))
        problems += _check_users(f"{path}.users", item.get("users") or [], scheme)
    return problems


def _check_users(path: str, users: Sequence[Mapping[str, Any]], scheme: str) -> list[str]:
    problems = []
    seen: set[str] = set()
    for user in users:
        try:
            name = check_user_name(user.get("name"))
            if user.get("password") is not None or user.get("hash") is not None:
                check_user(user, scheme)
            elif not _GENERATED_FOR.fullmatch(name):
                problems.append(
                    f"{path}: a password is generated only for names of letters, digits and _ . - characters,"
                    f" write one for user {name!r}."
                )
        except InputError as exc:
            problems.append(f"{path}: {exc}")
            continue
        if name in seen:
            problems.append(f"{path}: user {name!r} stands twice, remove one of them.")
        seen.add(name)
    return problems


def check_rounds(rounds: object, scheme: str) -> list[str]:
    """Complain about a cost that the scheme of the hash does not have."""
    low, high = ROUNDS_LIMITS.get(scheme, (0, 0))
    if high and not low <= int(str(rounds)) <= high:
        return [f"nginx_password_rounds: found {rounds}, write a number from {low} to {high} for {scheme}."]
    return []


def check_health_port(port: object, virtual_hosts: Sequence[Mapping[str, Any] | None]) -> list[str]:
    """Complain about a health port that clients are served on."""
    ports = {parse_port(item.get(key)) for item in virtual_hosts if item for key in ("port", "redirect_from")}
    if parse_port(port) in ports - {None}:
        return [f"nginx_health_port: found {port}, which a virtual host listens on, write another port."]
    return []


def check_rustfs_key(name: str, value: str) -> list[str]:
    """Complain about keys that RustFS does not take, or that everybody knows."""
    if name.endswith("secret_key"):
        shortest = RUSTFS_SECRET_KEY_MIN
    elif name.endswith("access_key"):
        shortest = RUSTFS_ACCESS_KEY_MIN
    else:
        return []
    if value == RUSTFS_DEFAULT_KEY:
        return [f"{name}: is RustFS's default, which everybody knows, write another or remove the line."]
    if value and len(value.encode()) < shortest:
        return [f"{name}: is too short, write at least {shortest} characters."]
    if name.endswith("access_key") and re.search(r"[\s=,/]", value):
        return [f"{name}: holds a space or one of = , / characters, write one without."]
    return []


def check_bucket_key(values: Mapping[str, Any]) -> list[str]:
    """Complain where the key of the bucket is the administrator's."""
    key = values.get("bucket_access_key")
    if key is not None and key == values.get("rustfs_root_access_key"):
        return ["bucket_access_key: is the same as rustfs_root_access_key, write another."]
    return []


def check_artifact_prefix(values: Mapping[str, Any]) -> list[str]:
    """Complain about a prefix that would end up as another one in the bucket."""
    prefix = str(values.get("mlflow_artifact_prefix", ""))
    if prefix and any(part in ("", ".", "..") for part in prefix.split("/")):
        return [
            f"mlflow_artifact_prefix: found {prefix!r}, write names with one slash between them and none at the ends,"
            " such as artifacts, or '' for none."
        ]
    return []


def check_external_s3(variable: str, option: Mapping[str, Any]) -> list[str]:
    """Complain about an external store that MLflow's container could not use; it is not asked here."""
    if not option:
        return []
    try:
        store = store_of({**option, "ca_certificate": None}, variable)
    except InputError as exc:
        return [str(exc)]
    problems = []
    host = str(urlsplit(store.endpoint_url).hostname)
    if host == "localhost" or host.startswith("127.") or host == "::1":
        problems.append(
            f"{variable}.endpoint_url: found {store.endpoint_url!r}, which is MLflow's own container when it asks,"
            " write the name or the address that other machines use."
        )
    if not BUCKET_NAME.fullmatch(str(option["bucket"])):
        problems.append(
            f"{variable}.bucket: found {option['bucket']!r}, write the name alone,"
            " of 3 to 63 of the characters a-z 0-9 . -."
        )
    if option.get("network") and not _NETWORK.fullmatch(str(option["network"])):
        problems.append(
            f"{variable}.network: found {option['network']!r}, write a name as `docker network ls` shows it."
        )
    if option.get("ca_certificate"):
        problems += _check_certificate(f"{variable}.ca_certificate", str(option["ca_certificate"]), store.tls)
    return problems


def _check_certificate(path: str, text: str, tls: bool) -> list[str]:
    if not tls:
        return [f"{path}: is of no use with an address that begins with http://, remove it, or write https://."]
    return ca_certificate_problems(path, text, "the store")


def check_postgres(values: Mapping[str, Any]) -> list[str]:
    """Complain about sizes that PostgreSQL cannot read, and users that it keeps for itself."""
    problems = [
        f"{name}: found {values[name]!r}, write a number with its unit, such as 256MB or 1GB."
        for name in POSTGRES_SIZES
        if name in values and not _POSTGRES_SIZE.fullmatch(str(values[name]))
    ]
    user = str(values.get("postgres_user", ""))
    if user == "postgres":
        problems.append("postgres_user: found 'postgres', which is the superuser, write another name.")
    elif user.startswith("pg_"):
        problems.append(
            f"postgres_user: found {user!r}, but PostgreSQL keeps names with pg_ for itself, write another."
        )
    return problems


def check_sqlite(values: Mapping[str, Any]) -> list[str]:
    """Complain about more writers than SQLite has room for, and servers that are none."""
    replicas = int(values.get("mlflow_replicas", 1))
    if replicas < 1:
        return [f"mlflow_replicas: found {replicas}, write 1 or more."]
    if values.get("mlflow_platform_database") == "sqlite" and replicas > 1:
        return [
            f"mlflow_replicas: found {replicas}, but SQLite takes one writer at a time,"
            " write 1, or another mlflow_platform_database than 'sqlite'."
        ]
    workers = int(values.get("mlflow_workers", 1))
    if values.get("mlflow_platform_database") == "sqlite" and workers > 1:
        return [
            f"mlflow_workers: found {workers}, but SQLite takes one writer at a time,"
            " write 1, or another mlflow_platform_database than 'sqlite'."
        ]
    return []


def check_mlflow_version(version: str, allow_vulnerable: bool) -> list[str]:
    """Complain about releases with published holes."""
    match = re.match(r"(\d+)\.(\d+)(\.|$|[a-z])", version)
    if not match:
        return [f"mlflow_version: found {version!r}, write a release such as '3.17.2'."]
    if (int(match[1]), int(match[2])) < MLFLOW_OLDEST_SAFE and not allow_vulnerable:
        oldest = ".".join(str(number) for number in MLFLOW_OLDEST_SAFE)
        return [
            f"mlflow_version: found {version!r}, which has published holes, write {oldest} or later,"
            " or set mlflow_allow_vulnerable_version: true."
        ]
    return []
