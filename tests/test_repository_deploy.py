"""The files that put the server in place name only what there is."""

import re
from pathlib import Path

import pytest

from kg.cli.commands import COMMANDS
from kg.settings import Settings

DEPLOY = Path(__file__).resolve().parents[1] / "docs" / "deploy"
FILES = sorted(DEPLOY.iterdir())
SETTINGS = {f"KG_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_setting_that_is_named_exists(file: Path):
    named = set(re.findall(r"\bKG_[A-Z_]+\b", file.read_text())) - {"KG_NAME"}
    assert named - SETTINGS == set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_command_that_is_named_exists(file: Path):
    assert set(re.findall(r"(?:`|bin/)kg ([a-z]+)", file.read_text())) - set(COMMANDS) == set()


def test_the_readme_lists_every_file():
    readme = (DEPLOY / "README.md").read_text()
    assert [file.name for file in FILES if f"({file.name})" not in readme and file.name != "README.md"] == []


def test_the_unit_runs_the_server_confined_and_lets_queries_end():
    unit = dict(line.split("=", 1) for line in (DEPLOY / "kg.service").read_text().splitlines() if re.match(r"\w+=", line))
    assert unit["ExecStart"].endswith("kg serve")
    assert unit["ProtectSystem"] == "strict"
    assert unit["NoNewPrivileges"] == "yes"
    assert float(unit["TimeoutStopSec"]) > Settings.model_fields["query_timeout_s"].default
