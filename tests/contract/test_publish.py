"""playbooks/publish_image.yml with a real builder and a real registry that wants a password."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import docker
import pytest
import requests
import yaml
from passlib.hash import bcrypt

from lab import buildx, engine, mirror, names, server, up
from lab.catalogue import BUILDKIT, PYTHON
from lab.console import Console
from lab.rustfs import layout
from tests.contract.support import DIFFICULT, File, Launcher, Trial, answers

pytestmark = pytest.mark.contract

ROOT = Path(__file__).resolve().parents[2]
USER, PASSWORD = "publisher", f"publish {DIFFICULT}"
ENCODED = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
LOGIN = {"username": USER, "password": PASSWORD}
VERSION: str = yaml.safe_load((ROOT / "roles/mlflow/defaults/main.yml").read_text(encoding="utf-8"))["mlflow_version"]
COMMIT = "0123456789ab"
INDEX = "application/vnd.oci.image.index.v1+json"
REGISTRY = """\
version: 0.1
http: {{addr: ":{port}"}}
storage: {{filesystem: {{rootdirectory: /var/lib/registry}}}}
auth: {{htpasswd: {{realm: lab, path: /etc/htpasswd}}}}
"""


@dataclass(frozen=True)
class Registry:
    """A registry that only its user gets into."""

    address: str

    @property
    def name(self) -> str:
        return f"{self.address}/site/mlflow"

    def ask(self, path: str, **headers: str) -> requests.Response:
        sent = {"Authorization": f"Basic {ENCODED}", **headers}
        return requests.get(f"http://{self.address}/v2/site/mlflow/{path}", headers=sent, timeout=10)

    def tags(self) -> set[str]:
        answer = self.ask("tags/list")
        assert answer.status_code in (200, 404), answer.text
        return set(answer.json().get("tags") or [])


@dataclass(frozen=True)
class Run:
    """A run of the playbook."""

    status: int
    output: str

    @property
    def sentence(self) -> str:
        """What a failure says, without the frame that Ansible gives it."""
        return " ".join(self.output.split())


@dataclass(frozen=True)
class Controller:
    """What the controller's user has, and how the playbook is run there."""

    folder: Path
    registry: Registry
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "docker"

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    def docker(self, *words: str) -> None:
        environment = os.environ | {"DOCKER_CONFIG": str(self.config)} | self.environment
        subprocess.run(["docker", *words], env=environment, capture_output=True, text=True, check=True)

    def publish(self, *words: str, **variables: Any) -> Run:
        """Run the playbook with the inventory that people copy, whose servers nobody reaches."""
        settings = {
            "mlflow_publish_name": self.registry.name,
            "mlflow_publish_commit": COMMIT,
            "mlflow_publish_platforms": ["linux/amd64"],
            "mlflow_publish_login": LOGIN,
            **variables,
        }
        given = self.folder / "variables.json"
        given.write_text(json.dumps({key: value for key, value in settings.items() if value is not None}))
        command = ["ansible-playbook", "-vvv", "--inventory", "inventories/single", "playbooks/publish_image.yml"]
        done = subprocess.run(
            [*command, "--extra-vars", f"@{given}", *words],
            cwd=ROOT,
            env=os.environ
            | {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_NOCOLOR": "true",
                "DOCKER_CONFIG": str(self.config),
                "TMPDIR": str(self.temporary),
            }
            | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Run(done.returncode, done.stdout)


def bounds(container: Trial, port: int) -> str:
    """Return where this machine reaches a container's port."""
    container.container.reload()
    published = container.container.attrs["NetworkSettings"]["Ports"][f"{port}/tcp"]
    return f"127.0.0.1:{published[0]['HostPort']}"


@pytest.fixture(scope="module")
def registry(launcher: Launcher) -> Registry:
    up.images_only(Console(), [PYTHON.folder, BUILDKIT.folder], layout.DEFAULT_PROFILE)
    trial = launcher.start_of(
        mirror.IMAGE,
        "registry",
        files={
            "/etc/docker/registry/config.yml": File(REGISTRY.format(port=names.MIRROR_PORT)),
            "/etc/htpasswd": File(f"{USER}:{bcrypt.using(rounds=5).hash(PASSWORD)}\n"),
        },
        ports={f"{names.MIRROR_PORT}/tcp": ("127.0.0.1", 0)},
    )
    found = Registry(bounds(trial, names.MIRROR_PORT))
    trial.wait_until(lambda: answers(f"http://{found.address}/"))
    return found


@pytest.fixture(scope="module")
def controller(launcher: Launcher, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Controller:
    """A user with buildx and a builder, which takes what it builds on from the lab's mirror."""
    client = engine.connect()
    found = Controller(tmp_path_factory.mktemp("controller"), registry)
    found.temporary.mkdir()
    plugins = found.config / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / buildx.NAME).symlink_to(buildx.ensure(client, Console()))
    # Something that the user has set, which must be there afterwards.
    (found.config / "config.json").write_text(
        json.dumps({"auths": {"other.example.org": {"auth": "b3RoZXI6b3RoZXI="}}})
    )
    shared = found.folder / "buildkit"
    shared.mkdir()
    origin = mirror.connect(client).address
    settings = f'[registry."docker.io"]\nmirrors = ["{origin}"]\n'
    (shared / "buildkitd.toml").write_text(settings)
    stated = server.create_arguments(server.settings())
    arguments = {key: stated[key] for key in ("cap_add", "security_opt", "cgroupns")}
    trial = launcher.start(
        BUILDKIT,
        command=[
            *("--config", "/shared/buildkitd.toml", "--addr", "unix:///shared/buildkitd.sock"),
            *("--group", str(os.getgid()), "--oci-worker-net", "host"),
        ],
        network_mode="host",
        volumes=["/sys/fs/cgroup:/sys/fs/cgroup:rw", f"{shared}:/shared", f"{names.BUILDKIT_VOLUME}:/var/lib/buildkit"],
        **arguments,
    )
    trial.wait_until((shared / "buildkitd.sock").is_socket)
    found.docker("buildx", "create", "--driver", "remote", "--use", f"unix://{shared}/buildkitd.sock")
    return found


@contextmanager
def watched(secret: str) -> Iterator[list[str]]:
    """Collect the command lines of all processes that hold a secret meanwhile."""
    seen: list[str] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.05):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
                except OSError:
                    continue
                if secret in line:
                    seen.append(line)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no login": (
        {"mlflow_publish_login": None},
        "but the registry refuses the login, write another mlflow_publish_login or run `docker login` before:",
    ),
    "a wrong login": (
        {"mlflow_publish_login": {**LOGIN, "password": "wrong"}},
        "but the registry refuses the login, write",
    ),
    "no registry": (
        {"mlflow_publish_name": "127.0.0.1:1/site/mlflow"},
        "mlflow_publish_name: found '127.0.0.1:1/site/mlflow', but the builder cannot push there, write a registry",
    ),
    "an unknown platform": (
        {"mlflow_publish_platforms": ["linux/amd46"]},
        "mlflow_publish_platforms[0]: found 'linux/amd46' (str), write one of: linux/amd64, linux/arm64.",
    ),
    "a platform that the base image lacks": (
        {"mlflow_publish_platforms": ["linux/amd64", "linux/arm64"]},
        "mlflow_python_image: found 'python:3.13-slim', which is not there for each of linux/amd64 and linux/arm64,",
    ),
    "no base image": (
        {"mlflow_python_image": "127.0.0.1:1/python:3"},
        "mlflow_python_image: found '127.0.0.1:1/python:3', but the builder cannot build on it:",
    ),
}


