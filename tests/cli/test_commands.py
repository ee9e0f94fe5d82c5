"""Every command as its own process: what it prints where, and its exit code."""

import gzip
import json
import os
import pty
import select
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import KG, STAKE, Done, listen_to_sigint

from kg.cli.commands import COMMANDS
from kg.settings import Settings

type Kg = Callable[..., Done]


def test_help_lists_every_command_and_loads_none(kg: Kg):
    shown = kg("--help")
    assert shown.returncode == 0
    for name, row in COMMANDS.items():
        assert f" {name} " in shown.stdout
        assert row.summary in shown.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_has_examples_of_it(kg: Kg, name: str):
    shown = kg(name, "--help")
    assert shown.returncode == 0
    examples = shown.stdout.partition("Examples:")[2]
    assert examples.count(f"kg {name}") >= 2


@pytest.mark.parametrize("arguments", [["nothing"], ["ingest"], ["query", "--nothing"], ["token", "nothing"], ["stats", "-f", "yaml"]])
def test_a_call_that_makes_no_sense_ends_with_2(kg: Kg, arguments: list[str]):
    done = kg(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Error" in done.stderr


def test_a_misspelt_command_is_guessed(kg: Kg):
    assert "No such command 'ingets'. Did you mean 'ingest'?" in kg("ingets", "x").stderr
    assert "Did you mean" not in kg("xyzzy").stderr


def test_a_variable_that_is_no_setting_is_named_and_the_command_goes_on(kg: Kg):
    done = kg("config", "--format", "json", KG_PROT="9000", KG_XYZZY="1", KG_HOST="", kg_port="9001")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "kg: the variable KG_PROT is no setting; did you mean KG_PORT?",
        "kg: the variable KG_XYZZY is no setting; `kg config` shows those that are",
    ]
    shown = json.loads(done.stdout)
    assert shown["port"] == {"value": 9001, "from": "KG_PORT"}
    assert shown["host"] == {"value": "127.0.0.1", "from": "default"}


def test_the_version_is_printed(kg: Kg):
    assert kg("--version").stdout.startswith("aikg 0.")


# every command that reads, and what it says where there is nothing to read
READING = [
    ["query", "ASK {}"], ["entity", "Microsoft"], ["stats"], ["validate"], ["export"], ["backup", "x.zip"],
    ["publish"], ["remove", "--all"],
]  # fmt: skip


@pytest.mark.parametrize("arguments", READING, ids=lambda arguments: arguments[0])
def test_without_data_a_command_says_how_to_make_some(kg: Kg, tmp_path: Path, arguments: list[str]):
    done = kg(*arguments)
    assert done.returncode == 2
    assert done.stderr == "kg: no data in data; make some with `kg ingest`, or name another directory with --data (KG_DATA)\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["stats"], ["ingest", STAKE], ["restore", "x.zip"], ["serve"], ["config"]], ids=lambda a: a[0])
@pytest.mark.parametrize(("variable", "value"), [("KG_PROCESSES", "none"), ("KG_LOCK_TIMEOUT_S", "-1"), ("KG_PORT", "99999")])
def test_a_wrong_setting_is_named_with_its_variable_and_its_flag(kg: Kg, arguments: list[str], variable: str, value: str):
    done = kg(*arguments, **{variable: value})
    assert done.returncode == 2
    flag = f"--{variable.removeprefix('KG_').lower().replace('_', '-')}"
    assert done.stderr.startswith(f"kg: {variable} ({flag}): ")
    assert f"got '{value}'" in done.stderr


@pytest.mark.parametrize("arguments", [["config"], ["stats"], ["ingest", STAKE], ["restore", "x.zip"], ["serve"]], ids=lambda a: a[0])
@pytest.mark.parametrize("variable", ["KG_BASE_IRI", "KG_STORE"])
def test_an_address_that_is_none_is_refused_and_its_password_not_shown(kg: Kg, tmp_path: Path, arguments: list[str], variable: str):
    done = kg(*arguments, **{variable: "ada:secret@example.org"})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"kg: {variable} (--{variable.removeprefix('KG_').lower().replace('_', '-')}) '…@example.org' is no")
    assert list(tmp_path.iterdir()) == []


def test_publish_refuses_a_service_instead_of_publishing_the_data_directory(kg: Kg, data: Path):
    published = (data / "current").readlink()
    done = kg("publish", KG_STORE="http://127.0.0.1:1/")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("kg: `kg publish` works on a data directory, and KG_STORE names http://127.0.0.1:1/, ")
    assert (data / "current").readlink() == published
    assert kg("publish", KG_STORE="").returncode == 0
    assert (data / "current").readlink() != published


