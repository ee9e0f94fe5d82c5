"""Plain text, with or without YAML front matter."""

from pathlib import Path

from ingest.model import Article, BlockKind
from ingest.readers.metadata import metadata, split
from ingest.readers.source import file_id
from ingest.segment import blocks


def article(path: Path, text: str) -> Article:
    """An article from a text file. Without front matter its text is the file's, verbatim; a first heading is the title if none is given."""
    page = split(str(path), text)
    fields = metadata(str(path), page.fields, fallback=file_id(path))
    found = blocks(page.body)
    if not fields["title"] and found and found[0].kind is BlockKind.HEADING:
        fields["title"] = " ".join(page.body[found[0].start_char : found[0].end_char].split())
    return Article(text=page.body, blocks=found, **fields)
