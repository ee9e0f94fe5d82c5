"""Files into articles: formats, metadata, and one clear error for each kind of bad input."""

import datetime
import hashlib
import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from ingest.errors import ArticleError
from ingest.model import Article, BlockKind
from ingest.readers import MAX_CHARS, READERS, find, find_all, read, read_all, read_lines, read_stream
from ingest.readers.metadata import _LANGUAGE

FRONT = """---
title: Mistral AI raises money
date: 2023-12-11
author: [Jane Doe, John Roe]
publisher: The Daily
url: https://example.org/2023/12/mistral-raises/
language: en
---

Mistral AI raised 385 million euros. Andreessen Horowitz led the round.
"""


@pytest.fixture
def write(tmp_path: Path):
    def writer(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return writer


@pytest.mark.parametrize("suffix", sorted(READERS))
def test_every_reader_takes_metadata_from_front_matter(write, suffix: str) -> None:
    article = read(write(f"a{suffix}", FRONT))
    assert article.title == "Mistral AI raises money"
    assert article.date == "2023-12-11"
    assert article.author == "Jane Doe, John Roe"
    assert (article.publisher, article.language) == ("The Daily", "en")
    assert article.text.startswith("Mistral AI raised")


def test_text_without_front_matter_is_kept_verbatim(write) -> None:
    text = "\n  Apple sues.  \r\n\r\nThe case goes on.\n"
    assert read(write("a.txt", text)).text == text


def test_every_language_that_is_read_is_one_that_the_shapes_allow(write) -> None:
    shapes = (Path(__file__).resolve().parents[2] / "ontology" / "shapes.ttl").read_text()
    assert f'"^{_LANGUAGE.pattern}$"' in shapes
    assert read(write("a.md", "---\nlang: de-AT-1996\n---\nText.")).language == "de-AT-1996"


def test_white_space_in_a_field_is_one_space(write) -> None:
    assert read(write("a.md", '---\ntitle: "A\\x0b\\N\\tB"\n---\nText.')).title == "A B"


def test_a_text_that_begins_with_a_rule_is_kept_verbatim(write) -> None:
    text = "---\ndate: 2024-02-30\n\nApple sues.\n"
    assert read(write("a.txt", text)).text == text


@pytest.mark.parametrize("head", ["", "# title: none yet\n"])
def test_front_matter_may_be_empty(write, head: str) -> None:
    assert read(write("a.txt", f"---\n{head}---\nApple sues.\n")).text == "Apple sues."


def test_byte_order_mark_is_no_part_of_the_text(write) -> None:
    assert read(write("a.txt", b"\xef\xbb\xbfApple sues Epic.")).text == "Apple sues Epic."


def test_id_comes_from_the_front_matter_then_the_address_then_the_file(write) -> None:
    assert read(write("a.md", "---\nid: my-article\n---\nText.")).id == "my-article"
    assert read(write("b.md", FRONT)).id == "mistral-raises-" + read(write("c.md", FRONT)).id.rsplit("-", 1)[1]
    assert read(write("Über den AI Act.txt", "Text.")).id == "uber-den-ai-act"


def test_two_addresses_with_the_same_last_segment_have_two_ids(write) -> None:
    ids = {read(write(f"{host}.md", f"---\nurl: https://{host}/news\n---\nText.")).id for host in ("a.org", "b.org")}
    assert len(ids) == 2


def test_names_of_files_that_ascii_cannot_tell_apart_have_ids_of_their_own(write) -> None:
    names = ("новости 2", "статья 2", "ニュース2", "🚀 2", "2", "новости", "статья")
    ids = [read(write(f"{name}.txt", "Text.")).id for name in names]
    assert len({*ids}) == len(names)
    assert ids[0] == f"2-{hashlib.sha256(names[0].encode()).hexdigest()[:8]}"


def test_long_names_of_files_that_differ_at_their_end_have_two_ids(write) -> None:
    headline = "minister says that the bill on artificial intelligence will be read again before the summer recess, part "
    assert len({read(write(f"{headline}{number}.txt", "Text.")).id for number in (1, 2)}) == 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("News 2", "news-2"),
        ("$5 “deal” – really", "5-deal-really"),
        ("Größe", "groe-aedc3f80"),
        ("x" * 80, "x" * 80),
        ("x" * 90, f"{'x' * 80}-efdfd9ee"),
        ("--", "d8156bae0c42"),
    ],
)
def test_a_name_of_a_file_gives_one_id_however_its_accents_are_written(write, name: str, expected: str) -> None:
    for form in ("NFC", "NFD"):
        assert read(write(f"{unicodedata.normalize(form, name)}.txt", "Text.")).id == expected


