# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a compose project of MLflow is made of, read from `docker inspect`: tracking server, database, object store."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable
from urllib.parse import unquote, urlsplit

PROJECT_LABEL = "com.docker.compose.project"
FOLDER_LABEL = "com.docker.compose.project.working_dir"
SERVICE_LABEL = "com.docker.compose.service"
ONEOFF_LABEL = "com.docker.compose.oneoff"

ENGINES = {
    "mysql": "mysql",
    "mysql-server": "mysql",
    "mariadb": "mariadb",
    "postgres": "postgres",
    "postgresql": "postgres",
}
STORES = {"minio": "minio", "rustfs": "rustfs"}
DEFAULT_REGION = "us-east-1"
STORE_PORT = 9000

_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)(?::?-(?P<default>[^}]*))?\}|(?P<bare>\w+))")
_CAT = re.compile(r"\$\((?:cat\s+|<\s*)(?P<path>[^)\s]+)\)")
# MLflow's options whose values matter here, with the variables that stand for them.
_FLAGS = {
    "--backend-store-uri": "MLFLOW_BACKEND_STORE_URI",
    "--artifacts-destination": "MLFLOW_ARTIFACTS_DESTINATION",
    "--default-artifact-root": "MLFLOW_DEFAULT_ARTIFACT_ROOT",
}

# Gives the text of a file on the server, None where it cannot be read.
ReadFile = Callable[[str], "str | None"]


@dataclass(frozen=True)
class Container:
    """What matters of one `docker inspect`."""

    name: str
    service: str
    project: str
    folder: str
    image: str
    running: bool
    restart: str
    words: tuple[str, ...]
    environment: Mapping[str, str]
    mounts: Mapping[str, str]
    exposed: frozenset[str]
    published: Mapping[int, str]
    names: frozenset[str]
    networks: Mapping[str, str]

    @classmethod
    def parse(cls, item: Mapping[str, Any]) -> Container:
        """Read one element of what `docker inspect` prints."""
        config, labels = item["Config"], item["Config"].get("Labels") or {}
        networks = item["NetworkSettings"].get("Networks") or {}
        name = item["Name"].lstrip("/")
        service = labels.get(SERVICE_LABEL, "")
        aliases = {alias for network in networks.values() for alias in network.get("Aliases") or []}
        return cls(
            name=name,
            service=service,
            project=labels.get(PROJECT_LABEL, ""),
            folder=labels.get(FOLDER_LABEL, ""),
            image=config["Image"],
            running=bool(item["State"]["Running"]),
            restart=_restart_policy(item["HostConfig"]["RestartPolicy"]),
            words=(*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())),
            environment=dict(line.partition("=")[::2] for line in config.get("Env") or ()),
            mounts={mount["Destination"]: mount["Source"] for mount in item.get("Mounts") or () if mount.get("Source")},
            exposed=frozenset(config.get("ExposedPorts") or ()),
            published=_published(item["HostConfig"].get("PortBindings") or {}),
            names=frozenset({name, service, config.get("Hostname", "")} | aliases) - {""},
            networks={network: settings.get("IPAddress", "") for network, settings in networks.items()},
        )

    @property
    def product(self) -> str:
        """Last part of the image's name, without tag and digest."""
        return self.image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()

    @property
    def address(self) -> str:
        """An address at which the server itself reaches it; empty where it does not run."""
        return next((address for _network, address in sorted(self.networks.items()) if address), "")

    def host_path(self, path: str) -> str | None:
        """Tell where on the server a file of the container lies, if it comes from there."""
        for destination in sorted(self.mounts, key=len, reverse=True):
            if path == destination or path.startswith(destination.rstrip("/") + "/"):
                return self.mounts[destination] + path[len(destination) :]
        return None

    def setting(self, read_file: ReadFile, *names: str) -> str | None:
        """Return the first variable that is set, or the content of the file that its `_FILE` names."""
        for name in names:
            if self.environment.get(name):
                return self.environment[name]
            path = self.host_path(self.environment.get(f"{name}_FILE", ""))
            text = read_file(path) if path else None
            if text:
                return text.rstrip("\r\n")
        return None


def _restart_policy(policy: Mapping[str, Any]) -> str:
    """Say it as `docker update --restart` takes it."""
    count = policy.get("MaximumRetryCount") or 0
    name = policy["Name"] or "no"
    return f"{name}:{count}" if count else str(name)


def _published(bindings: Mapping[str, Any]) -> dict[int, str]:
    """Tell at which address the server itself reaches a port of the container, whichever address that has."""
    found = {}
    for port, places in bindings.items():
        number, _slash, protocol = port.partition("/")
        for place in places or ():
            host = place.get("HostIp") or "0.0.0.0"  # noqa: S104
            if protocol == "tcp" and place.get("HostPort") and host in ("0.0.0.0", "127.0.0.1"):  # noqa: S104
                found[int(number)] = f"127.0.0.1:{place['HostPort']}"
    return found