@pytest.mark.usefixtures("data")
def test_rows_are_csv_in_a_pipe_and_any_format_on_request(kg: Kg):
    query = "SELECT ?o { entity:Microsoft aikg:investsIn ?o }".replace("entity:Microsoft", "<entity/Microsoft>")
    assert kg("query", query).stdout == "o\nhttp://localhost:8000/entity/Mistral_AI\n"
    assert json.loads(kg("query", query, "--format", "json").stdout)["head"]["vars"] == ["o"]
    assert kg("query", query, "-f", "xml").stdout.startswith("<?xml")
    assert kg("query", query, "-f", "tsv").stdout == "?o\n<http://localhost:8000/entity/Mistral_AI>\n"
    assert "entity/Mistral_AI" in kg("query", query, "-f", "table").stdout
    assert "aikg:investsIn" in kg("query", "CONSTRUCT WHERE { ?s aikg:investsIn ?o }").stdout


def on_a_terminal(cwd: Path, *arguments: str) -> str:
    """What a command shows on a terminal."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "160", "TERM": "xterm"}
    with subprocess.Popen([KG, *arguments], cwd=cwd, env=environment, stdout=theirs, stderr=theirs, stdin=theirs) as process:
        os.close(theirs)
        shown = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # Linux reports the end of a terminal as EIO
                break
        assert process.wait() == 0, shown
    os.close(ours)
    return shown.decode()


def test_rows_are_a_table_on_a_terminal(data: Path, tmp_path: Path):
    shown = on_a_terminal(tmp_path, "query", "--name", "who-invests-in-whom")
    assert "┃" in shown
    assert "Mistral AI" in shown
    assert "http://" not in shown


@pytest.mark.usefixtures("data")
def test_a_query_comes_from_a_file_or_from_standard_input(kg: Kg, tmp_path: Path):
    (tmp_path / "ask.rq").write_text("ASK { ?s aikg:investsIn ?o }")
    assert kg("query", "ask.rq").stdout == "true\n"
    assert kg("query", "-", stdin="ASK { ?s aikg:investsIn aikg:nothing }").stdout == "false\n"
    assert kg("query", "ask.rq").returncode == 0


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["SELECT * { ?s ?p "], "the query is not SPARQL: line 1, column"),
        (["missing.rq"], "cannot read missing.rq: No such file or directory"),
        (["missing.txt"], "'missing.txt' is no SPARQL, and there is no such file; check the path, or run a saved query with --name"),
        (["DELETE WHERE { ?s ?p ?o }"], "the query is an update; `kg query` only reads"),
        (["SELECT * { SERVICE <http://localhost/> { ?s ?p ?o } }"], "SERVICE"),
        ([f"SELECT * {{ ?s ?p '{'x' * 5000}' "], "the query is not SPARQL"),
        ([], "give either a query (a file or SPARQL) or --name SAVED"),
        (["ASK {}", "--name", "who-said-what"], "give either a query"),
        (["ASK {}", "--param", "a=b"], "--param belongs to a saved query"),
        (["--name", "who-invests"], "no saved query is called 'who-invests'; did you mean 'who-invests-in-whom'"),
        (["--name", "who-invests-in-whom", "--param", "investor"], "--param 'investor' is not NAME=VALUE"),
        (["--name", "who-invests-in-whom", "--param", "inverstor=x"], "has no parameter 'inverstor'; did you mean 'investor'"),
        (["--name", "who-invests-in-whom", "--param", "investor=Mikrosoft"], "no entity is called 'Mikrosoft'; did you mean 'Microsoft'"),
        (["--name", "who-invests-in-whom", "-p", "investor=OpenAI", "-p", "investor=Meta"], "--param investor is given twice"),
        (
            ["--name", "positions-on-a-regulation", "-p", "position=acquires"],
            "'acquires' is none of supports, opposes, criticizes, lobbies",
        ),
        (["ASK {}", "--format", "yaml"], "--format 'yaml' is no format for rows; choose one of table, json, xml, csv, tsv"),
        (["SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?i", "--timeout-s", "0.5"], "the query took longer than 0.5 s"),
        (["ASK {}", "--timeout-s", "inf"], "KG_QUERY_TIMEOUT_S (--query-timeout-s): Input should be a finite number"),
        (["ASK {}", "--query-timeout-s", "1e10"], "KG_QUERY_TIMEOUT_S (--query-timeout-s): Input should be less than or equal to 604800"),
    ],
)
def test_a_query_that_cannot_be_answered_is_explained(kg: Kg, arguments: list[str], complaint: str):
    done = kg("query", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("kg: ")
    assert complaint in done.stderr


@pytest.mark.usefixtures("data")
def test_a_query_ends_at_ctrl_c_while_the_engine_is_at_work(tmp_path: Path):
    command = [KG, "query", "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"]
    talk = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, preexec_fn=listen_to_sigint, **talk) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=5)  # by then the engine is counting
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=10) == ("", "")
    assert process.returncode == 130


@pytest.mark.usefixtures("data")
def test_saved_queries_are_listed_and_take_parameters(kg: Kg):
    listed = kg("query", "--list").stdout
    assert "who-invests-in-whom\n" in listed
    assert "--param investor=…  entity, optional" in listed
    assert "Mistral AI" in kg("query", "--name", "who-invests-in-whom", "--param", "investor=microsoft").stdout
    assert len(kg("query", "--name", "who-invests-in-whom", "-p", "investor=Mistral").stdout.splitlines()) == 1


@pytest.mark.usefixtures("data")
def test_a_query_in_a_file_may_begin_with_a_byte_order_mark(kg: Kg, tmp_path: Path):
    (tmp_path / "ask.rq").write_bytes(b"\xef\xbb\xbfASK {}")
    assert kg("query", "ask.rq").stdout == kg("query", "-", stdin="\ufeffASK {}").stdout == "true\n"


@pytest.mark.usefixtures("data")
def test_an_entity_has_a_prefix_in_queries_as_in_what_they_give(kg: Kg):
    assert "entity:Mistral_AI a aikg:Company" in kg("query", "DESCRIBE entity:Mistral_AI").stdout


@pytest.mark.usefixtures("data")
def test_stats_count_and_list(kg: Kg):
    counts = json.loads(kg("stats", "--format", "json").stdout)
    assert counts["articles"] == 1
    assert counts["claims"] == sum(counts["claims by relation"].values()) > 0
    assert "articles" in kg("stats").stdout
    ((name, date, claims, title),) = [line.split("\t") for line in kg("stats", "--articles").stdout.splitlines()]
    assert (date, int(claims)) == ("2024-05-17", counts["claims"])
    assert "microsoft-mistral-partnership" in name
    assert title
    listed = json.loads(kg("stats", "--articles", "--format", "json").stdout)
    assert listed == [{"id": name, "date": date, "claims": int(claims), "title": title}]


@pytest.mark.usefixtures("data")
def test_an_entity_is_shown_with_its_claims(kg: Kg):
    shown = kg("entity", "mistral ai").stdout
    assert shown.startswith("Mistral AI (Company) Mistral_AI")
    found = json.loads(kg("entity", "Mistral_AI", "--format", "json").stdout)
    assert found["label"] == "Mistral AI"
    assert any(said["sentence"] for said in found["claims"])
    missed = kg("entity", "Mistrall AI")
    assert missed.returncode == 2
    assert "did you mean 'Mistral AI'" in missed.stderr


def test_validate_answers_by_its_exit_code(kg: Kg, data: Path):
    assert kg("validate").returncode == 0
    assert kg("validate", "--quiet").stderr == ""
    from kg.store import open_writer

    with open_writer(Settings.load(data=data)) as writer:
        writer.update("DELETE WHERE { GRAPH ?g { ?s <http://www.w3.org/2000/01/rdf-schema#label> ?o } }")
        writer.publish()
    done = kg("validate")
    assert done.returncode == 1
    assert "an entity needs one label" in done.stdout
    assert json.loads(kg("validate", "--format", "json").stdout)["conforms"] is False


@pytest.mark.usefixtures("data")
def test_export_writes_the_same_bytes_to_a_pipe_and_to_a_file(kg: Kg, tmp_path: Path):
    piped = kg("export", "--format", "nquads").stdout
    assert kg("export", "--output", "graph.nq").stdout == ""
    assert (tmp_path / "graph.nq").read_text() == piped
    kg("export", "--output", "a.nq.gz")
    kg("export", "--output", "b.nq.gz")
    assert (tmp_path / "a.nq.gz").read_bytes() == (tmp_path / "b.nq.gz").read_bytes()


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("name", ["graph.ttl", "graph.trig.gz", "graph.nt", "graph.jsonld", "GRAPH.RDF", "graph.nq", "graph", "graph.txt"])
def test_an_exports_format_follows_its_files_name(kg: Kg, tmp_path: Path, name: str):
    end = name.lower().removesuffix(".gz").rpartition(".")[2]
    known = {"ttl": "turtle", "trig": "trig", "nt": "ntriples", "jsonld": "jsonld", "rdf": "rdfxml"}
    assert kg("export", "--output", name).returncode == 0
    written = (tmp_path / name).read_bytes()
    assert (gzip.decompress(written) if name.endswith(".gz") else written).decode() == kg("export", "-f", known.get(end, "nquads")).stdout


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--format", "yaml"], "--format 'yaml' is no format for graphs"),
        (["--output", "missing/graph.nq"], "cannot write missing/graph.nq: No such file or directory; choose another --output"),
        (["--output", "data"], "cannot write data: it is there and is no file"),
        (["--output", "graph.nq", "--format", "csv"], "--format 'csv' is no format for graphs"),
    ],
)
def test_an_export_that_cannot_be_written_leaves_nothing(kg: Kg, tmp_path: Path, arguments: list[str], complaint: str):
    done = kg("export", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["data"]


@pytest.mark.usefixtures("data")
def test_a_backup_is_written_checked_and_restored(kg: Kg):
    assert "written to graph.zip" in kg("backup", "graph.zip").stderr
    assert "whole" in kg("backup", "--check", "graph.zip").stderr
    assert kg("restore", "graph.zip", "--data", "other").returncode == 0
    assert kg("export", "--data", "other").stdout == kg("export").stdout
    refused = kg("restore", "graph.zip")
    assert refused.returncode == 2
    assert "holds data already" in refused.stderr
    assert kg("restore", "graph.zip", "--replace", "--quiet").stderr == ""


@pytest.mark.usefixtures("data")
def test_a_backup_is_restored_into_a_mount_point_and_replaces_what_is_there(kg: Kg, tmp_path: Path):
    (tmp_path / "mounted").mkdir()
    mounted = ["unshare", "--mount", "sh", "-ec", 'mount -t tmpfs none mounted; eval "$1"', "sh"]
    if subprocess.run([*mounted, "true"], cwd=tmp_path, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")
    kg("backup", "graph.zip")
    steps = [
        f"{KG} restore graph.zip --data mounted",
        f"{KG} restore graph.zip --data mounted --replace",
        f"{KG} export --data mounted > restored.nq",
        f"{KG} export --data mounted/replaced > replaced.nq",
        "ls -A mounted",
    ]
    done = subprocess.run([*mounted, "; ".join(steps)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["current", "kg.json", "replaced", "snapshots", "store", "writer.lock"]
    assert (tmp_path / "restored.nq").read_text() == (tmp_path / "replaced.nq").read_text() == kg("export").stdout
    assert not (tmp_path / "mounted.replaced").exists()


@pytest.mark.usefixtures("data")
def test_a_damaged_backup_is_refused(kg: Kg, tmp_path: Path):
    kg("backup", "graph.zip")
    (tmp_path / "graph.zip").write_bytes((tmp_path / "graph.zip").read_bytes()[:-50])
    for arguments in (["backup", "--check", "graph.zip"], ["restore", "graph.zip", "--data", "other"]):
        done = kg(*arguments)
        assert done.returncode == 2
        assert "is damaged" in done.stderr
    assert not (tmp_path / "other").exists()


@pytest.mark.usefixtures("data")
def test_articles_are_removed_by_name_or_all(kg: Kg):
    for arguments, complaint in ([["nobody"], "no article 'nobody' in data"], [[], "name the articles to remove, or give --all"]):
        done = kg("remove", *arguments)
        assert done.returncode == 2
        assert complaint in done.stderr
    done = kg("remove", "--all")
    assert done.returncode == 0
    assert done.stderr.endswith("1 removed\n")
    assert "/graph/knowledge>" not in kg("export").stdout


@pytest.mark.usefixtures("data")
def test_publish_makes_a_new_snapshot(kg: Kg):
    first = json.loads(kg("stats", "--format", "json").stdout)["snapshot"]
    assert kg("publish").stderr == f"snapshot {first + 1} published\n"


def test_tokens_are_made_listed_and_revoked(kg: Kg):
    assert kg("token", "list").returncode == 2
    made = kg("token", "create", "newsroom", "--scope", "ingest", "--scope", "update")
    assert made.returncode == 0
    assert made.stdout.startswith("aikg_")
    name, scopes, _ = kg("token", "list").stdout.split("\t")
    assert (name, scopes) == ("newsroom", "ingest,update")
    assert kg("token", "create", "newsroom", "--scope", "ingest").returncode == 2
    assert kg("token", "revoke", "newsroom").stderr == "revoked: newsroom\n"
    assert kg("token", "revoke", "newsroom").returncode == 2


def test_config_says_where_each_setting_comes_from(kg: Kg):
    shown = json.loads(kg("config", "--data", "here", "--format", "json", KG_PORT="9000").stdout)
    assert shown.keys() == Settings.model_fields.keys()
    assert shown["data"] == {"value": "here", "from": "flag"}
    assert shown["port"] == {"value": 9000, "from": "KG_PORT"}
    assert shown["host"]["from"] == "default"
    assert "KG_PORT" in kg("config", KG_PORT="9000").stdout
    assert shown["base_iri"] == {"value": None, "from": "default"}


@pytest.mark.usefixtures("data")
def test_config_shows_the_base_iri_of_the_data(kg: Kg):
    shown = json.loads(kg("config", "--format", "json").stdout)
    assert shown["base_iri"] == {"value": "http://localhost:8000/", "from": "data directory"}


def test_a_flag_comes_before_its_variable(kg: Kg, data: Path):
    assert kg("stats", KG_DATA="missing").returncode == 2
    assert kg("stats", "--data", data, KG_DATA="missing").returncode == 0


def test_extract_shows_an_article_and_stores_nothing(kg: Kg, tmp_path: Path):
    shown = kg("extract", STAKE)
    assert shown.returncode == 0, shown.stderr
    assert "Company: " in shown.stdout
    assert "Microsoft invests in Mistral AI" in shown.stdout
    assert list(tmp_path.iterdir()) == []


def test_extract_gives_json_with_offsets_into_the_text(kg: Kg, tmp_path: Path):
    text = "Ünder fire 🇫🇷, Microsoft acquired Mistral AI. Nvidia did not acquire OpenAI."
    lines = [{"id": "one", "text": text}, {"id": "two", "text": ""}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = kg("extract", "--format", "JSONL", "in.jsonl")
    assert done.returncode == 3
    assert "failed: in.jsonl, line 2" in done.stderr
    (found,) = map(json.loads, done.stdout.splitlines())
    assert found["id"] == found["article"]["id"] == "one"
    spans = [mention for one in found["entities"] for mention in one["mentions"]]
    spans += [claim[side] for claim in found["claims"] for side in ("evidence", "subject_mention", "object_mention")]
    assert len(spans) > 6
    assert [span for span in spans if text[span["start"] : span["end"]] != span["text"]] == []
    assert {claim["polarity"] for claim in found["claims"]} == {"affirmed", "negated"}


@pytest.mark.parametrize("name", ["turtle", "JSONLD", "yaml"])
def test_extract_gives_rdf(kg: Kg, name: str):
    done = kg("extract", STAKE, "--format", name)
    if name == "yaml":
        assert done.returncode == 2
        assert "--format 'yaml' is no format for graphs; choose one of text, json, jsonl, turtle, jsonld" in done.stderr
    else:
        assert "aikg:investsIn" in done.stdout


@pytest.mark.parametrize("content", [None, ""])
def test_evaluate_says_what_it_needs(kg: Kg, tmp_path: Path, content: str | None):
    (tmp_path / "annotated" / "gold").mkdir(parents=True)
    if content is not None:
        (tmp_path / "annotated" / "gold" / "a.jsonl").write_text(content)
    done = kg("evaluate", "annotated")
    assert done.returncode == 2
    assert ("no annotated articles in annotated" if content is None else "has no article annotated/articles/a.txt") in done.stderr


def test_evaluate_scores_annotated_articles(kg: Kg, tmp_path: Path):
    for folder in ("articles", "gold"):
        (tmp_path / folder).mkdir()
    sentence = "Microsoft acquired Mistral AI."
    (tmp_path / "articles" / "a.txt").write_text(sentence)
    row = {
        "article": "a", "evidence": sentence, "subject": "Microsoft", "subject_type": "Company", "relation": "acquires",
        "object": "Mistral AI", "object_type": "Company", "polarity": "affirmed", "modality": "actual", "attribution": "",
    }  # fmt: skip
    (tmp_path / "gold" / "a.jsonl").write_text(json.dumps(row) + "\n")
    done = kg("evaluate", ".", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["f1"] == 1.0
    assert json.loads(done.stdout)["by_article"]["a"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "right": 1, "wrong": 0, "missed": 0}
    assert "acquires" in kg("evaluate", ".").stdout