def test_markdown_text_is_what_a_reader_sees(write) -> None:
    article = read(write("a.md", "# The *AI Act*\n\nThe [Parliament](https://x.eu) **adopted**\nit.\n\n- One `code`\n\n```\nskip()\n```\n"))
    assert article.text == "The AI Act\n\nThe Parliament adopted it.\n\nOne code"
    assert article.title == "The AI Act"
    kinds = [(article.text[b.start_char : b.end_char], b.kind) for b in article.blocks]
    assert kinds[0] == ("The AI Act", BlockKind.HEADING)
    assert kinds[2] == ("One code", BlockKind.PARAGRAPH)


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("<p>Apple <b>sued</b>\nEpic.</p>\n<p>Then &amp; there.</p>", ["Apple sued Epic.", "Then & there."]),
        ("<div>\n\nIn *Markdown*.\n\n</div>", ["In Markdown."]),
        ("<table><tr><td>One<td>Two</table>", ["One", "Two"]),
        ("<ul><li>One</li><li>Two<br>lines</li></ul>", ["One", "Two\nlines"]),
        ("<script>\nhide()\n\nhide()\n</script>\n\n<style>p { }</style>\n\n<!-- not\n\nthis -->\n\nSeen.", ["Seen."]),
        ("<details><summary>More</summary>Text.\n</details>", ["More", "Text."]),
        ("Apple <em>sued</em><br>Epic<!-- there -->.", ["Apple sued\nEpic."]),
        ("<p>a < b and <unknown>c</unknown>", ["a < b and", "c"]),
        ("- <div>One</div>\n- > <p>Two</p>", ["One", "Two"]),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else "",
)
def test_text_in_html_is_seen(write, source: str, seen: list[str]) -> None:
    article = read(write("a.md", source))
    assert [article.text[b.start_char : b.end_char] for b in article.blocks] == seen


def test_a_heading_in_html_is_a_heading(write) -> None:
    article = read(write("a.md", "<h1 align=center>The <i>AI Act</i></h1>\n<p>Adopted.</p>"))
    assert (article.title, [block.kind for block in article.blocks]) == ("The AI Act", [BlockKind.HEADING, BlockKind.PARAGRAPH])


