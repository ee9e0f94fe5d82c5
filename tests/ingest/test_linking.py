"""One entity, many names; and one kind for a name in an article."""

import pytest

from ingest.components.kinds import possible_kinds
from ingest.model import Article, EntityType, Extraction, MentionKind
from ingest.pipeline import Extractor
from ingest.segment import blocks


@pytest.fixture(scope="session")
def ids(extractor: Extractor):
    """A text's entity ids by the text of their named mentions."""

    def run(text: str) -> dict[str, str]:
        result = extractor(Article("a", text, blocks(text)))
        assert isinstance(result, Extraction), result
        return {m.span.text: m.entity for m in result.mentions if m.kind is MentionKind.NAME}

    return run


@pytest.mark.parametrize(
    ("text", "short", "entity"),
    [
        ("The Coalition for Fair Tides (CFT) complained. Later CFT sued.", "CFT", "Coalition_for_Fair_Tides"),
        ("The Export and Growth Fund of Norway (EGFO) paid. EGFO is public.", "EGFO", "Export_and_Growth_Fund_of_Norway"),
        ("Zorvexa Inc. makes chips. Zorvexa sells them in Europe.", "Zorvexa Inc.", "Zorvexa"),
        ("Lumenara Energy builds plants. Talks with Lumenara failed.", "Lumenara", "Lumenara_Energy"),
        ("Elon Musk sued OpenAI. On Friday Musk repeated the claim.", "Musk", "Elon_Musk"),
        ("Analyst Petra Kolar of Gartner spoke. In the end Kolar agreed.", "Kolar", "Petra_Kolar"),
        ("The European Commission opened a case. The Commission may fine Apple.", "Commission", "European_Commission"),
        ("The Senate passed the bill. On Friday the House followed.", "House", "United_States_House_of_Representatives"),
        (
            "The U.S. Department of Justice sued Apple. The Justice Department won.",
            "Justice Department",
            "United_States_Department_of_Justice",
        ),
        ("The US Commerce Department paid for it.", "US Commerce Department", "United_States_Department_of_Commerce"),
        ("Chair Lina M. Khan spoke.", "Lina M. Khan", "Lina_Khan"),
        ("Shares of Meta Platforms, Inc. rose.", "Meta Platforms, Inc.", "Meta_Platforms"),
    ],
)
def test_short_and_full_names_are_one_entity(ids, text: str, short: str, entity: str) -> None:
    assert ids(text)[short] == entity


def test_the_same_new_name_in_two_articles_is_one_entity(ids) -> None:
    first = ids("The start-up Quellmont AI raised money from Index Ventures.")
    second = ids("According to Quellmont AI, the model is small. Microsoft uses it.")
    assert first["Quellmont AI"] == second["Quellmont AI"]


def test_a_label_depends_on_the_id_alone(extractor: Extractor) -> None:
    result = extractor(Article("a", "The start-up Quellmont AI raised money. Its app Tessolo is free."))
    assert isinstance(result, Extraction)
    labels = {entity.id: entity.label for entity in result.entities if not entity.known}
    assert labels["Quellmont_AI"] == "Quellmont AI"
    assert all("(" not in label and "_" not in label for label in labels.values())


def test_a_new_name_has_one_kind_in_an_article(extractor: Extractor) -> None:
    text = "Quellmont said it would hire. Investors in Quellmont are pleased. Quellmont, a Paris-based start-up, was founded in 2021."
    result = extractor(Article("a", text, blocks(text)))
    assert isinstance(result, Extraction)
    assert {m.type for m in result.mentions if m.span.text == "Quellmont"} == {EntityType.COMPANY}


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("“It works,” said Dagmar Vesely, an analyst at Forrester. Vesely joined in 2020.", "Dagmar Vesely", EntityType.PERSON),
        ("The chipmaker Quellmont hired a new CEO. Quellmont's shares fell.", "Quellmont", EntityType.COMPANY),
        ("The company launched Tessolo, an app for teachers. Users can download Tessolo for free.", "Tessolo", EntityType.PRODUCT),
        ("She studied at Brunnsvik University before joining Google.", "Brunnsvik University", EntityType.RESEARCH_ORGANIZATION),
        ("The Senate debated the Fair Tides Act.", "Fair Tides Act", EntityType.REGULATION),
        ("Apple said that the change comes with iOS 44.2 in spring.", "iOS 44.2", EntityType.PRODUCT),
        ("He spoke at the Fair Tides Conference on Monday.", "Fair Tides Conference", EntityType.CONCEPT),
    ],
)
def test_kinds_come_from_the_form_and_the_context(extractor: Extractor, text: str, name: str, kind: EntityType) -> None:
    result = extractor(Article("a", text, blocks(text)))
    assert isinstance(result, Extraction)
    assert {m.type for m in result.mentions if m.span.text == name} == {kind}


@pytest.mark.parametrize(
    ("name", "kind", "possible"),
    [
        ("Radeon RX 9990", EntityType.PRODUCT, True),
        ("Radeon RX 9990", EntityType.REGULATION, False),
        ("QL900", EntityType.PLACE, False),
        ("Senate Bill 990", EntityType.REGULATION, True),
        ("Quellmont", EntityType.PLACE, True),
    ],
)
def test_the_form_of_a_name_rules_kinds_out(name: str, kind: EntityType, possible: bool) -> None:
    assert (kind in possible_kinds(name)) is possible


@pytest.mark.parametrize(
    ("text", "entity", "labels"),
    [
        (
            "Microsoft sells an app. The Microsoft Tessolo Studio app has been downloaded by users.",
            "Microsoft_Tessolo_Studio_(product)",
            {"Tessolo Studio"},
        ),
        ("He advised the US National Security Council on Monday.", "National_Security_Council", {"US National Security Council"}),
    ],
)
def test_shorter_and_longer_names_are_alternative_labels(extractor: Extractor, text: str, entity: str, labels: set[str]) -> None:
    result = extractor(Article("a", text, blocks(text)))
    assert isinstance(result, Extraction)
    found = {entity.id: set(entity.alt_labels) for entity in result.entities}
    assert labels <= found.get(entity, set()), found


def test_alternative_labels_are_the_names_the_article_uses(extractor: Extractor) -> None:
    text = "The Coalition for Fair Tides (CFT) complained. Later CFT sued Apple."
    result = extractor(Article("a", text, blocks(text)))
    assert isinstance(result, Extraction)
    entity = next(entity for entity in result.entities if entity.id == "Coalition_for_Fair_Tides")
    assert entity.alt_labels == ("CFT",)
