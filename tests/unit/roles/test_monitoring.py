"""What the role monitoring puts on a server runs there by itself, and what Grafana gets is whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import catalogue
from tests.unit.roles.library import assert_it_has_all_that_it_imports_and_no_more

ROOT = Path(__file__).resolve().parents[3]
FILES = ROOT / "roles/monitoring/files"
DASHBOARDS = sorted((FILES / "dashboards").glob("*.json"))


def test_the_library_has_all_that_it_imports_and_no_more(tmp_path: Path) -> None:
    assert_it_has_all_that_it_imports_and_no_more("monitoring", ["monitoring_collect"], tmp_path)


def test_the_lab_makes_the_images_that_are_pinned() -> None:
    """All but Grafana's, which can be made from no package."""
    defaults = yaml.safe_load((ROOT / "roles/monitoring/defaults/main.yml").read_text())
    pinned = {value for name, value in defaults.items() if name.endswith("_image")}
    assert pinned - {image.official for image in catalogue.WATCHERS} == {defaults["monitoring_grafana_image"]}


def read(path: Path) -> dict[str, Any]:
    dashboard: dict[str, Any] = json.loads(path.read_text())
    return dashboard


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_is_what_grafana_reads_from_a_file(path: Path) -> None:
    """The form that is read from files, whose identifiers are given by the file alone, and panels beside each other."""
    dashboard = read(path)
    assert "id" not in dashboard
    assert {"uid", "title", "panels", "schemaVersion", "time"} <= dashboard.keys()
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_panel_asks_the_platforms_prometheus(path: Path) -> None:
    (source,) = yaml.safe_load((FILES / "datasources.yml").read_text())["datasources"]
    for panel in read(path)["panels"]:
        assert panel["targets"], panel["title"]
        for target in [panel, *panel["targets"]]:
            assert target["datasource"] == {"type": "prometheus", "uid": source["uid"]}, panel["title"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_dashboards_have_names_of_their_own() -> None:
    for key in ("uid", "title"):
        assert len({read(path)[key] for path in DASHBOARDS}) == len(DASHBOARDS)


def test_dashboards_are_where_grafana_looks() -> None:
    (provider,) = yaml.safe_load((FILES / "dashboards.yml").read_text())["providers"]
    assert provider["options"]["path"] == "/etc/grafana-platform/dashboards"
    # Grafana from 12.3 on does not see changed files of a container where it looks at least every ten seconds.
    assert provider["updateIntervalSeconds"] > 10