def test_first_heading_is_the_title_of_a_plain_text(write) -> None:
    assert read(write("a.txt", "Apple sues Epic\n\nApple sued Epic on Monday.")).title == "Apple sues Epic"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.txt", b"", "is empty"),
        ("blank.txt", b" \n\t\n", "is empty"),
        ("picture.txt", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is not a text file: NUL at byte 8"),
        ("latin.txt", "Ein Gespräch über KI".encode("latin-1"), "is not UTF-8: byte 0xe4 at offset 9"),
        ("utf16.txt", "Text".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        ("long.txt", b"a" * 3_000_000, "bytes are too many for one article; split it"),
        ("line.txt", b"word " * (MAX_CHARS // 4), f"and the limit is {MAX_CHARS:,}; split it"),
        ("front.md", b"---\ntitle: 'open\ndate: 2024\n---\nText.", "front matter, line 4"),
        ("list.md", b"---\n- a\n---\nText.", "not `key: value` lines"),
        ("date.md", b"---\ndate: last week\n---\nText.", "'last week' is no ISO 8601 date"),
        (
            "day.md",
            b"---\ntitle: T\ndate: 2024-02-30\n---\nText.",
            "front matter, line 3: '2024-02-30' cannot be read as timestamp; correct it",
        ),
        ("day.txt", b"---\ndate: 2024-02-30\n---\nText.", "front matter, line 2: '2024-02-30' cannot be read as timestamp; correct it"),
        (
            "number.md",
            b"---\nid: " + b"1" * 5000 + b"\n---\nText.",
            f"front matter, line 2: '{'1' * 40}' cannot be read as int; correct it",
        ),
        ("time.md", b"---\ndate: !!timestamp soon\n---\nText.", "front matter, line 2: 'soon' cannot be read as timestamp"),
        ("deep.md", b"---\nid: " + b"[" * 200_000 + b"]" * 200_000 + b"\n---\nText.", "front matter: nested too deeply"),
        ("bare.md", b"---\ntitle: T\n---\n", "has no text below its front matter"),
        ("address.md", b"---\nurl: http://[bad\n---\nText.", "url: 'http://[bad' is no address (Invalid IPv6 URL); correct it"),
        (
            "space.md",
            b"---\nid: a\nurl: https://x.org/a b\n---\nText.",
            "url: 'https://x.org/a b' is no address: write ' ' as %20, correct it",
        ),
        ("angle.md", b"---\nurl: <https://x.org/>\n---\nText.", "url: '<https://x.org/>' is no address: write '<' as %3C, correct it"),
        ("lang.md", b"---\nlang: en_US\n---\nText.", "language: 'en_US' is no BCP 47 tag; write it as en or de-AT, or leave it out"),
        ("norway.md", b"---\nlanguage: no\n---\nText.", "language: expected text, got false; write it in quotes"),
        ("half.md", b'---\ntitle: "\\ud800"\n---\nText.', "title: half a surrogate pair at character 0; write whole characters"),
        ("digits.md", b"---\nid: 0x" + b"f" * 5000 + b"\n---\nText.", "id: a number of too many digits; write it in quotes"),
        ("bell.txt", b"Apple\x07 sues.", "text: control character U+0007 at character 5; remove it"),
        ("page.txt", b"Apple sues.\x0cEpic too.", "text: control character U+000C at character 11; remove it"),
        ("mark.txt", "Apple sues\ufffe".encode(), "text: control character U+FFFE at character 10; remove it"),
        (
            "quotes.txt",
            "“Apple”".encode("cp1252").decode("latin-1").encode(),
            "text: control character U+0093 at character 0; read the original as Windows-1252, and save it as UTF-8",
        ),
        ("escape.md", b'---\ntitle: "a\\x1bb"\n---\nText.', "title: control character U+001B at character 1; remove it"),
        ("a\udcff.txt", b"Text.", "has a name that is not UTF-8; rename the file"),
        ("a.docx", b"PK", "unknown format .docx; known are .md, .txt, .jsonl"),
    ],
)
def test_bad_input_is_named_with_what_to_do(write, name: str, content: bytes, reason: str) -> None:
    path = write(name, content)
    with pytest.raises(ArticleError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert reason in caught.value.reason


def test_missing_paths_and_empty_directories_are_named(tmp_path: Path) -> None:
    with pytest.raises(ArticleError, match="no such file"):
        find([tmp_path / "gone.txt"])
    with pytest.raises(ArticleError, match=r"holds no file ending in \.md, \.txt"):
        find([tmp_path])
    (tmp_path / "a.txt").write_text("Text.")
    missing, file = find_all([tmp_path / "gone.txt", tmp_path])[::-1]
    assert (str(missing), file) == (f"{tmp_path / 'gone.txt'}: no such file or directory; check the path", tmp_path / "a.txt")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_directory_that_may_not_be_read_is_not_taken_for_empty(open_path: Path) -> None:
    (open_path / "locked").mkdir(mode=0o700)
    (open_path / "locked" / "a.txt").write_text("Text.")
    (open_path / "b.txt").write_text("Text.")
    code = f"""
import os
from pathlib import Path
from ingest.readers import find_all
os.chdir({str(open_path)!r}); os.setgid(65534); os.setuid(65534)
for path in ("locked", "."):
    print(*find_all([Path(path)]), sep="\\n")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    locked = "locked: cannot be read: Permission denied; make the directory readable, or leave it out"
    assert done.stdout.splitlines() == [locked, "b.txt", locked], done.stderr


def test_directories_are_searched_at_any_depth_and_each_file_found_once(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("b.txt", "deep/er/a.md", "deep/notes.csv", "gold.jsonl"):
        (tmp_path / name).write_text("Text.")
    assert find([tmp_path, tmp_path / "b.txt"]) == [tmp_path / "b.txt", tmp_path / "deep/er/a.md"]


def test_json_lines_keep_ids_and_report_bad_lines_in_place() -> None:
    lines = [
        json.dumps({"id": "x/1", "text": "Apple sued.", "date": "2024-03-01"}),
        "",
        "{",
        '{"id": 3}',
        '{"text": "a\\u0000b"}',
        '{"text": "Ok."}',
    ]
    found = list(read_lines(lines))
    assert [type(item) for item in found] == [Article, ArticleError, ArticleError, ArticleError, Article]
    assert (found[0].id, found[0].date) == ("x/1", "2024-03-01")
    assert str(found[1]).startswith("standard input, line 3: is not JSON")
    assert 'has no "text"' in str(found[2])
    assert "text: control character U+0000 at character 1" in str(found[3])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ('"url": "http://[bad"', "url: 'http://[bad' is no address"),
        ('"score": ' + "9" * 5000, "has a number of too many digits; write it in quotes"),
        ('"score": ' + "[" * 100_000, "is nested too deeply"),
        *[(f'"{name}": "a\\ud800"', f"{name}: half a surrogate pair at character 1") for name in ("id", "title", "url", "date", "lang")],
        *[(f'"{name}": "a\\u007f"', f"{name}: control character U+007F at character 1") for name in ("id", "title", "url", "date", "lang")],
        ('"author": ["a", "\\udc00"]', "author: half a surrogate pair at character 3"),
    ],
    ids=lambda text: text[:24],
)
def test_a_line_with_a_field_that_cannot_be_used_costs_itself_alone(fields: str, reason: str) -> None:
    bad, good = read_lines([f'{{"text": "One.", {fields}}}', '{"text": "Two."}'])
    assert isinstance(bad, ArticleError)
    assert bad.source == "standard input, line 1"
    assert reason in bad.reason
    assert isinstance(good, Article)


def test_a_source_without_a_line_is_an_error() -> None:
    (error,) = read_lines(["", " \n"], source="feed.jsonl")
    assert str(error).startswith("feed.jsonl: is empty; write one article a line")


def test_a_stream_says_where_it_pauses_and_keeps_its_lines_whole() -> None:
    theirs, ours = os.pipe()
    with os.fdopen(theirs, "rb") as stream:
        os.write(ours, b'{"text": "One."}\n\n{"text": ')
        found = read_stream(stream)
        assert next(found).text == "One."
        assert next(found) is None
        os.write(ours, b'"Two."}\n{')
        assert next(found).text == "Two."
        os.close(ours)
        assert str(next(found)).startswith("standard input, line 4: is not JSON")
        assert list(found) == []


def test_an_article_without_a_name_gets_its_id_from_its_text() -> None:
    first, second = read_lines(['{"text": "One."}', '{"text": "One."}'])
    assert first.id == second.id != ""


def test_a_file_of_json_lines_is_read_with_its_errors(write) -> None:
    path = write("many.jsonl", b'{"text": "One."}\n\xff\n')
    good, bad = read_all(path)
    assert good.text == "One."
    assert str(bad).startswith(f"{path}, line 2: is not UTF-8")


def test_read_all_yields_what_it_cannot_read(write) -> None:
    (error,) = read_all(write("empty.txt", b""))
    assert isinstance(error, ArticleError)


def test_dates_may_carry_a_time(write) -> None:
    assert read(write("a.md", "---\ndate: 2024-02-28T10:00:00Z\n---\nText.")).date == datetime.date(2024, 2, 28).isoformat()
