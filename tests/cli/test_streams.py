"""Standard input and output that cannot be used: a full disk, a closed descriptor, a reader that has left, another encoding."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from commands import KG, Done

FULL = "kg: cannot write to standard output: No space left on device\n"
WRITING = [
    "export", "query 'SELECT * { ?s ?p ?o }' -f json", "query 'CONSTRUCT WHERE { ?s ?p ?o }'", "query --list", "stats", "stats --articles",
    "config -f json", "entity Microsoft", "validate -f json", "--version",
]  # fmt: skip


def shell(cwd: Path, line: str, **variables: str) -> Done:
    """Runs a line of bash, in which `kg` is ours."""
    environment = {**os.environ, **variables}
    script = f'kg() {{ "{KG}" "$@"; }}; set -o pipefail; {line}'
    command, encoding = ["bash", "-c", script], variables.get("PYTHONIOENCODING")
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, encoding=encoding or "utf-8", timeout=120)


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("arguments", WRITING)
def test_a_full_disk_is_named_and_is_not_a_check_that_answered_no(tmp_path: Path, arguments: str):
    done = shell(tmp_path, f"kg {arguments} > /dev/full")
    assert (done.returncode, done.stderr) == (2, FULL)


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("arguments", ["export", "query --list", "stats", "stats -f json", "stats --help"])
def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path, arguments: str):
    done = shell(tmp_path, f"{{ sleep 0.05; kg {arguments}; }} | true")
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("arguments", ["export", "query 'ASK {}'", "stats --articles", "entity Microsoft"])
def test_a_closed_output_is_named(tmp_path: Path, arguments: str):
    done = shell(tmp_path, f"kg {arguments} >&-")
    assert (done.returncode, done.stderr) == (2, "kg: cannot write to standard output: it is closed\n")


@pytest.mark.usefixtures("data")
def test_a_closed_input_is_named(tmp_path: Path):
    for line in ("kg query - <&-", "kg ingest --quiet - <&-"):
        done = shell(tmp_path, line)
        assert (done.returncode, done.stderr) == (2, "kg: cannot read standard input: it is closed\n")


@pytest.mark.usefixtures("data")
def test_a_command_needs_no_stream_that_it_does_not_use(tmp_path: Path):
    assert shell(tmp_path, "kg publish <&- >&- 2>&-").returncode == 0
    assert shell(tmp_path, "kg export > graph.nq && kg stats").returncode == 0


@pytest.mark.usefixtures("data")
def test_what_went_wrong_keeps_its_exit_code_when_nobody_can_be_told(tmp_path: Path):
    for line in ("kg query nonsense 2> /dev/full", "kg nonsense 2> /dev/full", "kg export > /dev/full 2>&1"):
        assert shell(tmp_path, line).returncode == 2


@pytest.mark.usefixtures("data")
def test_what_an_encoding_lacks_is_escaped_and_json_is_utf8_anyway(tmp_path: Path):
    shown = shell(tmp_path, "kg entity Microsoft", PYTHONIOENCODING="latin-1")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "  \\u201c" in shown.stdout
    written = shell(tmp_path, "kg config --data 'Café Łódź' -f json", PYTHONIOENCODING="latin-1").stdout.encode("latin-1")
    assert json.loads(written.decode())["data"]["value"] == "Café Łódź"
