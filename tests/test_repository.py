"""What a stranger finds in the repository: its layout, its lock, its examples, its documents."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ingest.model import Article
from ingest.readers import find, read

ROOT = Path(__file__).resolve().parents[1]
TRACKED = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")[:-1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()
EXAMPLES = find([ROOT / "examples"])

DIRECTORIES = {".ci", "benchmarks", "docs", "examples", "ingest", "kg", "ontology", "queries", "tests", "web"}
FILES = {
    ".gitignore", ".python-version", "ARCHITECTURE.md", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "Makefile",
    "README.md", "pyproject.toml", "requirements.lock",
}  # fmt: skip


def locked() -> dict[str, str]:
    """Name to version of every locked requirement."""
    return {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK, re.MULTILINE)}


def test_top_level_holds_the_documented_rooms_and_nothing_else():
    top = {path.split("/")[0] for path in TRACKED}
    assert top >= FILES
    assert top <= FILES | DIRECTORIES
    architecture = (ROOT / "ARCHITECTURE.md").read_text()
    assert [name for name in sorted(top & DIRECTORIES) if f"{name}/" not in architecture] == []


def test_data_directories_hold_no_code():
    assert [path for path in TRACKED if path.startswith(("ontology/", "queries/")) and path.endswith(".py")] == []


def test_lock_pins_every_requirement_with_hashes():
    blocks = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n", "", LOCK, flags=re.MULTILINE).strip())
    assert len(blocks) > 50
    assert [block for block in blocks if not re.match(r"[\w.-]+==\S+.*\\\n(\s+--hash=sha256:[0-9a-f]{64}( \\)?\n?)+$", block)] == []


def test_lock_names_no_host_and_no_path():
    assert not re.search(r"://|--(extra-)?index|--find.links|^#.*/", LOCK, re.MULTILINE)


def test_lock_holds_every_declared_dependency_in_a_version_that_fits():
    project = PROJECT["project"]
    declared = [*project["dependencies"], *PROJECT["dependency-groups"]["dev"], *PROJECT["build-system"]["requires"]]
    declared += [entry for extra in project["optional-dependencies"].values() for entry in extra]
    pinned = locked()
    for requirement in map(Requirement, declared):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not in requirements.lock; run make lock"
        assert requirement.specifier.contains(version, prereleases=True), f"{requirement} is locked as {version}; run make lock"


def test_every_imported_package_is_a_declared_dependency():
    """Not only an indirect or a development one: else it is there in the checkout and missing where the wheel is installed."""
    project = PROJECT["project"]
    declared = [*project["dependencies"], *(entry for extra in project["optional-dependencies"].values() for entry in extra)]
    allowed = {canonicalize_name(Requirement(entry).name) for entry in declared}
    known = packages_distributions()
    missing = {
        (module, path)
        for path in TRACKED
        if path.startswith(("kg/", "ingest/")) and path.endswith(".py") and (ROOT / path).exists()
        for module in _imported(ROOT / path) - set(sys.stdlib_module_names) - {"kg", "ingest"}
        if not {canonicalize_name(name) for name in known.get(module, [module])} & allowed
    }
    assert sorted(missing) == []


def _imported(path: Path) -> set[str]:
    """The top-level packages that a file imports anywhere in it."""
    nodes = list(ast.walk(ast.parse(path.read_bytes())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.split(".")[0] for name in names}


def test_no_tracked_file_names_a_path_of_a_machine_or_a_package_index():
    homes = "|".join(("root", "home", "Users", "work", "opt/homebrew"))
    named = re.compile(rf"(?<![\w.~/-])/(?:{homes})/|{re.escape(str(ROOT))}/|index.url|\b/simple/")
    wrong = []
    for path in TRACKED:
        if path in {"tests/test_repository.py", "requirements.lock"} or not (ROOT / path).is_file():
            continue
        text = (ROOT / path).read_bytes().decode("utf-8", errors="ignore")
        wrong += [f"{path}: {match.group()}" for match in named.finditer(text)]
    assert wrong == []


def test_no_tracked_file_is_larger_than_five_megabytes():
    assert [path for path in TRACKED if (ROOT / path).is_file() and (ROOT / path).stat().st_size > 5_000_000] == []


def test_relative_links_of_documents_lead_somewhere():
    broken = []
    for path in (path for path in TRACKED if path.endswith(".md") and not path.startswith(("examples/", "tests/"))):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", (ROOT / path).read_text()):
            if "://" not in target and not ((ROOT / path).parent / target).exists():
                broken.append(f"{path}: {target}")
    assert broken == []


def test_documents_name_only_files_that_exist():
    named = {
        (document, path)
        for document in ("ARCHITECTURE.md", "CONTRIBUTING.md", "README.md")
        for path in re.findall(r"`((?:kg|ingest|tests|docs|ontology|queries|examples)/[\w./-]*)`", (ROOT / document).read_text())
    }
    assert sorted((document, path) for document, path in named if not (ROOT / path.replace("NAME", "who-invests-in-whom")).exists()) == []


def test_ci_runs_the_test_command_of_the_readme():
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("make test")
    assert "make test" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("verb", ["setup", "run", "test", "check", "format", "golden", "lock", "clean"])
def test_make_has_the_verb_and_help_explains_it(verb: str):
    shown = subprocess.run(["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.search(rf"^  make {verb} +\w", shown, re.MULTILINE)


def test_citation_is_complete_and_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    # Citation File Format 1.2.0: the required keys are cff-version, message, title and authors.
    assert citation["cff-version"] == "1.2.0"
    assert all(citation[key] for key in ("message", "title", "authors"))
    assert citation["version"] == PROJECT["project"]["version"]
    assert citation["license"] == PROJECT["project"]["license"]


def test_changelog_keeps_to_its_form():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## (.*)$", changelog, re.MULTILINE)
    assert versions[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", version) for version in versions[1:])
    assert set(re.findall(r"^### (.*)$", changelog, re.MULTILINE)) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_there_are_at_least_twelve_examples_in_markdown_and_plain_text():
    assert len(EXAMPLES) >= 12
    assert {path.suffix for path in EXAMPLES} == {".md", ".txt"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_has_complete_front_matter_and_is_short(path: Path):
    article = read(path)
    assert isinstance(article, Article)
    for field in ("title", "author", "publisher"):
        assert getattr(article, field), f"{path.name} has no {field}"
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", article.date)
    assert article.url == f"https://example.org/aikg/{path.stem}"
    assert article.language == "en"
    assert 150 <= len(article.text.split()) <= 350


def test_examples_are_distinct_articles():
    assert len({read(path).id for path in EXAMPLES}) == len(EXAMPLES)


def test_examples_state_every_relation_of_the_ontology():
    stated = [json.loads(line) for line in (ROOT / "tests" / "stated_in_examples.jsonl").read_text().splitlines()]
    texts = {path.stem: read(path).text for path in EXAMPLES}
    assert [row for row in stated if row["evidence"] not in texts[row["article"]]] == []
    relations = re.findall(r"^aikg:(\w+) a owl:ObjectProperty", (ROOT / "ontology" / "relations.ttl").read_text(), re.MULTILINE)
    assert {row["relation"] for row in stated} == set(relations)
