"""The wheel, installed in a clean environment outside the checkout, does what the checkout does."""

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from uv import find_uv_bin

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "microsoft-mistral-partnership.md"
START_S = 60

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel; the locked dependencies are read from where they are, the project is not.

    Packages on a path that a .pth file names are importable, but the .pth files beside them are not read: so the editable
    installation of the checkout stays out.
    """
    environment = tmp_path_factory.mktemp("elsewhere") / "venv"
    uv = find_uv_bin()
    subprocess.run([uv, "venv", "--quiet", "--offline", "--no-config", "--python", sys.executable, environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--offline", "--no-config", "--no-deps", "--python", python, wheel], check=True)
    packages = next(environment.glob("lib/python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment


@pytest.fixture(scope="module")
def elsewhere(installed: Path) -> Path:
    """A working directory outside the checkout, with one article in it."""
    shutil.copy(EXAMPLE, installed.parent)
    return installed.parent


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("KG_", "PYTHON", "VIRTUAL_ENV"))}


def run(installed: Path, elsewhere: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [installed / "bin" / arguments[0], *arguments[1:]]
    return subprocess.run(command, cwd=elsewhere, env=environment(), capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def data(installed: Path, elsewhere: Path) -> Path:
    """A data directory that the installed `kg ingest` filled with the example."""
    ingested = run(installed, elsewhere, "kg", "ingest", "--data", "graph", EXAMPLE.name)
    assert ingested.returncode == 0, ingested.stderr
    return elsewhere / "graph"


@pytest.fixture
def served(installed: Path, elsewhere: Path, data: Path) -> Iterator[str]:
    """The address at which the installed `kg serve` answers."""
    command = [installed / "bin" / "kg", "serve", "--data", data, "--port", "0"]
    log = elsewhere / "serve.log"
    with log.open("w") as output, subprocess.Popen(command, cwd=elsewhere, env=environment(), stdout=output, stderr=output) as server:
        try:
            yield _address(server, log)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=30)


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        if address := re.search(r"http://(?:127\.0\.0\.1|localhost):[1-9]\d*", log.read_text()):
            return address.group()
        time.sleep(0.1)
    raise AssertionError(f"kg serve printed no address within {START_S} s:\n{log.read_text()}")


def test_installed_packages_come_from_the_wheel(installed: Path, elsewhere: Path):
    shown = run(installed, elsewhere, "python", "-c", "import ingest, kg; print(ingest.__file__, kg.__file__, sep='\\n')")
    assert shown.returncode == 0, shown.stderr
    for path in map(Path, shown.stdout.split()):
        assert path.is_relative_to(installed)
        assert not path.is_relative_to(ROOT)


@pytest.mark.parametrize("tree", ["kg", "ingest", "ontology", "queries"])
def test_wheel_ships_every_tracked_file_of(tree: str, installed: Path):
    tracked = subprocess.run(["git", "ls-files", "-z", tree], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")[:-1]
    packages = next(installed.glob("lib/python*/site-packages"))
    prefix = "kg/_data/" if tree in {"ontology", "queries"} else ""
    assert tracked
    assert [path for path in tracked if (ROOT / path).exists() and not (packages / prefix / path).is_file()] == []


def test_wheel_ships_no_tests_and_no_examples(installed: Path):
    packages = next(installed.glob("lib/python*/site-packages"))
    assert not {"tests", "examples", "docs", "benchmarks"} & {path.name for path in packages.iterdir()}


def test_installed_kg_lists_every_saved_query(installed: Path, elsewhere: Path):
    listed = run(installed, elsewhere, "kg", "query", "--list")
    assert listed.returncode == 0, listed.stderr
    assert [path.stem for path in (ROOT / "queries").glob("*.rq") if path.stem not in listed.stdout] == []


def test_installed_kg_ingests_and_answers(installed: Path, elsewhere: Path, data: Path):
    answered = run(installed, elsewhere, "kg", "query", "--data", str(data), "--name", "who-invests-in-whom", "--format", "csv")
    assert answered.returncode == 0, answered.stderr
    assert "Microsoft" in answered.stdout
    assert "Mistral AI" in answered.stdout


def test_installed_kg_serves_queries_over_http(served: str):
    query = "ASK { GRAPH ?g { ?claim a <https://w3id.org/aikg/ontology#Claim> } }"
    response = httpx.get(f"{served}/sparql", params={"query": query}, headers={"Accept": "application/sparql-results+json"}, timeout=30)
    assert response.status_code == 200, response.text
    assert response.json()["boolean"] is True
