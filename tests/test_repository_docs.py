"""The generated blocks of the documents say what the code does; `make golden` (AIKG_WRITE_GOLDEN=1) writes them anew."""

import inspect
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from pyoxigraph import Quad, RdfFormat, Store, serialize
from typer import Context
from typer.core import TyperCommand, TyperGroup, TyperOption

from ingest.model import Article, Claim, Entity, EntityType, Extraction, Mention, MentionKind, Modality, Polarity, Span
from kg.cli.commands import COMMANDS, load
from kg.iris import NAMESPACES, PREFIXES, Iris
from kg.knowledge import KnowledgeGraph, KnownEntities
from kg.quads import Run, article_graph
from kg.settings import DEFAULT_BASE_IRI, Settings, has_flag

ROOT = Path(__file__).resolve().parents[1]
WRITE = bool(os.environ.get("AIKG_WRITE_GOLDEN"))
IRIS = Iris(DEFAULT_BASE_IRI)
RDF = ROOT / "docs" / "rdf.md"
README = ROOT / "README.md"
CONSOLE = ("kg ingest --quiet examples", "kg query --name denied-or-hedged --format csv | cut -d, -f1-6 | head -8")
TEXT = "Microsoft holds a stake in Mistral AI. Google may acquire Mistral AI, the Financial Times reported."


def assert_generated(path: Path, name: str, expected: str) -> None:
    """The block `name` of a document is `expected`, between its two comment lines; in write mode it becomes so."""
    block = re.compile(rf"(<!-- generated: {re.escape(name)} -->\n)(.*?)(<!-- /generated -->)", re.DOTALL)
    text = path.read_text()
    found = block.search(text)
    assert found, f"{path.relative_to(ROOT)} has no block {name!r}; write its two comment lines, then run make golden"
    if WRITE:
        path.write_text(block.sub(lambda match: match.group(1) + expected + match.group(3), text))
        return
    assert found.group(2) == expected, f"{path.relative_to(ROOT)} is behind the code; run make golden"


def table(*rows: tuple[str, ...]) -> str:
    header, *body = rows
    return "".join(f"| {' | '.join(row)} |\n" for row in (header, ("---",) * len(header), *body))


