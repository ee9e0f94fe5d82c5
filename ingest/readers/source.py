"""What all readers share: bytes to text with clear errors, article ids, the length limit."""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ingest.errors import ArticleError
from ingest.model import Article

MAX_CHARS = 500_000  # of an article's text: about 80,000 words; the parser's memory grows with the length
LONGEST_SLUG = 80  # characters
_MAX_BYTES = 4 * MAX_CHARS + 65_536
_TELLING = frozenset("LNS")  # categories of what tells one name from another: letters, numbers, symbols; not accents and punctuation
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")

Reader = Callable[[Path, str], Article]


def load_bytes(path: Path) -> bytes:
    """The file's bytes. Raises ArticleError when it cannot be opened or is too large to be one article."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ArticleError(str(path), f"{path.stat().st_size:,} bytes are too many for one article; split it into articles")
        return path.read_bytes()
    except OSError as error:
        raise ArticleError(str(path), f"cannot be read: {error.strerror}") from error


def decode(source: str, raw: bytes) -> str:
    """The bytes as UTF-8 text without a byte order mark. Raises ArticleError for empty, binary and otherwise encoded input."""
    if not raw.strip():
        raise ArticleError(source, "is empty; put the article's text in it")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ArticleError(source, "is UTF-16; save it as UTF-8")
    if (nul := raw.find(b"\0")) >= 0:
        raise ArticleError(source, f"is not a text file: NUL at byte {nul}")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        offset = error.start + (3 if raw.startswith(b"\xef\xbb\xbf") else 0)
        raise ArticleError(source, f"is not UTF-8: byte 0x{raw[offset]:02x} at offset {offset:,}; save it as UTF-8") from error


def encodable(source: str, name: str, text: str) -> str:
    """The text of a field, if it can be written as UTF-8. Raises ArticleError for half a surrogate pair, which JSON and YAML can hold."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ArticleError(source, f"{name}: half a surrogate pair at character {error.start}; write whole characters") from error
    return text


def without_controls(source: str, name: str, text: str) -> str:
    """The text of a field, if it holds no control characters but TAB, LF and CR, and none that XML cannot carry. Raises ArticleError.

    They are no part of a text, and would get into the names that all articles share. Those from U+0080 to U+009F are what quotation marks
    and dashes of Windows-1252 become when they are read as Latin-1: they stand for something, and so are not left out either.
    """
    if found := _CONTROL.search(text):
        code = ord(found.group())
        remedy = "read the original as Windows-1252, and save it as UTF-8" if 0x80 <= code <= 0x9F else "remove it"
        raise ArticleError(source, f"{name}: control character U+{code:04X} at character {found.start():,}; {remedy}")
    return text


def checked(source: str, article: Article) -> Article:
    """The article with its source, if it has text of an acceptable length. Raises ArticleError otherwise."""
    if not article.text.strip():
        raise ArticleError(source, "has no text below its front matter")
    without_controls(source, "text", article.text)
    if len(article.text) > MAX_CHARS:
        raise ArticleError(source, f"{len(article.text):,} characters, and the limit is {MAX_CHARS:,}; split it into articles")
    return replace(article, source=source)


def slug(name: str) -> str:
    """Lower-case ASCII letters and digits joined by hyphens, at most LONGEST_SLUG; a hash where nothing remains (`slug("ニュース")`)."""
    return _in_ascii(name)[:LONGEST_SLUG].strip("-") or sha256(name)[:12]


def _in_ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def file_id(path: Path) -> str:
    """An article's id from its file's name, composed (NFC), with a hash of the whole name where ASCII loses more than accents or it is cut.

    Raises ArticleError for a name that is not UTF-8.
    """
    name = unicodedata.normalize("NFC", path.stem)
    try:
        digest = sha256(name)
    except UnicodeEncodeError as error:
        raise ArticleError(str(path), "has a name that is not UTF-8; rename the file") from error
    whole, plain = _in_ascii(name), slug(name)
    beyond_ascii = (sign for sign in unicodedata.normalize("NFKD", name) if not sign.isascii())
    lost = len(whole) > len(plain) or any(unicodedata.category(sign)[0] in _TELLING for sign in beyond_ascii)
    return f"{plain}-{digest[:8]}" if whole and lost else plain


def url_id(url: str) -> str:
    """An article's id from its address: readable, and distinct for two addresses with the same last path segment.

    Raises ValueError when it is no address.
    """
    segments = [part for part in urlsplit(url).path.split("/") if part]
    return f"{slug(unquote(segments[-1]) if segments else urlsplit(url).netloc)}-{sha256(url)[:8]}"


def sha256(text: str) -> str:
    """Hexadecimal SHA-256 of the text's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()
