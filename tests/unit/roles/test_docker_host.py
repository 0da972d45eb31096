"""What role docker_host installs from where on each distribution, as Docker and the distributions document it.

https://docs.docker.com/engine/install/ says what the addresses, the suites and the packages are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLE = Path(__file__).resolve().parents[3] / "roles" / "docker_host"
DOCKER = "https://download.docker.com/linux"
MODULES = ["boto3", "cryptography", "packaging", "requests"]
# Docker's architecture by the kernel's.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

# What Ansible's facts say of a distribution: name, version, its first part, code name.
DEBIAN_LIKE = {
    "bookworm": ("Debian", "12.11", "12", "bookworm"),
    "trixie": ("Debian", "13.1", "13", "trixie"),
    "jammy": ("Ubuntu", "22.04", "22", "jammy"),
    "noble": ("Ubuntu", "24.04", "24", "noble"),
}
RHEL_LIKE = {
    "rhel/9": ("RedHat", "9.6", "9", "Plow"),
    "rhel/10": ("RedHat", "10.0", "10", "Coughlan"),
    "centos/9": ("CentOS", "9", "9", "Stream"),
    "centos/10": ("CentOS", "10", "10", "Coughlan"),
    "alma/9": ("AlmaLinux", "9.6", "9", "Sage Margay"),
    "alma/10": ("AlmaLinux", "10.0", "10", "Purple Lion"),
    "rocky/9": ("Rocky", "9.6", "9", "Blue Onyx"),
    "rocky/10": ("Rocky", "10.0", "10", "Red Quartz"),
}
SUPPORTED = {**DEBIAN_LIKE, **RHEL_LIKE}
UNSUPPORTED = [("Debian", "11.11", "11", "bullseye"), ("Fedora", "43", "43", ""), ("Ubuntu", "20.04", "20", "focal")]
KERNEL = "6.12.0-55.9.1.el10_0"


@cache
def load(path: str) -> Any:
    """Read a file of the role, with its templates."""
    return DataLoader().load_from_file(str(ROLE / path), trusted_as_template=True)


@dataclass(frozen=True)
class Server:
    """The role's variables and tasks as they are on one server."""

    templar: Templar

    @classmethod
    def with_facts(cls, facts: tuple[str, str, str, str], architecture: str = "x86_64", **variables: Any) -> Server:
        """A server without an engine, where nothing else is told."""
        name, version, major, codename = facts
        known: dict[str, Any] = {
            "inventory_hostname": "mlflow1",
            "ansible_check_mode": False,
            "ansible_facts": {
                "distribution": name,
                "distribution_version": version,
                "distribution_major_version": major,
                "distribution_release": codename,
                "architecture": architecture,
                "kernel": f"{KERNEL}.{architecture}",
            },
            "__docker_host_r_engine": {
                "engine_version": None,
                "compose_version": None,
                "daemon": None,
                "daemon_loaded": True,
                "missing_python_modules": MODULES,
            },
            "__docker_host_r_offered": {"results": []},
        }
        own = {**load("defaults/main.yml"), **load("vars/main.yml")}
        return cls(Templar(DataLoader(), {**known, **own, **variables}))

    def value(self, name: str) -> Any:
        return self.templar.template(trust_as_template("{{ " + name + " }}"))

    def tasks(self, file: str) -> dict[str, dict[str, Any]]:
        return {task["name"]: task for task in load(f"tasks/{file}")}

    def arguments(self, file: str, name: str, module: str) -> dict[str, Any]:
        """What a task gives to its module."""
        return dict(self.templar.template(self.tasks(file)[name][f"ansible.builtin.{module}"]))

    def refusals(self) -> list[str]:
        """The sentences of those checks that this server does not pass."""
        said = []
        for task in self.tasks("check.yml").values():
            claim = task.get("ansible.builtin.assert")
            if claim:
                conditions = claim["that"] if isinstance(claim["that"], list) else [claim["that"]]
                if not all(self.templar.evaluate_conditional(condition) for condition in conditions):
                    said.append(" ".join(str(self.templar.template(claim["fail_msg"])).split()))
        return said

    def repository_file(self) -> dict[str, str]:
        """The fields of the file that apt reads."""
        text = (ROLE / "templates" / "docker.sources.j2").read_text(encoding="utf-8")
        lines = str(self.templar.template(trust_as_template(text.replace("{{ ansible_managed }}", "")))).splitlines()
        return dict(line.split(": ", 1) for line in lines if not line.startswith("#"))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("suite", DEBIAN_LIKE)
def test_docker_s_repository_for_apt(suite: str, architecture: str) -> None:
    server = Server.with_facts(DEBIAN_LIKE[suite], architecture)
    folder = "ubuntu" if suite in ("jammy", "noble") else "debian"
    assert server.value("__docker_host_family") == "debian"
    assert server.repository_file() == {
        "Types": "deb",
        "URIs": f"{DOCKER}/{folder}",
        "Suites": suite,
        "Components": "stable",
        "Architectures": ARCHITECTURES[architecture],
        "Signed-By": "/etc/apt/keyrings/docker.asc",
    }
    key = server.arguments("repository_debian.yml", "repository_debian | Get the repository's key", "get_url")
    assert (key["url"], key["dest"]) == (f"{DOCKER}/{folder}/gpg", "/etc/apt/keyrings/docker.asc")


