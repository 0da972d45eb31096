"""Every secret is in its one file, and nowhere else."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from testinfra.host import Host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..conftest import Platform

# Where MLflow's own settings are: it reads them from its environment only, where its entrypoint puts them from files.
ENVIRONMENT = "/proc/*/environ"
MLFLOWS_OWN = re.compile(r"mlflow_|bucket_secret_key|mysql_password")

# Runs on the server and reads its job from a file, because a word on a command line would be found in `ps`.
SEARCH = r"""
import json, os, subprocess, sys

job = json.load(open("/run/search/job"))
words = {name: value.encode() for name, value in job["words"].items()}
with open("/run/search/words", "wb") as stream:
    stream.write(b"".join(word + b"\n" for word in words.values()))
found = set()

def look(place, content):
    found.update((place, name) for name, word in words.items() if word in content)

if job["folders"]:
    grep = ["grep", "--recursive", "--files-with-matches", "--text", "--fixed-strings", "--null", "--no-messages",
            "--devices=skip", "--exclude-dir=merged", "--file=/run/search/words", "--", *job["folders"]]
    listing = subprocess.run(grep, stdout=subprocess.PIPE, env={"LC_ALL": "C", "PATH": os.environ["PATH"]})
    for path in filter(None, listing.stdout.decode().split("\0")):
        if not path.startswith(tuple(job["skip"])):
            look(path, open(path, "rb").read())
for command in job["commands"]:
    look(command, subprocess.run(command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout)
for process in filter(str.isdigit, os.listdir("/proc")):
    for name in ("cmdline", "environ"):
        try:
            look("/proc/*/" + name, open(os.path.join("/proc", process, name), "rb").read())
        except (FileNotFoundError, ProcessLookupError):
            pass
json.dump(sorted(found), sys.stdout)
"""


def forms(value: str) -> set[str]:
    """A secret as it stands, and as a URI, JSON or a Basic header would carry it."""
    encoded = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], value.replace("$", "$$")}
    return encoded | {base64.b64encode(value.encode()).decode().rstrip("=")}


def search(
    platform: Platform,
    folders: list[str],
    skip: list[str],
    commands: list[str],
    more: Mapping[str, str] | None = None,
) -> list[tuple[str, str]]:
    """Search the server for every secret in every form; give the places where one is, and which."""
    words = {
        f"{name} {number}": form
        for name, value in {**platform.secrets(), **(more or {})}.items()
        for number, form in enumerate(forms(value))
    }
    job = json.dumps({"words": words, "folders": folders, "skip": ["/run/search/", *skip], "commands": commands})
    server = platform.host
    server.check_output("install -d -m 0700 /run/search")
    for name, content in (("job", job), ("search.py", SEARCH)):
        platform.write(f"/run/search/{name}", content)
    found = json.loads(server.check_output("python3 /run/search/search.py"))
    server.check_output("rm -r /run/search")
    return sorted({(place, name.rsplit(" ", 1)[0]) for place, name in found})


def test_the_search_finds_what_is_there(platform: Platform) -> None:
    platform.host.check_output("install -d /run/planted && cp /opt/mlflow/secrets/mysql_password /run/planted/here")
    found = search(platform, ["/run/planted"], [], ["cat /run/planted/here"])
    platform.host.check_output("rm -r /run/planted")
    assert ("/run/planted/here", "mysql_password") in found
    assert ("cat /run/planted/here", "mysql_password") in found


def test_files_of_secrets_are_closed(platform: Platform, server: Host) -> None:
    listing = server.check_output(
        "stat --format '%a %U:%G %n' /opt/mlflow/secrets /opt/mlflow/secrets/* /opt/mlflow/secrets/.[!.]*"
    )
    lines = [line.split() for line in listing.splitlines()]
    assert lines[0][0] in ("700", "711")
    assert {mode for mode, *_ in lines[1:]} == {"600"}, listing
    assert len(lines) > len(platform.services)


def test_no_secret_in_files(platform: Platform) -> None:
    """Configuration, units, logs, the engine's own files and every layer of every image."""
    found = search(
        platform,
        ["/etc", "/home", "/opt", "/root", "/run", "/srv", "/tmp", "/usr/local", "/var"],
        # The secrets themselves, and the database's and object store's own files, which are theirs to keep.
        ["/opt/mlflow/secrets/", "/opt/mlflow/data/"],
        [],
    )
    assert [place for place in found if not is_mlflows_own(*place)] == []


def test_no_secret_where_commands_show_it(platform: Platform) -> None:
    project = "docker compose --project-directory /opt/mlflow"
    commands = ["ps auxwwe", "journalctl --no-pager", f"{project} config", f"{project} logs", f"{project} ps"]
    for service in platform.services:
        name = f"mlflow-{service}-1"
        commands += [
            f"docker inspect {name}",
            f"docker logs {name}",
            f"docker exec {name} env",
            f"docker top {name} auxww",
        ]
    for image in platform.host.check_output("docker images --quiet").split():
        commands += [f"docker inspect {image}", f"docker history --no-trunc {image}"]
    found = search(platform, [], [], commands)
    # `ps e` as root reads the environment of MLflow's processes, as the second of these does.
    assert [place for place in found if not is_mlflows_own(*place)] == []


def is_mlflows_own(place: str, name: str) -> bool:
    return place in (ENVIRONMENT, "ps auxwwe") and MLFLOWS_OWN.match(name) is not None


def test_the_data_folders_are_closed(server: Host) -> None:
    listing = server.check_output("find /opt/mlflow/data -mindepth 1 -maxdepth 1 -perm /077")
    assert listing == ""


def test_root_keys_are_not_in_mlflow(platform: Platform, server: Host) -> None:
    """Neither the object store's root key nor MySQL's: in no file and no process of MLflow's container."""
    secrets = platform.secrets()
    roots = [value for name, value in secrets.items() if "root" in name]
    assert roots
    environments = server.check_output(
        'docker exec mlflow-mlflow-1 sh -c \'cat /proc/[0-9]*/environ | tr "\\0" "\\n"\''
    )
    files = server.check_output("docker exec mlflow-mlflow-1 sh -c 'ls -l /run/secrets; cat /run/secrets/*'")
    for value in roots:
        for form in forms(value):
            assert form not in environments
            assert form not in files
