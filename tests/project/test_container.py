"""The container and compose files: valid as far as can be told without a container engine."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from recsysops.cli import app
from recsysops.settings import read_settings
from recsysops_alerts.rules import RULES


@pytest.fixture(scope="session")
def folder(project_root: Path) -> Path:
    return project_root / "examples" / "container"


@pytest.fixture(scope="session")
def services(folder: Path) -> dict:
    return yaml.safe_load((folder / "compose.yaml").read_text(encoding="utf-8"))["services"]


def verbs() -> set[str]:
    return {command.name or command.callback.__name__ for command in app.registered_commands}


def test_every_service_has_an_image_or_is_built_and_says_where_it_listens(services):
    assert {"api", "dashboard", "cycle", "postgres", "prometheus", "alertmanager"} <= set(services)
    for service in services.values():
        assert service["network_mode"] == "host"
        assert "ports" not in service  # has no meaning on the host's network
        tag = service["image"].partition(":")[2]
        assert tag != "latest"
        assert tag or "build" in service


def test_nothing_listens_beyond_loopback(services):
    for name in ("prometheus", "alertmanager"):
        listening = [word for word in services[name]["command"] if "listen-address" in word]
        assert listening
        assert all(word.endswith("=") or "=127.0.0.1:" in word for word in listening)
    assert "listen_addresses=127.0.0.1" in services["postgres"]["command"]


def test_our_services_call_verbs_that_exist(services):
    for name in ("api", "dashboard"):
        assert services[name]["command"][0] in verbs()
    assert set(re.findall(r"recsysops (\w+)", services["cycle"]["entrypoint"][2])) <= verbs()


def test_what_depends_on_a_service_names_one_and_conditions_have_what_they_need(services):
    for service in services.values():
        for name, condition in service.get("depends_on", {}).items():
            assert name in services
            if condition["condition"] == "service_healthy":
                assert "healthcheck" in services[name]


def test_every_volume_is_declared_or_a_path_that_is_there(services, folder):
    declared = yaml.safe_load((folder / "compose.yaml").read_text(encoding="utf-8"))["volumes"]
    for service in services.values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source in declared or (folder / source).exists(), volume


def test_no_secret_is_written_down(folder):
    text = (folder / "compose.yaml").read_text(encoding="utf-8")

    assert set(re.findall(r"POSTGRES_PASSWORD: (.*)", text)) == {"${POSTGRES_PASSWORD:?write it into .env}"}


def test_the_settings_beside_it_can_be_used_and_keep_the_password_out_of_the_file(folder):
    settings = read_settings(folder / "service" / "recsysops.toml", {})

    assert settings.service.store == "postgresql://recsysops:${POSTGRES_PASSWORD}@127.0.0.1:5432/recsysops"
    assert settings.api.port == 8350  # what prometheus.yml scrapes


def test_the_container_file_copies_what_make_builds_and_runs_as_nobody_special(folder, project_root):
    lines = (folder / "Containerfile").read_text(encoding="utf-8").splitlines()
    joined = "\n".join(lines)

    copied = [line.split()[1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    assert copied == ["requirements/server.lock", "build/wheel/recsysops-*.whl"]
    assert (project_root / "requirements" / "server.lock").is_file()
    assert "-d build/wheel" in (project_root / "Makefile").read_text(encoding="utf-8")
    assert "--require-hashes" in joined
    assert re.findall(r"^USER (\w+)$", joined, re.M) == ["recsysops"]
    assert lines[-2:] == ['ENTRYPOINT ["recsysops"]', 'CMD ["serve"]']
    known = {"FROM", "COPY", "RUN", "ENV", "USER", "WORKDIR", "ENTRYPOINT", "CMD"}
    instructions = re.sub(r"\\\n", " ", joined).splitlines()
    assert {line.split()[0] for line in instructions if line and not line.startswith("#")} <= known


def test_the_lock_of_the_container_has_the_driver_of_its_database(project_root):
    text = (project_root / "requirements" / "server.lock").read_text(encoding="utf-8")

    assert re.search(r"^psycopg==", text, re.M)
    assert re.search(r"^psycopg-binary==", text, re.M)


def test_prometheus_scrapes_the_job_the_rules_look_for(folder):
    job = yaml.safe_load((folder / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"][0]["job_name"]

    named = {name for rule in RULES for name in re.findall(r'job="(\w+)"', rule.expr)}
    assert named == {job}


@pytest.mark.parametrize(
    ("tool", "words", "package"),
    [
        ("promtool", ("check", "config", "--syntax-only", "prometheus.yml"), "prometheus"),
        ("amtool", ("check-config", "alertmanager.yml"), "prometheus-alertmanager"),
    ],
)
def test_the_peers_accept_their_files(tool, words, package, folder):
    command = shutil.which(tool)
    if command is None:
        pytest.skip(f"{tool} is not installed: install the package {package}")

    done = subprocess.run([command, *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("engine", ["podman", "docker"])
def test_a_compose_engine_accepts_the_file(engine, folder):
    command = shutil.which(engine)
    if command is None or subprocess.run([command, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip(f"{engine} or its compose is not installed: nothing here can read compose files")

    done = subprocess.run(
        [command, "compose", "config", "--quiet"], cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        env={"POSTGRES_PASSWORD": "x", "PATH": str(Path(command).parent)},
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
