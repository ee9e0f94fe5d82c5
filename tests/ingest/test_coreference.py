"""Descriptions and pronouns: what they stand for, and when they are left alone."""

import pytest

from ingest.model import Article, Extraction, MentionKind
from ingest.pipeline import Extractor
from ingest.segment import blocks


@pytest.fixture(scope="session")
def refers(extractor: Extractor):
    """Entity ids of a text's descriptions and pronouns, by their lower-case text."""

    def run(text: str) -> dict[str, set[str]]:
        result = extractor(Article("a", text, blocks(text)))
        assert isinstance(result, Extraction), result
        found: dict[str, set[str]] = {}
        for m in result.mentions:
            if m.kind in (MentionKind.NOMINAL, MentionKind.PRONOUN):
                found.setdefault(m.span.text.lower(), set()).add(m.entity)
        return found

    return run


@pytest.mark.parametrize(
    ("text", "reference", "entity"),
    [
        ("Mistral AI released a model. The company raised money in December.", "the company", "Mistral_AI"),
        ("Microsoft invested in Mistral AI. The French company sells Le Chat.", "the french company", "Mistral_AI"),
        ("Apple missed the deadline. It will pay a fine.", "it", "Apple_Inc."),
        ("Elon Musk sued OpenAI. He says that promises were broken.", "he", "Elon_Musk"),
        ("Nvidia said that its chips are sold out.", "its", "Nvidia"),
        ("The Linux Foundation grew. Members pay the foundation a fee.", "the foundation", "Linux_Foundation"),
        ("The Digital Markets Act applies from March. The law covers Apple.", "the law", "Digital_Markets_Act"),
        ("The Digital Markets Act applies from March. Spotify supports it.", "it", "Digital_Markets_Act"),
        ("The Digital Markets Act applies from March. Spotify welcomed the measure.", "the measure", "Digital_Markets_Act"),
        (
            "Lumenara raised money on Monday. The Santa Clara, California-based company declined to comment.",
            "the santa clara, california-based company",
            "Lumenara",
        ),
        ("On Tuesday, Sen. Petra Kolar objected.", "sen.", "United_States_Senate"),
        ("Rep. Omar Vance (R-OH) disagreed.", "rep.", "United_States_House_of_Representatives"),
        ("The U.S. Senate met. Senator Petra Kolar objected.", "senator", "United_States_Senate"),
    ],
)
def test_a_clear_reference_is_resolved(refers, text: str, reference: str, entity: str) -> None:
    assert refers(text).get(reference) == {entity}


def test_both_companies_are_two(refers) -> None:
    assert refers("Microsoft and Mistral AI signed a deal. Both companies declined to comment.")["both companies"] == {
        "Microsoft",
        "Mistral_AI",
    }


def test_these_companies_are_those_of_the_list(refers) -> None:
    text = "The brief names Google, Amazon and Nvidia. These companies objected."
    assert refers(text)["these companies"] == {"Google", "Amazon", "Nvidia"}


def test_those_companies_are_the_named_ones_of_the_list(refers) -> None:
    text = "The brief names Google, Amazon and other developers. Those companies objected."
    assert refers(text)["those companies"] == {"Google", "Amazon"}


def test_the_two_are_those_of_the_list(refers) -> None:
    text = "The suit names Microsoft and OpenAI. A newspaper filed it against the two in December."
    assert refers(text)["the two"] == {"Microsoft", "OpenAI"}


@pytest.mark.parametrize(
    "text",
    [
        "Senator Petra Kolar spoke in Canberra.",
        "Her firm sells the two for ten dollars.",
        "It is clear that the market will grow.",
        "The company that wins will be rich. OpenAI disagrees.",
        "A company in Lyon was closed.",
        "OpenAI grew. The company of the future is small.",
        "The weather was bad. He left.",
        "The AI Act was agreed. It was not a good idea to regulate more than others.",
    ],
)
def test_nothing_is_resolved_where_nothing_is_meant(refers, text: str) -> None:
    assert refers(text) == {}


def test_it_abstains_between_two_equals(refers) -> None:
    text = "Google and Apple signed it. In the view of lawyers, the company pays too much."
    assert "the company" not in refers(text)


def test_a_nationality_rules_out_others(refers) -> None:
    assert "the german company" not in refers("Mistral AI is French. The German company is unknown.")


def test_descriptions_are_no_alternative_labels(extractor: Extractor) -> None:
    result = extractor(Article("a", "Mistral AI released a model. The company raised money."))
    assert isinstance(result, Extraction)
    assert not any("company" in label for entity in result.entities for label in entity.alt_labels)
