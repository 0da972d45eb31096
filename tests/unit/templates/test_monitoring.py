"""The alert rules, tried by the tool that comes with Prometheus, and what other roles do for the metrics."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from tools import debian_packages

if TYPE_CHECKING:
    from .conftest import Rendered

CASES = Path(__file__).with_name("alerts_test.yml")
DASHBOARDS = Path(__file__).resolve().parents[3] / "roles/monitoring/files/dashboards"


def test_each_alert_is_raised_by_what_it_is_about_and_by_nothing_else(
    rendered_cases: dict[str, Rendered], tmp_path: Path
) -> None:
    (tmp_path / "alerts.yml").write_text(rendered_cases["monitored"].text("monitoring", "alerts.rules"))
    shutil.copy(CASES, tmp_path)
    command = [*debian_packages.promtool(), "test", "rules", str(tmp_path / CASES.name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_tried(rendered_cases: dict[str, Rendered]) -> None:
    groups = yaml.safe_load(rendered_cases["monitored"].text("monitoring", "alerts.rules"))["groups"]
    names = {rule["alert"] for group in groups for rule in group["rules"]}
    assert names
    assert {name for name in names if name in CASES.read_text()} == names
    for rule in (rule for group in groups for rule in group["rules"]):
        assert {"summary", "action"} == rule["annotations"].keys(), rule["alert"]
        assert rule["labels"]["severity"] in ("critical", "warning"), rule["alert"]


def test_the_object_stores_alerts_are_there_with_rustfs_alone(rendered_cases: dict[str, Rendered]) -> None:
    assert "ParityLost" in rendered_cases["monitored"].text("monitoring", "alerts.rules")
    assert "ParityLost" not in rendered_cases["local_store"].text("monitoring", "alerts.rules")


def test_expressions_of_all_panels_can_be_read(tmp_path: Path) -> None:
    """As rules, since that is what promtool reads; the scenario asks the real Prometheus for each."""
    texts = [path.read_text() for path in sorted(DASHBOARDS.glob("*.json"))]
    found = [target["expr"] for text in texts for panel in json.loads(text)["panels"] for target in panel["targets"]]
    rules = [{"record": f"panel:number_{number}", "expr": text} for number, text in enumerate(found)]
    path = tmp_path / "panels.yml"
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    command = [*debian_packages.promtool(), "check", "rules", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_metrics_are_told_where_the_platform_is_watched(rendered_cases: dict[str, Rendered]) -> None:
    on, off = rendered_cases["monitored"], rendered_cases["defaults"]
    for rendered, told in ((on, True), (off, False)):
        mlflow = yaml.safe_load(rendered.text("mlflow", "service.yml"))["services"]["mlflow"]["environment"]
        assert ("MLFLOW_EXPOSE_PROMETHEUS" in mlflow) is told
        assert ("mlflow-2:5000" in mlflow["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")) is told
        rustfs = yaml.safe_load(rendered.text("rustfs", "service.yml"))["services"]["rustfs"]["environment"]
        assert ("RUSTFS_OBS_METRIC_ENDPOINT" in rustfs) is told
    targets = yaml.safe_load(on.text("monitoring", "prometheus.config"))["scrape_configs"]
    (mlflow_targets,) = [item["static_configs"][0]["targets"] for item in targets if item["job_name"] == "mlflow"]
    assert mlflow_targets == ["mlflow:5000", "mlflow-2:5000"]


def test_only_prometheus_gets_out_and_only_to_alertmanagers(rendered_cases: dict[str, Rendered]) -> None:
    on, off = (
        yaml.safe_load(rendered_cases[case].text("monitoring", "service.yml")) for case in ("monitored", "defaults")
    )
    assert on["services"]["prometheus"]["networks"] == ["back", "alerts"]
    assert off["services"]["prometheus"]["networks"] == ["back"]
    assert {name for name, service in on["services"].items() if service["networks"] != ["back"]} == {"prometheus"}
    assert "--storage.tsdb.retention.size=5GB" in on["services"]["prometheus"]["command"]
    assert on["services"]["prometheus"]["mem_limit"] == "512m"


def test_pages_are_behind_a_password(rendered_cases: dict[str, Rendered]) -> None:
    text = rendered_cases["monitored"].text("nginx", "nginx.conf")
    parts = [part for part in text.split("\n    server {") if "\n        server_name " in part]
    servers = {part.split("server_name ")[1].split(";")[0].split()[0]: part for part in parts}
    assert "auth_request /onprem-login;" in servers["prometheus.lab"]
    assert 'proxy_set_header Authorization "";' in servers["prometheus.lab"]
    assert "auth_request" not in servers["grafana.lab"]
    assert 'proxy_set_header Authorization ""' not in servers["grafana.lab"]
    assert "server prometheus:9090 resolve;" in text
