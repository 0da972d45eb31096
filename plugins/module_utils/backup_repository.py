# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A repository of restic: what is told to restic, and what its answers mean to an operator."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from ansible_collections.onprem.mlflow.plugins.module_utils.backup_settings import LEFT_OUT, TAG, Settings, read
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

CACHE = "/var/cache/onprem-mlflow-backup"
# Some of what was to be read could not be.
INCOMPLETE = 3
# Restic 0.17 says by its status what earlier ones only say in words.
NO_REPOSITORY, LOCKED, WRONG_PASSWORD = 10, 11, 12

# Restic refreshes a lock every 5 minutes, and takes one that is older than 30 for a dead run's.
LOCK_SECONDS = 35 * 60
_LOCK_PAUSE = 15

_NO_REPOSITORY = re.compile(r"Is there a repository|repository does not exist|unable to open config file")
_LOCKED = re.compile(r"repository is already locked|unable to create lock")
_WRONG_PASSWORD = re.compile(r"wrong password|no key found")
_SSH = re.compile(
    r"Host key verification failed|unable to start the sftp session|Permission denied|Connection refused"
    r"|Could not resolve hostname"
)
_DAMAGED = re.compile(r"ciphertext verification failed|pack .* (?:missing|damaged)|hash mismatch|Load\(<(?:data|index)")
_NOISE = re.compile(r"^(?:\s*github\.com|\s*runtime|\s*main\.|\s*/|goroutine )")


@dataclass(frozen=True)
class Snapshot:
    """One backup in the repository."""

    id: str
    time: str
    hostname: str
    tags: tuple[str, ...]

    @classmethod
    def parse(cls, item: Mapping[str, Any]) -> Snapshot:
        """Read one element of what `restic snapshots --json` prints."""
        return cls(str(item["id"]), str(item["time"]), str(item.get("hostname", "")), tuple(item.get("tags") or ()))


def environment(settings: Settings) -> dict[str, str]:
    """Return what restic takes from its environment: where the repository is, and the keys to it."""
    repository, secrets = settings.repository, settings.project_dir / "secrets" / "backup"
    variables = {
        "RESTIC_REPOSITORY": repository.location,
        "RESTIC_PASSWORD_FILE": str(secrets / "password"),
        "RESTIC_CACHE_DIR": f"{CACHE}/{settings.project}",
        "RESTIC_PROGRESS_FPS": "0.016",
    }
    if repository.kind == "s3":
        variables["AWS_ACCESS_KEY_ID"] = (secrets / "s3_access_key").read_text(encoding="utf-8")
        variables["AWS_SECRET_ACCESS_KEY"] = (secrets / "s3_secret_key").read_text(encoding="utf-8")
        variables["AWS_DEFAULT_REGION"] = repository.region
    return variables


