"""What a reader sees of a piece of HTML: its text without the markup."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from ingest.model import BlockKind

# https://html.spec.whatwg.org/multipage/text-level-semantics.html, and what it has made obsolete: other elements begin a line of their own.
_INLINE = frozenset({
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img", "ins", "kbd", "label",
    "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
})  # fmt: skip
_UNSEEN = frozenset(("head", "noscript", "script", "style", "template", "title"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_BREAK = re.compile(r"<br\b[^>]*>", re.IGNORECASE)


def pieces(source: str) -> Iterator[tuple[str, BlockKind]]:
    """The headings and paragraphs of a piece of HTML, in order; scripts, styles and comments are none."""
    reader = _Reader()
    reader.feed(source)
    reader.close()
    reader.end_piece()
    yield from reader.found


def is_break(tag: str) -> bool:
    """Whether the tag breaks a line."""
    return _BREAK.fullmatch(tag) is not None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, BlockKind]] = []
        self._lines = [""]
        self._kind = BlockKind.PARAGRAPH
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "br":
            self._lines.append("")
        elif tag not in _INLINE:
            self.end_piece()
            self._kind = BlockKind.HEADING if tag in _HEADINGS else BlockKind.PARAGRAPH

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif tag not in _INLINE and tag != "br":
            self.end_piece()

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._lines[-1] += data

    def end_piece(self) -> None:
        """What follows is another piece."""
        lines = [" ".join(line.split()) for line in self._lines]
        if text := "\n".join(lines).strip():
            self.found.append((text, self._kind))
        self._lines, self._kind = [""], BlockKind.PARAGRAPH
