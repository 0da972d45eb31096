"""An option that is changed touches what it concerns; check mode says so before; disks stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...conftest import Platform, PlayResult


def touched(platform: Platform, **variables: Any) -> tuple[set[str], PlayResult]:
    before = platform.containers()
    result = platform.site(**variables)
    result.assert_ok()
    return {service for service, container in platform.containers().items() if before[service] != container}, result


def test_limits_touch_no_container(platform: Platform, root: Any) -> None:
    changes: dict[str, Any] = {"bucket_noncurrent_days": 14, "bucket_abort_multipart_days": 0, "bucket_quota_gib": 0}
    predicted = platform.site(check=True, **changes)
    predicted.assert_ok()
    services, made = touched(platform, **changes)
    assert services == set()
    assert predicted.changed == made.changed
    assert len(made.changed) == 1
    assert made.changed[0].endswith("Limit what the bucket keeps")
    (rule,) = root.get_bucket_lifecycle_configuration(Bucket="mlflow")["Rules"]
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 14
    root.put_object(Bucket="mlflow", Key="own/after-the-quota", Body=b"x")


def test_option_of_rustfs_touches_rustfs_only(platform: Platform) -> None:
    services, _ = touched(platform, rustfs_parity=1)
    assert services == {"rustfs"}


def test_other_disks_are_refused(platform: Platform) -> None:
    result = platform.site(rustfs_disks=[f"/srv/disk{number}/rustfs" for number in (1, 0, 2, 3)])
    assert result.returncode != 0
    assert not result.changed
    assert "but the objects of this platform are on /srv/disk0/rustfs, /srv/disk1/rustfs" in result.message