def options(settings: Settings) -> list[str]:
    """Return the options that every command has."""
    repository = settings.repository
    if repository.kind == "local":
        return ["--no-cache"]
    if repository.kind == "s3":
        certificate = ["--cacert", repository.ca_certificate] if repository.ca_certificate else []
        return ["--option", "s3.bucket-lookup=path", *certificate]
    host = repository.location.split(":")[1]
    secrets = settings.project_dir / "secrets" / "backup"
    words = ["ssh", "-p", str(repository.ssh_port), "-i", str(secrets / "ssh_key")]
    words += ["-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
    words += ["-o", f"UserKnownHostsFile={settings.project_dir}/config/backup/known_hosts"]
    words += ["-o", "ServerAliveInterval=30", host, "-s", "sftp"]
    return ["--option", f"sftp.command={shlex.join(words)}"]


def backup_arguments(
    settings: Settings, paths: Sequence[str], exclude_file: str, tags: Sequence[str] = ()
) -> list[str]:
    """Return the words that make a snapshot of paths below the project's folder."""
    left_out = [word for path in LEFT_OUT for word in ("--exclude", str(settings.project_dir / path))]
    return [
        "backup",
        "--json",
        "--quiet",
        "--ignore-inode",
        "--host",
        settings.host,
        "--tag",
        TAG,
        "--tag",
        f"project={settings.project}",
        *(word for tag in tags for word in ("--tag", tag)),
        *left_out,
        "--exclude-file",
        exclude_file,
        *paths,
    ]


def forget_arguments(settings: Settings) -> list[str]:
    """Return the words that drop what the retention does not keep."""
    keep = [
        word
        for period, count in settings.retention.items()
        if count
        for word in (f"--keep-{period.replace('_', '-')}", str(count))
    ]
    # One platform's backups are one row, whatever paths it had and wherever it ran. Those that a restore has replaced
    # are another one.
    return ["forget", "--quiet", "--tag", f"{TAG},project={settings.project}", "--group-by", "tags", *keep, "--prune"]


class Restic:
    """Runs restic on the settings' repository."""

    def __init__(self, settings: Settings, password: str | None = None) -> None:
        """Take where it is, and what opens it in place of the password on the server."""
        self._settings = settings
        self._environment = {**os.environ, **environment(settings)}
        if password:
            del self._environment["RESTIC_PASSWORD_FILE"]
            self._environment["RESTIC_PASSWORD"] = password

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Return the command as it is run."""
        return ["restic", *options(self._settings), *arguments]

    def start(self, arguments: Sequence[str], **streams: Any) -> subprocess.Popen[bytes]:
        """Start restic in the project's folder, whose paths the snapshots hold without it."""
        return subprocess.Popen(
            self.command(arguments), env=self._environment, cwd=self._settings.project_dir, **streams
        )

    def run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        """Run restic to its end; raise InputError where that is not a good one."""
        return self._good(self._done(arguments))

    def _done(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        with self.start(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def _good(self, done: subprocess.CompletedProcess[bytes]) -> subprocess.CompletedProcess[bytes]:
        if done.returncode:
            raise InputError(explain(self._settings, done.returncode, done.stderr.decode(errors="replace")))
        return done

    def run_alone(self, arguments: Sequence[str], seconds: float = LOCK_SECONDS) -> subprocess.CompletedProcess[bytes]:
        """Run what nobody may work beside, once others have ended; what a dead run left counts for half an hour."""
        end = time.monotonic() + seconds
        while True:
            done = self._done(arguments)
            if not is_locked(done.returncode, done.stderr.decode(errors="replace")) or time.monotonic() > end:
                return self._good(done)
            time.sleep(_LOCK_PAUSE)
            # Those of runs that go on are kept.
            self.run(["unlock", "--quiet"])

    def exists(self) -> bool:
        """Tell whether there is a repository that the password opens."""
        status, text = self._try()
        if status == NO_REPOSITORY or (status and _NO_REPOSITORY.search(text)):
            return False
        if status:
            raise InputError(explain(self._settings, status, text))
        return True

    def opens(self) -> bool:
        """Tell whether the password opens the repository."""
        status, text = self._try()
        if status == WRONG_PASSWORD or (status and _WRONG_PASSWORD.search(text)):
            return False
        if status:
            raise InputError(explain(self._settings, status, text))
        return True

    def _try(self) -> tuple[int, str]:
        done = self._done(["cat", "config", "--no-lock"])
        return done.returncode, done.stderr.decode(errors="replace")

    def snapshots(self) -> list[Snapshot]:
        """List all backups of MLflow platforms, the oldest first."""
        done = self.run(["snapshots", "--json", "--no-lock", "--tag", TAG])
        return sorted((Snapshot.parse(item) for item in json.loads(done.stdout)), key=lambda item: item.time)

    def file(self, snapshot: str, path: str) -> bytes:
        """Return a small file of a snapshot."""
        return self.run(["dump", "--no-lock", snapshot, f"/{path}"]).stdout

    def files(self, snapshot: str, folder: str) -> Iterator[tuple[str, int]]:
        """Yield path below the folder and size in bytes of each file of a snapshot."""
        start = f"/{folder}/"
        with self.start(
            ["ls", "--json", "--no-lock", "--recursive", snapshot, f"/{folder}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            for item in json_lines(process.stdout):
                if item.get("type") == "file" and str(item["path"]).startswith(start):
                    yield str(item["path"])[len(start) :], int(item.get("size", 0))
            stderr = process.communicate()[1]
        if process.returncode:
            raise InputError(explain(self._settings, process.returncode, stderr.decode(errors="replace")))


def json_lines(stream: IO[bytes] | None) -> Iterator[dict[str, Any]]:
    """Yield what a program tells line by line; lines for people are passed over."""
    if stream is None:
        raise RuntimeError("a pipe was asked for")
    for line in stream:
        if line.startswith(b"{"):
            yield json.loads(line)


def is_locked(status: int, text: str) -> bool:
    """Tell whether a command ended since others work with the repository."""
    return status == LOCKED or bool(status and _LOCKED.search(text))


def explain(settings: Settings, status: int, text: str) -> str:
    """Say in one sentence what restic's end means: which variable, what was found, what to write."""
    location = settings.repository.location
    reason = " ".join(line for line in text.splitlines() if line.strip() and not _NOISE.match(line))[-400:]
    if status == WRONG_PASSWORD or _WRONG_PASSWORD.search(text):
        return f"backup_password: does not open the repository {location}, write the one that it was made with."
    if is_locked(status, text):
        return f"backup_repository: another run works on {location}, wait for its end."
    if _SSH.search(text):
        return f"backup_repository: the server of {location} lets nobody in ({reason}), see to its key and address."
    if status == NO_REPOSITORY or _NO_REPOSITORY.search(text):
        return (
            f"backup_repository: there is no repository at {location}; where it is on a disk, see that it is mounted."
        )
    if _DAMAGED.search(text):
        return f"backup_repository: {location} is damaged ({reason}), see docs/backup.md for what can be saved."
    return f"backup_repository: restic ended with status {status} at {location}: {reason}"


def main(project_dir: str, arguments: Sequence[str]) -> None:
    """Become restic, for an operator at a terminal."""
    settings = read(project_dir)
    os.chdir(settings.project_dir)
    variables = {**os.environ, **environment(settings)}
    # Signals and terminal are restic's.
    os.execvpe("restic", ["restic", *options(settings), *arguments], variables)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
