"""What MinIO holds and RustFS will not is named, and stays with MinIO only where that is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...conftest import Platform


def test_what_will_not_come_along_has_to_be_accepted(platform: Platform) -> None:
    result = platform.play("playbooks/migrate_minio.yml", "--check", minio_migration_accept=["old_versions"])
    assert "Some of what MinIO holds will not come along" in result.message
    assert "legal hold of 1 objects" in result.message
    assert 'write minio_migration_accept: ["bucket_encryption", "delete_markers",' in result.message
    assert platform.host.run("docker inspect mlflow-rustfs-1").failed
