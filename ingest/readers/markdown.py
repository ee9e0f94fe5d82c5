"""Markdown (CommonMark and tables) with YAML front matter: the text is what a reader sees, without the markup."""

from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ingest.model import Article, Block, BlockKind
from ingest.readers import html
from ingest.readers.metadata import metadata, split
from ingest.readers.source import file_id

_PARSER = MarkdownIt("commonmark").enable("table")
_GAP = "\n\n"


def article(path: Path, text: str) -> Article:
    """An article from a Markdown file: one block a heading, paragraph, list item or table cell, also where those are HTML; code blocks and
    images are left out.
    """
    page = split(str(path), text)
    fields = metadata(str(path), page.fields, fallback=file_id(path))
    pieces = list(_pieces(page.body))
    body, blocks = _joined(pieces)
    if not fields["title"] and pieces and pieces[0][1] is BlockKind.HEADING:
        fields["title"] = pieces[0][0]
    return Article(text=body, blocks=blocks, **fields)


def _pieces(source: str) -> Iterator[tuple[str, BlockKind]]:
    previous = ""
    for token in _PARSER.parse(source):
        if token.type == "inline" and (text := _plain(token.children or []).strip()):
            yield text, BlockKind.HEADING if previous == "heading_open" else BlockKind.PARAGRAPH
        elif token.type == "html_block":
            yield from html.pieces(token.content)
        previous = token.type


def _plain(tokens: list[Token]) -> str:
    return "".join(map(_seen, tokens))


def _seen(token: Token) -> str:
    if token.type == "softbreak":
        return " "
    if token.type == "hardbreak" or (token.type == "html_inline" and html.is_break(token.content)):
        return "\n"
    return token.content if token.type in ("text", "code_inline") else ""


def _joined(pieces: list[tuple[str, BlockKind]]) -> tuple[str, tuple[Block, ...]]:
    blocks, start = [], 0
    for text, kind in pieces:
        blocks.append(Block(start, start + len(text), kind))
        start += len(text) + len(_GAP)
    return _GAP.join(text for text, _ in pieces), tuple(blocks)
