"""What cannot be changed is refused in one sentence, before anything is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .conftest import JOURNAL, ROTATE, rotate

if TYPE_CHECKING:
    from ..conftest import Platform

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "rotate_secrets_what: is not set, write all, or one or several of database, database_root,"),
    "another word": ({"rotate_secrets_what": "users,passwords"}, "rotate_secrets_what: found 'passwords', write all,"),
    "what there is not": ({"rotate_secrets_what": "login"}, "found 'login', but MLflow does not ask for passwords"),
    "one server's": ({"rotate_secrets_what": "store_rpc"}, "rotate_secrets_what: found 'store_rpc', but "),
    "a user whom the inventory gives a password": (
        {"rotate_secrets_what": "users", "rotate_secrets_users": "load"},
        "rotate_secrets_users: found 'load', whose password the inventory gives: write another one there",
    ),
    "a stranger": (
        {"rotate_secrets_what": "users", "rotate_secrets_users": "carla"},
        "rotate_secrets_users: found 'carla', who is no user: write one or several of admin, bert.",
    ),
    "a misspelt option": ({"rotate_secrets_waht": "all"}, "rotate_secrets_waht: is not an option"),
}


def files(platform: Platform) -> str:
    return str(
        platform.host.check_output(
            "docker ps --no-trunc --format '{{.ID}}' | sort; systemctl is-active mlflow-backup.timer;"
            " find /opt/mlflow /etc/systemd -path /opt/mlflow/data -prune -o -type f -printf '%p %s %T@\\n' | sort"
        )
    )


@pytest.mark.parametrize("name", BAD)
def test_it_is_refused(platform: Platform, name: str) -> None:
    variables, sentence = BAD[name]
    before = files(platform)
    result = platform.play(ROTATE, **variables)
    assert result.returncode != 0
    assert sentence in result.message
    assert len(result.messages) == 1
    assert result.changed == []
    assert files(platform) == before


def test_the_same_value_again_is_refused(platform: Platform) -> None:
    before = files(platform)
    result = rotate(platform, "database", mysql_password=platform.secret("mysql_password"))
    assert "mysql_password: is what /opt/mlflow/secrets/mysql_password has already, write another" in result.message
    assert files(platform) == before


def test_site_says_who_changes_a_password(platform: Platform) -> None:
    result = platform.site(mysql_password="another one")
    assert "mysql_password: differs from /opt/mlflow/secrets/mysql_password" in result.message
    assert "run playbooks/rotate_secrets.yml, which changes it" in result.message


def test_check_mode_changes_nothing(platform: Platform) -> None:
    before = files(platform)
    result = platform.play(ROTATE, check=True, rotate_secrets_what="all")
    result.assert_ok()
    assert result.changed
    assert files(platform) == before
    assert not platform.host.file(JOURNAL).exists
