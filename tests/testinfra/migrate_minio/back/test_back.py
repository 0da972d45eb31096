"""MLflow goes back to MinIO with what was written since, and moves to RustFS once more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..conftest import MANIFEST

if TYPE_CHECKING:
    from ...conftest import Platform

Contents = dict[str, dict[str, dict[str, Any]]]
SEARCH = "/api/2.0/mlflow/experiments/search?max_results=1"
ROLLBACK = "playbooks/migrate_minio_rollback.yml"
AFTER = MANIFEST.with_name("after.json")


def test_what_was_written_since_is_named_and_mlflow_stays(platform: Platform) -> None:
    refused = platform.play(ROLLBACK)

    assert "MLflow stays with RustFS, and takes writes." in refused.message
    assert "artifacts/plain.txt" in refused.message
    assert "Write 'copy' to copy them" in refused.message


def test_everything_goes_back(
    platform: Platform, minio: Callable[..., Contents], rustfs: Callable[..., Contents]
) -> None:
    platform.play(ROLLBACK, minio_migration_written_since="copy").assert_ok()

    source, target = minio(), rustfs()
    for bucket, objects in target.items():
        assert {key: source[bucket].get(key) for key in objects} == objects


def test_the_client_finds_everything_on_minio(client_program: Callable[..., None]) -> None:
    client_program("check.py", str(MANIFEST))
    client_program("check.py", str(AFTER))


def test_site_finds_nothing_to_do(platform: Platform) -> None:
    again = platform.site()
    again.assert_ok()
    assert again.changed == []


def test_there_is_nothing_to_take_back_now(platform: Platform) -> None:
    assert "so there is nothing to take back" in platform.play(ROLLBACK).message


def test_it_moves_once_more_and_can_be_read_all_the_while(
    platform: Platform, client_program: Callable[..., None]
) -> None:
    login = "admin", platform.password("admin")
    answers: list[int] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.wait(0.2):
            answers.append(platform.request(SEARCH, login).status)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        platform.play("playbooks/migrate_minio.yml").assert_ok()
    finally:
        ended.set()
        reader.join()
    assert len(answers) > 100
    assert set(answers) == {200}
    assert "standby" not in platform.host.check_output("docker ps --all --format '{{.Names}}'")
    client_program("check.py", str(MANIFEST))
    client_program("check.py", str(AFTER))


def test_site_finds_what_the_move_left(platform: Platform) -> None:
    again = platform.site(mlflow_platform_artifact_store="rustfs")
    again.assert_ok()
    assert again.changed == []