def of_project(items: Iterable[Mapping[str, Any]], project: str) -> list[Container]:
    """Choose the containers of a project, given by its name or by its folder."""
    containers = []
    for item in items:
        labels = item["Config"].get("Labels") or {}
        if labels.get(ONEOFF_LABEL, "False").lower() == "true":
            continue
        if project in (labels.get(PROJECT_LABEL), labels.get(FOLDER_LABEL)) or (
            "/" in project and labels.get(FOLDER_LABEL, "").rstrip("/") == project.rstrip("/")
        ):
            containers.append(Container.parse(item))
    return sorted(containers, key=lambda container: container.name)


def expand(text: str, container: Container, read_file: ReadFile) -> str:
    """Put in what a shell in the container would: `$NAME`, `${NAME:-default}` and `$(cat FILE)`."""

    def content(match: re.Match[str]) -> str:
        path = container.host_path(match["path"])
        found = read_file(path) if path else None
        return match[0] if found is None else found.rstrip("\r\n")

    def value(match: re.Match[str]) -> str:
        name = match["braced"] or match["bare"]
        return container.environment.get(name) or match["default"] or ""

    # Files last: what they hold is no shell's text.
    return _CAT.sub(content, _VARIABLE.sub(value, text))


def command_words(container: Container, processes: Iterable[str], read_file: ReadFile) -> list[str]:
    """Return the words of `mlflow server`: of the process that runs, else what the container is started with."""
    for line in processes:
        words = line.split()
        if _is_server(words):
            return words
    words = []
    for word in container.words:
        if "mlflow" in word and " " in word:
            # A shell's text: quotes are taken away first, what is put in afterwards may hold them.
            words += [expand(part, container, read_file) for part in _split(word)]
        else:
            words.append(word)
    return words


def _split(text: str) -> list[str]:
    # `$(cat file)` is one word.
    guarded = _CAT.sub(lambda match: match[0].replace(" ", "\x1f"), text)
    try:
        words = shlex.split(guarded)
    except ValueError:
        words = guarded.split()
    return [word.replace("\x1f", " ") for word in words]


def _is_server(words: Sequence[str]) -> bool:
    pairs = zip(words, words[1:])
    return any(first.rpartition("/")[2] == "mlflow" and second in ("server", "ui") for first, second in pairs)


def flag(words: Sequence[str], name: str) -> str | None:
    """Return the value of an option, written `--name value` or `--name=value`; the last one counts."""
    found = None
    for index, word in enumerate(words):
        if word == name and index + 1 < len(words):
            found = words[index + 1]
        elif word.startswith(f"{name}="):
            found = word[len(name) + 1 :]
    return found


def is_tracking_server(container: Container) -> bool:
    """Tell whether MLflow's server runs in a container."""
    text = " ".join(container.words).split()
    if _is_server(text) or container.environment.get("MLFLOW_BACKEND_STORE_URI"):
        return True
    return "mlflow" in container.product and engine_of(container) is None and store_kind(container) is None


def engine_of(container: Container) -> str | None:
    """Name the database engine that a container runs; variables tell nothing, everybody shares one `.env`."""
    if container.product in ENGINES:
        return ENGINES[container.product]
    if "3306/tcp" in container.exposed:
        return "mariadb" if "MARIADB_VERSION" in container.environment else "mysql"
    return "postgres" if "5432/tcp" in container.exposed else None


def store_kind(container: Container) -> str | None:
    """Name the object store that a container runs."""
    if container.product in STORES:
        return STORES[container.product]
    if "9000/tcp" in container.exposed:
        return next((kind for kind in STORES.values() if kind in " ".join(container.words)), None)
    return None


@dataclass
class Stack:
    """What was found, and a sentence for each thing that stands in the way."""

    project: str
    containers: list[Container] = field(default_factory=list)
    mlflow: list[Container] = field(default_factory=list)
    mlflow_settings: dict[str, Any] = field(default_factory=dict)
    database: dict[str, Any] = field(default_factory=dict)
    store: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def as_result(self) -> dict[str, Any]:
        """Return it in the shape of the module's result."""
        return {
            "project": next((container.project for container in self.containers), self.project),
            "folder": next((container.folder for container in self.containers), ""),
            "containers": [
                {
                    "name": container.name,
                    "service": container.service,
                    "image": container.image,
                    "running": container.running,
                    "restart": container.restart,
                }
                for container in self.containers
            ],
            "mlflow": {
                "containers": [container.name for container in self.mlflow],
                "running": any(container.running for container in self.mlflow),
                **self.mlflow_settings,
            },
            "database": self.database,
            "store": self.store,
            "artifacts": self.artifacts,
            "problems": self.problems,
        }


