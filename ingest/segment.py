"""Plain text into blocks: headings and paragraphs, so that a heading never runs into the sentence after it."""

import re

from ingest.model import Block, BlockKind

_HEADING_MAX_CHARS = 120
_TITLE_MAX_CHARS = 200
_WRAP_MIN_CHARS, _WRAP_MAX_CHARS = 45, 110
_FINAL = re.compile(r"[.!?:;,…][\"'”’»)\]*]*$")
_FULL_STOP = re.compile(r"(?<!\b[A-Z])[.;,…][\"'”’»)\]*]*$")
_LINE = re.compile(r"[^\r\n]+")
_PARAGRAPH = re.compile(r"[^\r\n]+(?:\r?\n(?![^\S\r\n]*(?:\r?\n|$))[^\r\n]*)*")


def blocks(text: str) -> tuple[Block, ...]:
    """Blocks of a plain text in text order; offsets leave out the blank space around each block.

    Each line is a block, unless the lines are hard-wrapped: then each run of lines between blank lines is one. A short block without final
    punctuation is a heading; so is a first line that does not end like a sentence of running text.
    """
    pattern = _PARAGRAPH if _hard_wrapped(text) else _LINE
    spans = [_trimmed(text, match.start(), match.end()) for match in pattern.finditer(text)]
    kept = [(start, end) for start, end in spans if start < end]
    return tuple(Block(start, end, _kind(text[start:end], first=i == 0, alone=len(kept) == 1)) for i, (start, end) in enumerate(kept))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    body = text[start:end]
    return start + len(body) - len(body.lstrip()), end - (len(body) - len(body.rstrip()))


def _kind(block: str, *, first: bool, alone: bool) -> BlockKind:
    if alone or "\n" in block:
        return BlockKind.PARAGRAPH
    if first and len(block) <= _TITLE_MAX_CHARS and not _FULL_STOP.search(block):
        return BlockKind.HEADING
    return BlockKind.HEADING if len(block) <= _HEADING_MAX_CHARS and not _FINAL.search(block) else BlockKind.PARAGRAPH


def _hard_wrapped(text: str) -> bool:
    """Whether most line breaks inside paragraphs come after a line of typewriter width that does not end a sentence."""
    inner = wrapped = 0
    for paragraph in _PARAGRAPH.findall(text):
        lines = [line.strip() for line in paragraph.splitlines()]
        for line in lines[:-1]:
            inner += 1
            wrapped += _WRAP_MIN_CHARS <= len(line) <= _WRAP_MAX_CHARS and not _FULL_STOP.search(line)
    return inner >= 2 and wrapped / inner > 0.6