def test_every_setting_is_documented():
    rows = [
        (
            f"`KG_{name.upper()}`",
            f"`--{name.replace('_', '-')}`" if has_flag(name) else "",
            "" if field.default is None else f"`{field.default}`",
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]
    assert_generated(ROOT / "docs" / "settings.md", "settings", table(("variable", "flag", "default", "what it sets"), *rows))


def test_every_setting_says_what_it_sets():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_every_setting_is_a_flag_of_a_command():
    flags = {flag for name in COMMANDS for option in load(name).params for flag in option.opts}
    assert [name for name in Settings.model_fields if (f"--{name.replace('_', '-')}" in flags) is not has_flag(name)] == []


def command_section(name: str, command: TyperCommand | TyperGroup, examples: tuple[tuple[str, str], ...] = ()) -> str:
    """One command, and its verbs where it has some: what it does, how it is called, its options, its examples."""
    context = Context(command, info_name=f"kg {name}")
    usage = re.sub(r"\{(.*?)…?\}\.\.\.", r"\1…", " ".join(command.collect_usage_pieces(context)))
    parts = [f"{'#' * (2 + name.count(' '))} kg {name}", f"`kg {name} {usage}`", inspect.cleandoc(command.help or "").replace("\f", "")]
    options = [(_spelled(option), _help(option)) for option in command.params if isinstance(option, TyperOption)]
    if options:
        parts.append(table(("option", "what it does"), *options).rstrip())
    if examples:
        width = max(len(call) for call, _ in examples)
        parts.append("```sh\n" + "".join(f"{call:{width}}  # {what}\n" for call, what in examples) + "```")
    verbs = command.commands if isinstance(command, TyperGroup) else {}
    return "\n\n".join([*parts, *[command_section(f"{name} {verb}", verbs[verb]).rstrip() for verb in verbs]]) + "\n"


def _spelled(option: TyperOption) -> str:
    value = "" if option.is_flag else f" {option.metavar or getattr(option.type_descriptor.annotation, '__name__', 'value').upper()}"
    return ", ".join(f"`{spelling}`" for spelling in [*option.opts[:-1], f"{option.opts[-1]}{value}"])


def _help(option: TyperOption) -> str:
    return " ".join((option.help or "").split()).replace("|", "\\|")


def test_every_command_is_documented():
    modules = {name: import_module(row.module) for name, row in COMMANDS.items()}
    sections = [command_section(name, load(name), module.EXAMPLES) for name, module in modules.items()]
    assert_generated(ROOT / "docs" / "cli.md", "commands", "\n".join(sections))


def test_every_option_says_what_it_does():
    commands = {name: load(name) for name in COMMANDS}
    options = [(name, option) for name, command in commands.items() for option in command.params if isinstance(option, TyperOption)]
    assert [f"kg {name} {option.opts[-1]}" for name, option in options if not option.help] == []


def span(text: str, start: int = 0) -> Span:
    begin = TEXT.index(text, start)
    return Span(text, begin, begin + len(text))


def example() -> Extraction:
    """What a reader finds in TEXT, written down by hand."""
    sentences = [span(TEXT.split(". ")[0] + "."), span(TEXT.split(". ")[1])]
    names = ["Microsoft", "Mistral AI", "Google", "Mistral AI", "Financial Times"]
    spans = [span("Microsoft"), span("Mistral AI"), span("Google"), span("Mistral AI", 40), span("Financial Times")]
    ids = [name.replace(" ", "_") for name in names]
    mentions = [Mention(found, entity, EntityType.COMPANY, MentionKind.NAME) for found, entity in zip(spans, ids, strict=True)]
    entities = [Entity(name.replace(" ", "_"), name, EntityType.COMPANY) for name in sorted(set(names))]
    stake = ("Microsoft", "investsIn", "Mistral_AI", Polarity.AFFIRMED, Modality.ACTUAL, "", 0.93)
    rumour = ("Google", "acquires", "Mistral_AI", Polarity.AFFIRMED, Modality.POSSIBLE, "Financial_Times", 0.81)
    claims = (Claim(*stake, sentences[0], spans[0], spans[1]), Claim(*rumour, sentences[1], spans[2], spans[3]))
    about = {"title": "Who owns Mistral AI", "date": "2024-02-27", "author": "AIKG contributors", "publisher": "AIKG Examples"}
    article = Article("stake", TEXT, **about, url="https://example.org/aikg/stake", language="en")
    return Extraction(article, tuple(entities), tuple(mentions), claims)


@pytest.fixture(scope="module")
def store() -> Store:
    """The worked example, stored: its article graph and what the knowledge graph gains by it."""
    store = Store()
    run = Run({"pipeline": "1"})
    graph = article_graph(example(), IRIS, run, symmetric=frozenset())
    store.extend(KnowledgeGraph(store.quads_for_pattern, IRIS, KnownEntities({})).replace([graph], run).added)
    return store


def trig(quads: list[Quad]) -> str:
    """Quads as a fenced block of TriG; the prefixes are in the document's own table."""
    kinds = {kind: f"{IRIS.base}{kind}/" for kind in ("entity", "article", "claim", "statement", "mention", "run", "graph")}
    written = serialize(sorted(quads, key=str), format=RdfFormat.TRIG, prefixes=PREFIXES | kinds).decode()
    body = "".join(line for line in written.splitlines(keepends=True) if not line.startswith("@prefix")).replace("\t", "  ")
    return f"```trig\n{body}```\n"


def test_prefixes_are_documented():
    assert_generated(RDF, "prefixes", table(("prefix", "namespace"), *[(f"`{n.prefix}:`", f"`{n.iri}`") for n in NAMESPACES]))


def test_documented_article_graph_is_what_is_written(store: Store):
    assert_generated(RDF, "article graph", trig(list(store.quads_for_pattern(None, None, None, IRIS.graph("stake")))))


def test_documented_knowledge_graph_is_what_is_derived(store: Store):
    assert_generated(RDF, "knowledge graph", trig(list(store.quads_for_pattern(None, None, None, IRIS.knowledge))))


@pytest.mark.parametrize("query", re.findall(r"```sparql\n(.*?)```", RDF.read_text(), re.DOTALL))
def test_documented_query_finds_something_in_the_worked_example(query: str, store: Store):
    assert list(store.query(query, prefixes=PREFIXES, use_default_graph_as_union=True))


def fenced(output: str) -> str:
    return f"```\n{output}```\n"


def test_six_lines_of_the_readme_print_what_it_says():
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL).group(1)
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert_generated(README, "python", fenced(printed))


def test_commands_of_the_readme_print_what_it_says(tmp_path: Path):
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(tmp_path), "KG_DATA": str(tmp_path / "data"), "LC_ALL": "C.UTF-8"}
    shown = ""
    for line in CONSOLE:
        done = subprocess.run(["bash", "-c", line], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        shown += f"$ {line}\n{done.stdout}"
    assert_generated(README, "console", fenced(shown))
