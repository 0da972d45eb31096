"""A platform's files are what they were, whatever came in between."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.platform_copy import Copy


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    for path, text in {
        "compose.yml": "name: mlflow\n",
        "services/mlflow.yml": "old",
        "config/nginx/nginx.conf": "open",
        "data/mysql/ibdata1": "rows",
        "data/mysql/mlflow/runs.ibd": "runs",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "data/mysql/ibdata1").chmod(0o600)
    (tmp_path / "data/mysql/link").symlink_to("ibdata1")
    return Copy(tmp_path)


def begun(copy: Copy) -> None:
    copy.begin(["compose.yml", "services"], ["config/nginx"], {"services": ["mysql"]})
    (copy.project_dir / "config/nginx/nginx.conf").write_text("closed")


def changed(copy: Copy) -> None:
    begun(copy)
    copy.complete(["data/mysql"])
    (copy.project_dir / "services/mlflow.yml").write_text("new")
    (copy.project_dir / "services/more.yml").write_text("new")
    (copy.project_dir / "data/mysql/ibdata1").write_text("other rows")
    (copy.project_dir / "data/mysql/new").mkdir()
    (copy.project_dir / "data/mysql/mlflow/runs.ibd").unlink()


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_data_and_settings_come_back_and_the_door_is_last(copy: Copy) -> None:
    before = files(copy.project_dir)
    changed(copy)
    copy.put_back()
    now = files(copy.project_dir)
    assert now["config/nginx/nginx.conf"] == "closed"
    assert files(copy.project_dir / "data") == {
        "mysql/ibdata1": "rows",
        "mysql/link": "rows",
        "mysql/mlflow/runs.ibd": "runs",
    }
    assert (copy.project_dir / "data/mysql/ibdata1").stat().st_mode & 0o777 == 0o600
    assert (copy.project_dir / "data/mysql/link").is_symlink()
    copy.open_door()
    copy.end()
    # A fragment that nobody includes is no harm.
    assert files(copy.project_dir) == {**before, "services/more.yml": "new"}


def test_what_clients_wrote_once_the_door_was_open_is_kept(copy: Copy) -> None:
    changed(copy)
    copy.put_back()
    copy.open_door()
    (copy.project_dir / "data/mysql/ibdata1").write_text("acknowledged")
    copy.put_back()
    assert (copy.project_dir / "data/mysql/ibdata1").read_text() == "acknowledged"
    assert copy.phase == "opening"


def test_without_a_copy_of_the_data_it_stays(copy: Copy) -> None:
    begun(copy)
    (copy.project_dir / "data/mysql/ibdata1").write_text("as the old server left it")
    copy.put_back()
    assert (copy.project_dir / "data/mysql/ibdata1").read_text() == "as the old server left it"


def test_a_second_begin_is_refused(copy: Copy) -> None:
    begun(copy)
    with pytest.raises(InputError, match="an upgrade has not ended"):
        copy.begin([], [], {})


def test_only_what_has_a_copy_is_emptied(copy: Copy) -> None:
    begun(copy)
    with pytest.raises(InputError, match="is not emptied, since there is no copy of it"):
        copy.empty(["data/mysql"])
    copy.complete(["data/mysql"])
    copy.empty(["data/mysql"])
    assert list((copy.project_dir / "data/mysql").iterdir()) == []


def test_too_little_room_is_said_before_anything_is_copied(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(copy)
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=1 << 20))
    with pytest.raises(InputError, match=r"has 1 MiB free, but a copy of the database's \d+ MiB is kept"):
        copy.complete(["data/mysql"])
    assert copy.phase == "begun"


def test_it_is_root_s_alone(copy: Copy) -> None:
    begun(copy)
    assert copy.folder.stat().st_mode & 0o777 == 0o700


def test_the_end_leaves_nothing(copy: Copy) -> None:
    changed(copy)
    copy.end()
    assert not copy.folder.exists()
    assert copy.read() == {}
