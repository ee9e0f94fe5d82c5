"""`kg ingest` as its own process: bad input, others at work on the same data, and a server beside it."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest
from commands import KG, ROOT, STAKE, Done, listen_to_sigint

type Kg = Callable[..., Done]

EXAMPLES = ROOT / "examples"
# the file's name, its content, and what is said of it
BAD_FILES = {
    "empty.txt": (b"", "is empty; put the article's text in it"),
    "blank.md": (b" \n\n", "is empty"),
    "picture.txt": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01", "is not a text file: NUL at byte 8"),
    "line.txt": (b"Mistral AI " * 280_000, "3,080,000 bytes are too many for one article; split it into articles"),
    "latin.txt": ("Cédric O".encode("latin-1"), "is not UTF-8: byte 0xe9 at offset 1; save it as UTF-8"),
    "wide.txt": ("Mistral AI".encode("utf-16"), "is UTF-16; save it as UTF-8"),
    "head.md": (b"---\ntitle: [\n---\ntext", "front matter, line"),
    "date.md": (b"---\ndate: yesterday\n---\ntext", "date: 'yesterday' is no ISO 8601 date; write it as 2024-02-28"),
    "only-head.md": (b"---\ntitle: T\n---\n", "has no text below its front matter"),
    "page.html": (b"<p>text", "unknown format .html; known are .md, .txt, .jsonl"),
    "lines.jsonl": (b'{"text": "Hello."\n', "line 1: is not JSON"),
    "address.jsonl": (b'{"text": "Hello.", "url": "http://[bad"}\n', "line 1: url: 'http://[bad' is no address"),
}


def test_every_kind_of_bad_file_is_explained_and_the_good_article_is_stored(kg: Kg, tmp_path: Path):
    for name, (content, _) in BAD_FILES.items():
        (tmp_path / name).write_bytes(content)
    done = kg("ingest", "--quiet", *BAD_FILES, "missing.txt", STAKE)
    assert done.returncode == 3
    complaints = done.stderr.splitlines()
    assert len(complaints) == len(BAD_FILES) + 1
    for name, (_, reason) in BAD_FILES.items():
        assert any(line.startswith(f"failed: {name}") and reason in line for line in complaints), name
    assert "failed: missing.txt: no such file or directory; check the path" in complaints
    assert json.loads(kg("stats", "--format", "json").stdout)["articles"] == 1


def test_a_file_with_a_name_that_is_not_utf_8_costs_itself_alone(kg: Kg, tmp_path: Path):
    (tmp_path / "\udcff.txt").write_text("Microsoft acquired Nvidia.")
    done = kg("ingest", "--quiet", "\udcff.txt", STAKE)
    assert done.returncode == 3
    assert done.stderr == "failed: \\udcff.txt: has a name that is not UTF-8; rename the file\n"
    assert "has a name that is not UTF-8; rename the file\n" in kg("extract", "\udcff.txt").stderr


@pytest.mark.parametrize("path", ["missing.txt", ".", "x" * 5000], ids=["missing", "nothing in it", "too long"])
def test_when_nothing_could_be_read_the_exit_code_is_2(kg: Kg, path: str):
    done = kg("ingest", path)
    assert done.returncode == 2
    assert "failed: " in done.stderr
    assert done.stderr.endswith("0 articles stored (0 claims, 0 mentions); 1 failed\n")


@pytest.mark.parametrize("path", ["missing.txt", "news.html", "", "empty"])
def test_what_cannot_be_found_makes_no_data_directory(kg: Kg, tmp_path: Path, path: str):
    (tmp_path / "news.html").write_text("Microsoft acquired Nvidia.")
    (tmp_path / "empty").mkdir()
    done = kg("ingest", path, "--base-iri", "https://example.org/")
    assert done.returncode == 2
    assert f"failed: {path or repr(path)}: " in done.stderr
    if not path:
        assert "is no path; name a file or a directory\n" in done.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("path", ["-", "feed.jsonl"])
def test_where_nothing_is_to_be_read_that_is_said(kg: Kg, tmp_path: Path, path: str):
    (tmp_path / "feed.jsonl").write_text("\n")
    done = kg("ingest", path, stdin="\n\n")
    assert done.returncode == 2
    name = "standard input" if path == "-" else path
    assert f'failed: {name}: is empty; write one article a line, {{"id": …, "text": …}}\n' in done.stderr


@pytest.mark.parametrize("base", ["no iri", "example.org", "urn:x", "https://example.org/?q"])
def test_a_base_iri_that_is_none_is_refused_before_anything_is_made(kg: Kg, tmp_path: Path, base: str):
    for done in (kg("ingest", STAKE, "--base-iri", base), kg("ingest", STAKE, KG_BASE_IRI=base)):
        assert done.returncode == 2
        assert f"kg: KG_BASE_IRI (--base-iri) '{base}' " in done.stderr
        assert "give an absolute IRI such as https://example.org/" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_pipeline_that_is_not_installed_is_refused(kg: Kg):
    done = kg("ingest", STAKE, "--spacy-model", "en_missing")
    assert done.returncode == 2
    assert "cannot load the spaCy pipeline 'en_missing'; installed are: " in done.stderr


def test_a_file_in_the_place_of_the_data_directory_is_reported(kg: Kg, tmp_path: Path):
    (tmp_path / "data").write_text("mine")
    done = kg("ingest", STAKE)
    assert done.returncode == 2
    assert "kg: cannot write to the data directory data: " in done.stderr
    assert "choose another with --data (KG_DATA)" in done.stderr
    assert (tmp_path / "data").read_text() == "mine"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_data_directory_that_may_not_be_written_is_reported_and_nothing_is_lost(kg: Kg, data: Path, open_path: Path):
    """Root may write anywhere, so another user tries; who may read can still ask."""
    before = kg("export").stdout
    data = Path(shutil.copytree(data, open_path / "data", symlinks=True))

    def nobody(*arguments: str) -> Done:
        script = (
            "import os, sys, kg.cli.ingest, kg.cli.export, kg.cli.commands, kg.cli.main\n"  # before: this installation may be root's alone
        )
        script += f"os.setgroups([]); os.setgid(65534); os.setuid(65534); sys.argv = {['kg', *arguments]!r}; kg.cli.main.main()"
        command = [str(Path(KG).with_name("python")), "-c", script]
        return subprocess.run(command, cwd=open_path, capture_output=True, text=True, timeout=120)

    done = nobody("ingest", str(EXAMPLES / "deepseek-r1.txt"), "--data", str(data))
    assert done.returncode == 2
    assert f"kg: cannot write to the data directory {data}: Permission denied; choose another with --data" in done.stderr
    assert nobody("export", "--data", str(data)).stdout == before


def test_progress_is_a_line_an_article_in_a_pipe_and_nothing_when_quiet(kg: Kg):
    done = kg("ingest", STAKE)
    assert done.stdout == ""
    assert re.search(r"^stored: microsoft-mistral-partnership-\w+: \d+ claims?$", done.stderr, re.MULTILINE)
    assert re.search(r"^1 article stored \(\d+ claims?, \d+ mentions\); snapshot \d+ published$", done.stderr, re.MULTILINE)
    again = kg("ingest", STAKE)
    assert "0 articles stored (0 claims, 0 mentions); 1 unchanged\n" in again.stderr
    assert kg("ingest", "--quiet", STAKE).stderr == ""


def test_articles_come_as_json_lines_on_standard_input(kg: Kg):
    done = kg("ingest", "-", stdin='{"id": "one", "text": "Microsoft acquired Nvidia."}\n')
    assert done.returncode == 0, done.stderr
    assert "stored: one: 1 claim\n1 article stored (1 claim, 2 mentions)" in done.stderr
    assert kg("query", "ASK { <entity/Microsoft> aikg:acquires <entity/Nvidia> }").stdout == "true\n"


def test_a_dry_run_stores_nothing(kg: Kg, tmp_path: Path):
    done = kg("ingest", "--dry-run", STAKE)
    assert "1 article extracted" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_another_base_iri_is_refused_for_data_that_has_one(kg: Kg, data: Path):
    done = kg("ingest", STAKE, "--base-iri", "https://example.org/")
    assert done.returncode == 2
    assert "data was made with the base IRI http://localhost:8000/, not https://example.org/" in done.stderr
    assert data.exists()


def started(tmp_path: Path, *arguments: object) -> subprocess.Popen[str]:
    """A running `kg ingest`."""
    command = [KG, "ingest", *map(str, arguments)]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(command, cwd=tmp_path, text=True, preexec_fn=listen_to_sigint, **pipes)


def test_two_ingests_at_once_both_store_everything(kg: Kg, tmp_path: Path):
    files = sorted(EXAMPLES.iterdir())[:6]
    both = [started(tmp_path, "--quiet", *files[:3]), started(tmp_path, "--quiet", *files[3:])]
    for process in both:
        assert process.communicate(timeout=120) == ("", "")
        assert process.returncode == 0
    assert json.loads(kg("stats", "--format", "json").stdout)["articles"] == 6
    together = kg("export").stdout
    kg("ingest", "--quiet", "--data", "other", *files)
    assert kg("export", "--data", "other").stdout == together


def test_while_somebody_writes_a_second_writer_says_so_and_nothing_is_lost(kg: Kg, data: Path):
    from filelock import FileLock

    before = kg("export").stdout
    with FileLock(data / "writer.lock"):
        for arguments in (["ingest", STAKE], ["remove", "--all"], ["publish"]):
            done = kg(*arguments, "--lock-timeout-s", "0.1")
            assert done.returncode == 2
            assert "kg: another process is writing to data and did not finish within 0.1 s; try again when it is done" in done.stderr
        assert kg("export").stdout == before  # reading needs no lock
    assert kg("ingest", STAKE).returncode == 0


def line(process: subprocess.Popen[str], start: str) -> str:
    """The next line of the process's talk that starts so."""
    assert process.stderr is not None
    for text in process.stderr:
        if text.startswith(start):
            return text
    raise AssertionError(f"no line {start!r}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_ingest_keeps_what_it_has_done(kg: Kg, tmp_path: Path, number: signal.Signals):
    with started(tmp_path, "-") as process:
        assert process.stdin is not None
        process.stdin.write('{"id": "one", "text": "Microsoft acquired Nvidia."}\n')
        process.stdin.flush()
        line(process, "stored: one")
        process.send_signal(number)
        assert line(process, "interrupted").startswith("interrupted; what was done until then is kept: 1 article stored")
        assert process.wait(timeout=60) == 130
    assert json.loads(kg("stats", "--format", "json").stdout)["articles"] == 1


@pytest.mark.parametrize("processes", [1, 2])
def test_what_came_before_a_pause_is_stored_and_published_in_time(kg: Kg, tmp_path: Path, processes: int):
    with started(tmp_path, "-", "--processes", processes, "--publish-every-s", 0.5) as process:
        assert process.stdin is not None
        for name in "abc":
            process.stdin.write(json.dumps({"id": name, "text": "Microsoft acquired Nvidia."}) + "\n")
        process.stdin.write('{"id": "begun", "text":')
        process.stdin.flush()
        for name in "abc":
            line(process, f"stored: {name}")
        deadline = time.monotonic() + 30
        while (published := kg("stats", "--articles").stdout.count("\n")) < 3 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert published == 3
        process.stdin.write(' "OpenAI sued Mistral AI."}')
        process.stdin.close()
        line(process, "stored: begun")
        assert process.wait(timeout=60) == 0


def test_an_ingest_that_is_interrupted_while_it_loads_ends_quietly(tmp_path: Path):
    with started(tmp_path, STAKE) as process:
        line(process, "loading")
        process.send_signal(signal.SIGTERM)
        _, talk = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in talk
    assert "interrupted" in talk


@pytest.mark.parametrize("after", ["stored: a3", "stored: a7"])
def test_an_ingest_that_is_killed_leaves_whole_articles_and_the_next_completes_them(kg: Kg, tmp_path: Path, after: str):
    lines = [json.dumps({"id": f"a{n}", "text": f"Microsoft acquired Nvidia. OpenAI sued Mistral AI, page {n}."}) + "\n" for n in range(9)]
    (tmp_path / "in.jsonl").write_text("".join(lines))
    with started(tmp_path, "in.jsonl") as process:
        line(process, after)
        process.kill()
    kg("publish")
    assert re.search(rf"^{after.split()[-1]}\b", kg("stats", "--articles").stdout, re.MULTILINE)
    assert kg("validate").returncode == 0
    assert kg("ingest", "--quiet", "in.jsonl").returncode == 0
    killed = kg("export").stdout
    kg("ingest", "--quiet", "in.jsonl", "--data", "other")
    assert killed == kg("export", "--data", "other").stdout


@pytest.fixture
def served(data: Path, tmp_path: Path) -> Iterator[str]:
    """The address of `kg serve` on the test's data."""
    log = tmp_path / "serve.log"
    with log.open("w") as output, subprocess.Popen([KG, "serve", "--port", "0", "--data", str(data)], stderr=output) as server:
        try:
            deadline = time.monotonic() + 60
            while not (found := re.search(r"Serving (http://\S+?)/ ", log.read_text())):
                assert server.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield found.group(1)
        finally:
            server.terminate()
            server.wait(timeout=60)


def test_a_server_answers_throughout_an_ingest_and_shows_the_new_article_when_it_ends(kg: Kg, served: str, tmp_path: Path):
    ended, statuses = Event(), []

    def ask(query: str) -> httpx.Response:
        return httpx.get(f"{served}/sparql", params={"query": query}, timeout=30, trust_env=False)

    def keep_asking() -> None:
        while not ended.is_set():
            statuses.append(ask(f"SELECT (COUNT(*) AS ?n{len(statuses)}) {{ ?s ?p ?o }}").status_code)

    asking = Thread(target=keep_asking)
    asking.start()
    shutil.copy(EXAMPLES / "asml-mistral.txt", tmp_path / "new.txt")
    done = kg("ingest", "--quiet", "new.txt")
    wanted = (
        "ASK { ?s <https://w3id.org/aikg/ontology#investsIn> <http://localhost:8000/entity/Mistral_AI> FILTER(CONTAINS(STR(?s), 'ASML')) }"
    )
    deadline = time.monotonic() + 2  # what the documentation promises
    while not (seen := ask(wanted).json()["boolean"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    ended.set()
    asking.join()
    assert done.returncode == 0, done.stderr
    assert seen
    assert len(statuses) > 5
    assert set(statuses) == {200}