@dataclass(frozen=True)
class Told:
    """What an operator said, which wins over what is found; each a dict with some of the keys of the result."""

    mlflow_container: str | None = None
    artifacts: str | None = None
    database: Mapping[str, Any] = field(default_factory=dict)
    store: Mapping[str, Any] = field(default_factory=dict)


class Reader:
    """Finds the parts of a stack."""

    def __init__(self, containers: Sequence[Container], told: Told, read_file: ReadFile) -> None:
        """Take the containers of one project."""
        self.containers = list(containers)
        self.told = told
        self.read_file = read_file

    def read(self, project: str, processes: Mapping[str, Sequence[str]]) -> Stack:
        """Describe the stack; `processes` are the command lines in each container that runs."""
        stack = Stack(project, self.containers)
        if not self.containers:
            stack.problems.append(
                f"adopt_project: there is no compose project {project!r} on this server, write a name that"
                " `docker compose ls --all` shows, or the folder of its compose file."
            )
            return stack
        stack.mlflow = self._tracking_servers(stack)
        if not stack.mlflow:
            return stack
        server = next((container for container in stack.mlflow if container.running), stack.mlflow[0])
        words = command_words(server, processes.get(server.name, ()), self.read_file)
        values = {
            name: flag(words, option) or server.setting(self.read_file, name) or "" for option, name in _FLAGS.items()
        }
        stack.mlflow_settings = {
            "artifacts_destination": values["MLFLOW_ARTIFACTS_DESTINATION"],
            "default_artifact_root": values["MLFLOW_DEFAULT_ARTIFACT_ROOT"],
        }
        self._find_database(stack, values["MLFLOW_BACKEND_STORE_URI"])
        self._find_artifacts(stack)
        self._find_store(stack, server)
        return stack

    def _named(self, stack: Stack, variable: str, name: str) -> Container | None:
        chosen = next((item for item in self.containers if name in (item.name, item.service)), None)
        if chosen is None:
            names = ", ".join(container.name for container in self.containers)
            stack.problems.append(f"{variable}: the project has no container {name!r}, write one of {names}.")
        return chosen

    def _tracking_servers(self, stack: Stack) -> list[Container]:
        if self.told.mlflow_container:
            chosen = self._named(stack, "adopt_mlflow_container", self.told.mlflow_container)
            if chosen is None:
                return []
            return [item for item in self.containers if item.service == chosen.service or item is chosen]
        found = [container for container in self.containers if is_tracking_server(container)]
        services = sorted({container.service for container in found})
        if len(services) > 1:
            stack.problems.append(
                f"adopt_mlflow_container: MLflow may be any of the services {', '.join(services)}, write which one."
            )
            return []
        if not found:
            stack.problems.append(
                "adopt_mlflow_container: no service of the project looks like MLflow's server, write its container."
            )
        return found

    def _find_database(self, stack: Stack, uri: str) -> None:
        try:
            parts = urlsplit(uri)
            host, name = parts.hostname or "", parts.path.lstrip("/")
            login = (unquote(parts.username or ""), unquote(parts.password or ""))
        except ValueError:
            host, name, login = "", "", ("", "")
        told = {key: value for key, value in self.told.database.items() if value not in (None, "")}
        container = self._database_container(stack, told, host)
        if container is None:
            return
        engine = told.get("engine") or engine_of(container) or ""
        if engine not in ("mysql", "postgres"):
            stack.problems.append(
                f"adopt_database.engine: {container.name} runs {engine or container.image}, which cannot be taken over;"
                " only mysql and postgres can."
            )
            return
        prefix = "MYSQL" if engine == "mysql" else "POSTGRES"
        name_variable = f"{prefix}_DATABASE" if engine == "mysql" else f"{prefix}_DB"
        # What MLflow logs in with is right as long as it runs; the variables of the database may be of an older day.
        found = {
            "container": container.name,
            "engine": engine,
            "name": name or container.setting(self.read_file, name_variable) or "",
            "username": login[0] or container.setting(self.read_file, f"{prefix}_USER") or "",
            "password": login[1] or container.setting(self.read_file, f"{prefix}_PASSWORD") or "",
            "running": container.running,
            "restart": container.restart,
        }
        stack.database = {**found, **{key: told[key] for key in told if key != "container"}}
        for key in ("name", "username", "password"):
            if not stack.database[key]:
                stack.problems.append(f"adopt_database.{key}: was not found in the old stack, write it.")

    def _database_container(self, stack: Stack, told: Mapping[str, Any], host: str) -> Container | None:
        if told.get("container"):
            return self._named(stack, "adopt_database.container", told["container"])
        found = [container for container in self.containers if engine_of(container)]
        meant = [container for container in found if host in container.names]
        if len(meant) == 1 or len(found) == 1:
            return (meant or found)[0]
        if not found:
            stack.problems.append(
                "adopt_database.container: no service of the project looks like MySQL or Postgres, write the container"
                " of MLflow's database."
            )
        else:
            names = ", ".join(container.name for container in found)
            stack.problems.append(
                f"adopt_database.container: found several databases, {names}, write which one is MLflow's."
            )
        return None

    def _find_artifacts(self, stack: Stack) -> None:
        destination = (
            self.told.artifacts
            or stack.mlflow_settings["artifacts_destination"]
            or stack.mlflow_settings["default_artifact_root"]
        )
        parts = urlsplit(destination)
        if parts.scheme != "s3":
            what = f"in {destination}" if destination else "in a folder of its own"
            stack.problems.append(
                f"adopt_artifacts: the old MLflow keeps artifacts {what}, which is not taken over; copy them to an"
                " object store first, or write adopt_artifacts: s3://BUCKET/PREFIX."
            )
            return
        stack.artifacts = {"bucket": parts.netloc, "prefix": parts.path.strip("/")}

    def _find_store(self, stack: Stack, server: Container) -> None:
        told = {key: value for key, value in self.told.store.items() if value not in (None, "")}
        endpoint = server.environment.get("MLFLOW_S3_ENDPOINT_URL") or server.environment.get("AWS_ENDPOINT_URL") or ""
        endpoint = told.get("endpoint_url") or endpoint
        host = urlsplit(endpoint).hostname or ""
        container = self._store_container(stack, told, host)
        key = server.setting(self.read_file, "AWS_ACCESS_KEY_ID") or ""
        secret = server.setting(self.read_file, "AWS_SECRET_ACCESS_KEY") or ""
        root_key, root_secret = self._root_key(container)
        known = container is not None and host in container.names
        if container and not known:
            # The server's own name, or none: on a network of the project, the service's name leads to it as well.
            endpoint = f"{urlsplit(endpoint).scheme or 'http'}://{container.service}:{STORE_PORT}"
        bundle = server.environment.get("AWS_CA_BUNDLE", "")
        stack.store = {
            "container": container.name if container else "",
            "kind": (store_kind(container) or "s3") if container else "s3",
            "running": container.running if container else True,
            "restart": container.restart if container else "",
            "network": _common_network(container, server) if container else "",
            "endpoint_url": endpoint,
            "server_endpoint_url": _from_server(endpoint, container) if container else endpoint,
            "ca_certificate": (server.host_path(bundle) or "") if bundle else "",
            "region": server.setting(self.read_file, "AWS_DEFAULT_REGION", "AWS_REGION") or DEFAULT_REGION,
            "access_key": key or root_key,
            "secret_key": secret or root_secret,
            "root_access_key": root_key or key,
            "root_secret_key": root_secret or secret,
            **{name: told[name] for name in told if name != "container"},
        }
        for name in ("endpoint_url", "access_key", "secret_key"):
            if not stack.store[name]:
                stack.problems.append(f"adopt_store.{name}: was not found in the old stack, write it.")
        if container and not container.running:
            stack.problems.append(
                f"adopt_store.container: {container.name} does not run, start it: the artifacts stay in it for now."
            )

    def _store_container(self, stack: Stack, told: Mapping[str, Any], host: str) -> Container | None:
        if told.get("container"):
            return self._named(stack, "adopt_store.container", told["container"])
        found = [container for container in self.containers if store_kind(container)]
        meant = [container for container in found if host in container.names]
        if len(meant) == 1:
            return meant[0]
        if len(found) > 1:
            names = ", ".join(container.name for container in found)
            stack.problems.append(
                f"adopt_store.container: found several object stores, {names}, write which one holds the artifacts."
            )
        # A name that no container has is somebody's S3, or the server's own name.
        return found[0] if len(found) == 1 else None

    def _root_key(self, container: Container | None) -> tuple[str, str]:
        if container is None:
            return "", ""
        names = (
            ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"),
            ("MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"),
            ("RUSTFS_ACCESS_KEY", "RUSTFS_SECRET_KEY"),
        )
        for user, password in names:
            found = container.setting(self.read_file, user), container.setting(self.read_file, password)
            if found[0] and found[1]:
                return found[0], found[1]
        return "", ""


def _common_network(store: Container, server: Container) -> str:
    networks = sorted(store.networks)
    return next((network for network in networks if network in server.networks), next(iter(networks), ""))


def _from_server(endpoint: str, store: Container) -> str:
    """Return the address by which the server itself reaches a container's port: a published one, else while it runs."""
    parts = urlsplit(endpoint)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if port in store.published:
        return f"{parts.scheme}://{store.published[port]}"
    if not store.address:
        return endpoint
    host = f"[{store.address}]" if ":" in store.address else store.address
    return f"{parts.scheme}://{host}:{port}"
