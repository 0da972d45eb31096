# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container of mc: its options and its files."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_job import (
    SCRIPT,
    Job,
    as_folder,
    check_job,
    create_arguments,
    last_lines,
    mc_config,
    memory_bytes,
    run_numbers,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import Store

SOURCE = Store("http://192.0.2.1:9000", 'ro"ot:@', 'se/cret@:%40 "x\\$')
TARGET = Store("https://192.0.2.2:9000", "other", "hush-hush")
JOB = Job("mlflow", "/srv/copy", "onprem/mc:1", SOURCE, TARGET, "bucket", "bucket", "")


def test_secrets_are_in_the_configuration_only() -> None:
    arguments = create_arguments(replace(JOB, workers=4, networks=("old", "back")), "run-0001", 1)

    assert not any(store.secret_key in word for store in (SOURCE, TARGET) for word in arguments)
    aliases = json.loads(mc_config(SOURCE, TARGET))["aliases"]
    assert (aliases["src"]["accessKey"], aliases["src"]["secretKey"]) == (SOURCE.access_key, SOURCE.secret_key)
    assert aliases["dst"]["url"] == TARGET.endpoint_url


def test_container_can_do_little() -> None:
    words = " ".join(create_arguments(JOB, "run-0001", 1))

    assert "--read-only --cap-drop ALL --security-opt no-new-privileges:true" in words
    assert "--user 10012:10012" in words
    assert f"--memory {2 << 30} --env GOMEMLIMIT={(2 << 30) * 9 // 10}" in words
    assert "--network host" in words
    assert "--rm" not in words
    assert "--restart" not in words
    assert words.endswith(
        "--entrypoint /bin/sh onprem/mc:1 /job/run.sh run-0001 src/bucket/ dst/bucket/ 0"
        " --json --preserve --overwrite --skip-errors --retry"
    )


def test_options_reach_mc() -> None:
    job = replace(
        JOB, prefix="a b/", target_bucket="other", limit_upload="50 MiB/s", limit_download="1GiB", workers=8, memory=""
    )
    arguments = create_arguments(replace(job, networks=("old", "back")), "run-0002", 2)

    assert arguments[arguments.index("--network") + 1] == "old"
    assert "--memory" not in arguments
    tail = arguments[arguments.index("/job/run.sh") :]
    assert tail[1:5] == ["run-0002", "src/bucket/a b/", "dst/other/a b/", "8"]
    assert tail[-4:] == ["--limit-upload", "50MiB", "--limit-download", "1GiB"]
    assert "--remove" not in tail


def test_digest_and_names() -> None:
    assert JOB.container == f"mlflow-mc-{JOB.slug}"
    assert replace(JOB, prefix="x/").container != JOB.container
    rotated = replace(JOB, source=replace(SOURCE, secret_key="another one"))
    assert (rotated.container, rotated.digest) == (JOB.container, JOB.digest)
    assert replace(JOB, workers=2).digest != JOB.digest
    assert replace(JOB, workers=2).container == JOB.container


@pytest.mark.parametrize(("prefix", "folder"), [("", ""), ("a", "a/"), ("a/", "a/"), ("a/b c", "a/b c/")])
def test_prefix_is_a_folder(prefix: str, folder: str) -> None:
    assert as_folder(prefix) == folder


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"project": "A b"}, "project: found 'A b'"),
        ({"bucket": "Up"}, "bucket: found 'Up'"),
        ({"bucket": "a/../b"}, "bucket: found"),
        ({"target_bucket": ""}, "target_bucket: found ''"),
        ({"prefix": "/a/"}, "prefix: found '/a/'"),
        ({"prefix": "a//b/"}, "prefix: found"),
        ({"prefix": "../b/"}, "prefix: found"),
        ({"target": SOURCE}, "is the same store and bucket as source"),
        ({"workers": -1}, "workers: found -1"),
        ({"limit_upload": "fast"}, "limit_upload: found 'fast'"),
        ({"limit_download": "-1M"}, "limit_download: found '-1M'"),
        ({"memory": "2 GB"}, "memory: found '2 GB'"),
        ({"memory": "64m"}, "write at least '128m'"),
    ],
)
def test_bad_options_are_one_sentence(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=r"write .*\.$") as caught:
        check_job(replace(JOB, **change))
    assert sentence in str(caught.value)


