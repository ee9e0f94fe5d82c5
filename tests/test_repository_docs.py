"""The reference tables in docs/ say what the code says; `make golden` (AIKG_WRITE_GOLDEN=1) writes them anew."""

import os
import re
from pathlib import Path

from kg.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
WRITE = bool(os.environ.get("AIKG_WRITE_GOLDEN"))


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


def settings_table() -> str:
    rows = ["| variable | flag | default | what it sets |", "| --- | --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        rows.append(f"| `KG_{name.upper()}` | `--{name.replace('_', '-')}` | {default} | {field.description} |")
    return "\n".join(rows) + "\n"


def test_every_setting_is_documented():
    assert_generated(ROOT / "docs" / "settings.md", "settings", settings_table())


def test_every_setting_says_what_it_sets():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