def assert_refused(run: Run, sentence: str, controller: Controller) -> None:
    assert run.status == 2, run.output
    assert sentence in run.sentence, run.output
    assert controller.registry.tags() == set()
    assert list(controller.temporary.glob("onprem-mlflow-*")) == []
    assert PASSWORD not in run.output


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused(controller: Controller, case: str) -> None:
    variables, sentence = REFUSED[case]
    assert_refused(controller.publish(**variables), sentence, controller)


def test_a_controller_without_an_engine_is_refused(controller: Controller) -> None:
    without = replace(controller, environment={"DOCKER_HOST": f"unix://{controller.folder}/none.sock"})
    assert_refused(without.publish(), "The controller has no Docker engine that you may use, install or start", without)


def test_a_plugin_that_does_not_run_is_refused(controller: Controller) -> None:
    """In the user's folder it comes before one that the machine may have."""
    broken = replace(controller, folder=controller.folder / "broken")
    (broken.config / "cli-plugins").mkdir(parents=True)
    broken.temporary.mkdir()
    plugin = broken.config / "cli-plugins" / buildx.NAME
    plugin.write_text("#!/bin/sh\nexit 1\n")
    plugin.chmod(0o755)
    assert_refused(broken.publish(), "The command docker of the controller has no plugin buildx, install", broken)


