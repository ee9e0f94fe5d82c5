"""Plain text into headings and paragraphs."""

from itertools import pairwise

from ingest.model import BlockKind
from ingest.segment import blocks


def cut(text: str) -> list[tuple[str, str]]:
    return [(block.kind.value, text[block.start_char : block.end_char]) for block in blocks(text)]


def test_short_line_without_final_punctuation_is_a_heading() -> None:
    text = "Europe’s AI race\nMistral AI raised money. It is French.\nA second front\nMicrosoft invested."
    assert [kind for kind, _ in cut(text)] == ["heading", "paragraph", "heading", "paragraph"]


def test_a_question_opens_an_article_as_its_title() -> None:
    assert cut("Did Apple break web apps?\nYes, it did.")[0] == ("heading", "Did Apple break web apps?")


def test_hard_wrapped_lines_are_one_paragraph() -> None:
    text = (
        "The European Commission said on Monday that it had opened an\n"
        "investigation into the contract between the two companies, which\n"
        "had been announced in February.\n\n"
        "A spokesperson for the firm declined to comment on the matter and\n"
        "pointed to an earlier statement.\n"
    )
    assert [kind for kind, _ in cut(text)] == ["paragraph", "paragraph"]
    assert cut(text)[0][1].endswith("in February.")


def test_offsets_leave_out_the_space_around_a_block() -> None:
    text = "\r\n  One sentence here.  \r\n\r\n\tAnother one follows.\r\n"
    assert [block for _, block in cut(text)] == ["One sentence here.", "Another one follows."]


def test_a_text_of_one_line_is_a_paragraph() -> None:
    assert blocks("Microsoft invested in Mistral AI")[0].kind is BlockKind.PARAGRAPH


def test_blocks_are_in_order_and_disjoint() -> None:
    found = blocks("A b c.\n\n\nD e f.\nG h i.")
    assert all(left.end_char <= right.start_char for left, right in pairwise(found))
    assert blocks("") == ()