def test_good_options_pass() -> None:
    check_job(JOB)
    check_job(
        replace(JOB, target=SOURCE, target_bucket="copy", memory="", limit_upload="1.5GiB/s", limit_download="10M")
    )
    assert memory_bytes("512m") == 512 << 20


def test_small_things() -> None:
    assert run_numbers(["run-0002.json", "run-0001.json", "run-0001.jsonl", "run.sh", "run-0003.new"]) == [1, 2]
    assert last_lines("a\n\nb \n", 1) == "b"


@pytest.fixture
def job_folder(tmp_path: Path) -> Path:
    """Return a folder that stands for /job, with the script made to use it and a mc of our own."""
    script = SCRIPT.replace("/job", str(tmp_path)).replace("/tmp/mc", str(tmp_path / "config"))
    (tmp_path / "run.sh").write_text(script)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "src.crt").write_text("PEM")
    return tmp_path


def run_script(folder: Path, mc: str | None, *flags: str, workers: int = 0) -> subprocess.CompletedProcess[str]:
    commands = folder / "bin"
    commands.mkdir()
    for name in ("cat", "date", "mkdir", "mv", "rm", "sleep", "wc"):
        found = shutil.which(name)
        assert found
        (commands / name).symlink_to(found)
    if mc is not None:
        (commands / "mc").write_text(mc)
        (commands / "mc").chmod(0o755)
    shell = shutil.which("sh")
    assert shell
    return subprocess.run(
        [shell, str(folder / "run.sh"), "run-0001", "src/b/", "dst/b/", str(workers), *flags],
        env={"PATH": str(commands)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


MC = """#!/bin/sh
case "$*" in *--help*) echo "HELP"; exit 0 ;; esac
echo "$@ GOMAXPROCS=${GOMAXPROCS:-}"
cat "$2/config.json" "$2/certs/CAs/src.crt" >&2
exit 3
"""


def test_script_runs_mc_and_keeps_what_it_says(job_folder: Path) -> None:
    run_script(job_folder, MC, "--json")

    said = (job_folder / "run-0001.jsonl").read_text()
    assert said == f"--config-dir {job_folder}/config mirror --json src/b/ dst/b/ GOMAXPROCS=\n"
    assert (job_folder / "run-0001.err").read_text() == "{}PEM"
    assert (job_folder / "run-0001.status").read_text().split()[0] == "3"
    assert not (job_folder / "config.json").exists()


def test_script_holds_mc_to_a_number_of_workers_where_it_can(job_folder: Path) -> None:
    run_script(job_folder, MC.replace("HELP", "--max-workers value"), "--json", workers=8)

    assert "mirror --json --max-workers 8 src/b/ dst/b/ GOMAXPROCS=\n" in (job_folder / "run-0001.jsonl").read_text()
    assert not (job_folder / "run-0001.workers").exists()


def test_script_slows_an_older_mc_down(job_folder: Path) -> None:
    run_script(job_folder, MC, "--json", workers=8)

    assert "mirror --json src/b/ dst/b/ GOMAXPROCS=2\n" in (job_folder / "run-0001.jsonl").read_text()
    assert (job_folder / "run-0001.workers").read_text() == "2\n"


def test_script_without_mc(job_folder: Path) -> None:
    run_script(job_folder, None)

    assert (job_folder / "run-0001.status").read_text().split()[0] == "127"
    assert "no mc in this image" in (job_folder / "run-0001.err").read_text()
