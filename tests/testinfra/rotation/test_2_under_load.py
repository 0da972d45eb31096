"""Secrets are changed while clients write and read: nobody is refused, and the old ones open nothing afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..platform.test_secrets import is_mlflows_own, search
from .conftest import (
    JOURNAL,
    LOAD,
    SEEN,
    artifact,
    backups_open,
    database_opens,
    nothing_fails,
    rotate,
    serial,
    watched,
)

if TYPE_CHECKING:
    from testinfra.host import Host

    from ..conftest import Platform

# What `all` leaves as it is: the authority, who the password of the inventory is, and names.
STAYS = {"nginx_ca_key", f"password of {LOAD}"}
ODD = "mysql $HOME $$ \" ' \\ # % @ : / ? ä end"


def assert_dead(platform: Platform, old: dict[str, str]) -> None:
    """Each of the old secrets is refused by what it once opened, and each of the new ones is not."""
    new = platform.secrets()
    for name, user in (("mysql_password", "mlflow"), ("mysql_root_password", "root")):
        assert not database_opens(platform, user, old[name]), name
        assert database_opens(platform, user, new[name]), name
    for user in ("admin", "bert"):
        assert platform.login_status(user, old[f"nginx_user_{user}_password"]) == 401
        assert platform.login_status(user, new[f"nginx_user_{user}_password"]) == 200
    assert not backups_open(platform, old["backup/password"])
    assert backups_open(platform, new["backup/password"])


def test_all_at_once(platform: Platform, server: Host) -> None:
    assert artifact(platform, "PUT", "before.bin", b"before") == 200
    old, shown, containers = platform.secrets(), serial(platform), platform.containers()
    with nothing_fails(platform), watched(platform):
        result = rotate(platform, "all")
    result.assert_ok()

    new = platform.secrets()
    assert {name for name in old if old[name] == new[name]} == STAYS
    assert set(new) == set(old)
    assert serial(platform) != shown
    assert_dead(platform, old)
    assert artifact(platform, "GET", "before.bin") == 200
    assert platform.containers()["mysql"] == containers["mysql"], "the database goes on"
    assert platform.containers()["nginx"] == containers["nginx"]
    assert platform.containers()["mlflow"] != containers["mlflow"]
    assert not server.file(JOURNAL).exists
    assert "MLflow's password for the database: the old one is refused." in result.output
    assert "As they were, since the inventory gives them: the passwords of load." in result.output

    # In no output, command line, log or file but its own.
    secrets = {f"old {name}": value for name, value in old.items() if name not in STAYS} | new
    keys = {name for name in secrets if name.endswith((".pem", "_ca_key"))}
    assert not [name for name, value in secrets.items() if value in result.output]
    more = {name: value for name, value in secrets.items() if name not in keys}
    logs = [f"docker logs mlflow-{service}-1" for service in platform.services]
    found = search(
        platform,
        ["/etc", "/opt", "/root", "/run", "/tmp", "/var"],
        ["/opt/mlflow/secrets/", "/opt/mlflow/data/"],
        [f"cat {SEEN}", "journalctl --no-pager", *logs],
        more,
    )
    assert server.file(SEEN).size > 100_000
    assert [(place, name) for place, name in found if not is_mlflows_own(place, name)] == []


def test_nothing_is_left_to_do(platform: Platform, server: Host) -> None:
    assert server.check_output("systemctl is-active mlflow-backup.timer") == "active"
    assert "mlflow.role" not in server.check_output("find /opt/mlflow/secrets -name '*rotat*'")
    platform.assert_settled()


def test_backups_go_on(platform: Platform) -> None:
    platform.play("playbooks/backup.yml").assert_ok()


def test_a_password_of_the_inventory(platform: Platform) -> None:
    """Every character is legal; without the file having it, site.yml would refuse it afterwards."""
    old, containers = platform.secrets(), platform.containers()
    with nothing_fails(platform):
        rotate(platform, "database", mysql_password=ODD).assert_ok()
    assert platform.secret("mysql_password") == ODD
    assert not database_opens(platform, "mlflow", old["mysql_password"])
    assert database_opens(platform, "mlflow", ODD)
    assert platform.containers()["mysql"] == containers["mysql"]
    again = platform.site(mysql_password=ODD)
    again.assert_ok()
    assert again.changed == []


def test_one_user_by_name(platform: Platform) -> None:
    old, containers = platform.secrets(), platform.containers()
    with nothing_fails(platform):
        rotate(platform, "users", rotate_secrets_users="bert").assert_ok()
    new = platform.secrets()
    assert {name for name in old if old[name] != new[name]} == {"nginx_user_bert_password"}
    assert platform.login_status("bert", old["nginx_user_bert_password"]) == 401
    assert platform.containers() == containers
