"""Which versions are gone to, and which are not."""

from __future__ import annotations

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.upgrade_plan import Release, plan, release


def one(version: str) -> Release:
    return Release(f"image:{version}", f"sha256:{version}", version)


@pytest.mark.parametrize(
    ("service", "before", "after", "by_dump"),
    [
        ("mlflow", "3.16.1", "3.17.2", False),
        ("mlflow", "2.22.0", "3.17.2", False),
        ("mysql", "8.4.3", "9.7.4", False),
        ("mysql", "8.0.36", "8.4.1", False),
        ("mysql", "9.7.3", "9.7.4", False),
        ("postgres", "15.4", "17.2", True),
        ("postgres", "17.1", "17.2", False),
        ("rustfs", "1.0.1", "1.1.0", False),
        ("nginx", "1.30.1", "1.28.0", False),
        # Another image of the same version.
        ("mlflow", "3.17.2", "3.17.2", False),
    ],
)
def test_it_goes(service: str, before: str, after: str, by_dump: bool) -> None:
    wanted = Release("another", "sha256:another", after)
    (step,) = plan({service: one(before)}, {service: wanted})
    assert (step.service, step.before.version, step.after.version, step.by_dump) == (service, before, after, by_dump)


@pytest.mark.parametrize(
    ("service", "before", "after", "sentence"),
    [
        (
            "mlflow",
            "3.17.2",
            "3.16.1",
            "mlflow_version: found MLflow 3.16.1, but the platform runs 3.17.2, and there is no way back from that:"
            " write 3.17.2 or a newer one, or put a backup of 3.16.1 back with restore.yml.",
        ),
        ("postgres", "17.2", "15.4", "postgres_image: found PostgreSQL 15.4, but the platform runs 17.2,"),
        ("mysql", "9.7.4", "9.7.3", "mysql_image: found MySQL 9.7.3, but the platform runs 9.7.4,"),
        ("mysql", "8.0.36", "9.7.4", "which goes there by way of 8.4: write mysql:8.4 first."),
        ("rustfs", "1.0.1", "1.0.0", "since it may have written what older ones do not read"),
        ("postgres", "17.2", "", "postgres_image: the image image: does not tell its version of PostgreSQL"),
    ],
)
def test_it_is_refused(service: str, before: str, after: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        plan({service: one(before)}, {service: one(after)})
    assert sentence in str(caught.value)


def test_what_is_the_same_image_is_left_alone() -> None:
    assert plan({"mysql": one("9.7.4")}, {"mysql": one("9.7.4"), "rustfs": one("1.0.1")}) == []


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("mysqld  Ver 9.7.4 for Linux on x86_64 (Source distribution)", "9.7.4"),
        ("postgres (PostgreSQL) 17.6 (Debian 17.6-0+deb13u1)", "17.6"),
        ("no such program", ""),
    ],
)
def test_an_image_is_asked(text: str, version: str) -> None:
    asked = []

    def ask(words: object) -> tuple[int, str]:
        asked.append(words)
        return 0, text

    assert release("mysql", "mysql:9.7", "sha256:1", ask) == Release("mysql:9.7", "sha256:1", version)
    assert asked == [
        [
            *("docker", "run", "--rm", "--network", "none", "--read-only"),
            *("--entrypoint", "mysqld", "sha256:1", "--version"),
        ]
    ]