def test_a_builder_that_does_not_answer_is_refused(controller: Controller) -> None:
    away = replace(controller, environment={"BUILDX_CONFIG": str(controller.folder / "away")})
    away.docker("buildx", "create", "--driver", "remote", "--use", f"unix://{controller.folder}/none.sock")
    assert_refused(away.publish(), "The builder of buildx does not answer, make another with", away)


def test_the_engine_s_own_builder_is_refused_for_two_platforms(controller: Controller) -> None:
    own = replace(controller, environment={"BUILDX_BUILDER": "default"})
    run = own.publish(mlflow_publish_platforms=["linux/amd64", "linux/arm64"])
    assert_refused(run, "but the engine's own builder makes an image for one platform, run", own)


def test_check_mode_pushes_nothing(controller: Controller) -> None:
    run = controller.publish("--check")
    assert run.status == 0, run.output
    assert f"Would push {controller.registry.name}:{VERSION}-" in run.output
    assert controller.registry.tags() == set()


@pytest.fixture(scope="module")
def published(controller: Controller) -> Run:
    before = (controller.config / "config.json").read_text()
    with watched(PASSWORD) as seen:
        run = controller.publish()
    assert run.status == 0, run.output[-5000:]
    assert seen == []
    assert PASSWORD not in run.output
    assert ENCODED not in run.output
    assert (controller.config / "config.json").read_text() == before
    assert list(controller.temporary.glob("onprem-mlflow-*")) == []
    return run


def test_one_manifest_list_has_four_tags(controller: Controller, published: Run) -> None:
    registry = controller.registry
    tags = registry.tags()
    recipes = {tag for tag in tags if tag.startswith(f"{VERSION}-")}
    assert len(recipes) == 1, tags
    assert tags == {VERSION, COMMIT, "latest"} | recipes
    lists = {tag: registry.ask(f"manifests/{tag}", Accept=INDEX) for tag in tags}
    assert len({answer.headers["Docker-Content-Digest"] for answer in lists.values()}) == 1
    manifests = lists["latest"].json()["manifests"]
    assert lists["latest"].json()["mediaType"] == INDEX
    platforms = [f"{item['platform']['os']}/{item['platform']['architecture']}" for item in manifests]
    # Beside the image is what buildx says of its origin, under no platform.
    assert [platform for platform in platforms if platform != "unknown/unknown"] == ["linux/amd64"]


def test_the_image_starts_and_says_its_version(controller: Controller, published: Run) -> None:
    client = docker.from_env(timeout=engine.CLIENT_TIMEOUT)
    image = client.images.pull(controller.registry.name, COMMIT, auth_config=LOGIN)
    command = ["mlflow", "server", "--workers=1", "--backend-store-uri=sqlite:////tmp/mlflow.db"]
    trial = Trial(client.containers.run(image, command, detach=True, labels=names.labels("contract")))
    try:
        assert image.labels["onprem.mlflow.version"] == VERSION
        trial.wait_until(lambda: said(trial) == VERSION)
    finally:
        trial.container.remove(force=True, v=True)
        client.images.remove(f"{controller.registry.name}:{COMMIT}")


def said(trial: Trial) -> str:
    """Return the version that the server says it is, or nothing while it starts."""
    program = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:5000/version').read().decode())"
    status, output = trial.run("python3", "-c", program)
    time.sleep(0.5)
    return output if status == 0 else ""