@pytest.mark.parametrize("name", RHEL_LIKE)
def test_docker_s_repository_for_dnf(name: str) -> None:
    server = Server.with_facts(RHEL_LIKE[name])
    like, major = name.split("/")
    # Docker has no folders for RHEL's clones: Rocky's documentation names RHEL's.
    folder = "centos" if like == "centos" else "rhel"
    assert server.value("__docker_host_family") == "rhel"
    repository = server.arguments("repository_rhel.yml", "repository_rhel | Add the repository", "yum_repository")
    assert repository["name"] == "docker-ce-stable"
    assert repository["baseurl"] == f"{DOCKER}/{folder}/{major}/$basearch/stable"
    assert repository["gpgkey"] == f"{DOCKER}/{folder}/gpg"
    assert repository["gpgcheck"] is True


def test_a_mirror_of_docker_s_repository() -> None:
    mirror = {"docker_host_repository_url": "https://mirror.example.org/docker"}
    apt = Server.with_facts(DEBIAN_LIKE["noble"], **mirror).repository_file()
    assert apt["URIs"] == "https://mirror.example.org/docker/ubuntu"
    dnf = Server.with_facts(RHEL_LIKE["rocky/9"], **mirror)
    repository = dnf.arguments("repository_rhel.yml", "repository_rhel | Add the repository", "yum_repository")
    assert repository["gpgkey"] == "https://mirror.example.org/docker/rhel/gpg"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", SUPPORTED)
def test_packages_of_docker(name: str, architecture: str) -> None:
    packages = Server.with_facts(SUPPORTED[name], architecture).value("__docker_host_packages")
    assert {"docker-ce", "docker-ce-cli", "containerd.io", "docker-compose-plugin"} <= set(packages)
    # docker/docker-ce-packaging#1340: the engine does not start on RHEL 10 without xt_addrtype.
    kernel = [f"kernel-modules-extra-{KERNEL}.{architecture}"] if name.endswith("/10") else []
    assert packages[4:] == kernel


@pytest.mark.parametrize(
    ("name", "packages"),
    [
        ("trixie", {"docker.io", "docker-cli", "docker-compose"}),
        ("jammy", {"docker.io", "docker-compose-v2"}),
        ("noble", {"docker.io", "docker-compose-v2"}),
    ],
)
def test_packages_of_the_distribution(name: str, packages: set[str]) -> None:
    server = Server.with_facts(SUPPORTED[name], docker_host_source="distribution")
    assert set(server.value("__docker_host_packages")) == packages
    assert server.refusals() == []


@pytest.mark.parametrize("name", ["bookworm", *RHEL_LIKE])
def test_a_distribution_without_compose_v2_is_refused(name: str) -> None:
    server = Server.with_facts(SUPPORTED[name], docker_host_source="distribution")
    distribution, _version, major, _codename = SUPPORTED[name]
    assert server.refusals() == [
        f"docker_host_source: found 'distribution', but {distribution} {major} has no packages of Docker Engine with "
        "Compose v2: write 'docker'."
    ]


@pytest.mark.parametrize("name", SUPPORTED)
def test_an_engine_that_is_there_is_kept(name: str) -> None:
    engine: dict[str, Any] = {"engine_version": "26.1.5", "compose_version": "2.26.1", "missing_python_modules": []}
    server = Server.with_facts(SUPPORTED[name], docker_host_source="distribution", __docker_host_r_engine=engine)
    assert server.value("__docker_host_found") is True
    assert server.refusals() == []


def test_an_engine_that_is_too_old_is_refused() -> None:
    engine: dict[str, Any] = {"engine_version": "20.10.24", "compose_version": None, "missing_python_modules": []}
    assert Server.with_facts(DEBIAN_LIKE["bookworm"], __docker_host_r_engine=engine).refusals() == [
        "mlflow1 has Docker Engine 20.10.24 with Compose none: upgrade them to 25.0 and 2.24 or newer, "
        "or remove them to have them installed."
    ]


@pytest.mark.parametrize("facts", UNSUPPORTED, ids=" ".join)
def test_another_distribution_is_refused(facts: tuple[str, str, str, str]) -> None:
    name, version, major, _codename = facts
    release = version if name == "Ubuntu" else major
    first = Server.with_facts(facts).refusals()[0]
    assert first.startswith(
        f"mlflow1 runs {name} {release}, which is not supported: use a server with Debian 12, Debian 13, Ubuntu 22.04,"
    )
    assert first.endswith("Rocky 9, Rocky 10.")


@pytest.mark.parametrize("name", SUPPORTED)
def test_python_modules_come_in_packages(name: str) -> None:
    server = Server.with_facts(SUPPORTED[name])
    assert server.value("__docker_host_python_packages") == [f"python3-{module}" for module in MODULES]
    assert server.refusals() == []


@pytest.mark.parametrize("name", RHEL_LIKE)
def test_rhel_s_own_repositories_have_no_boto3(name: str) -> None:
    offered = [{"item": f"python3-{module}", "results": [] if module == "boto3" else [{}]} for module in MODULES]
    server = Server.with_facts(RHEL_LIKE[name], __docker_host_r_offered={"results": offered})
    distribution, _version, major, _codename = RHEL_LIKE[name]
    assert server.value("__docker_host_python_wanted") == [f"python3-{module}" for module in MODULES]
    assert server.refusals() == [
        f"mlflow1 runs {distribution} {major}, whose repositories have no python3-boto3: add EPEL, which has it, with "
        "'dnf install epel-release' (on RHEL as https://docs.fedoraproject.org/en-US/epel/ says), or a mirror of it."
    ]


@pytest.mark.parametrize("name", SUPPORTED)
def test_the_engine_is_a_service_that_comes_back(name: str) -> None:
    """RHEL's packages neither start nor enable it."""
    service = Server.with_facts(SUPPORTED[name]).arguments("main.yml", "Run and enable the engine", "service")
    assert service == {"name": "docker", "state": "started", "enabled": True}
