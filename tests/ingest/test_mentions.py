"""Names in real sentences: what is found, as what kind, and as which entity."""

from collections.abc import Callable

import pytest

from ingest.model import Article, BlockKind, EntityType, Extraction, Mention, MentionKind
from ingest.pipeline import Extractor
from ingest.segment import blocks

Extract = Callable[[str], Extraction]


@pytest.fixture(scope="session")
def extract(extractor: Extractor) -> Extract:
    def run(text: str) -> Extraction:
        result = extractor(Article("a", text, blocks(text)))
        assert isinstance(result, Extraction), result
        return result

    return run


def names(result: Extraction) -> dict[str, str]:
    """Entity ids by the text of their named mentions."""
    return {m.span.text: m.entity for m in result.mentions if m.kind is MentionKind.NAME}


def kinds(result: Extraction) -> dict[str, EntityType]:
    return {m.span.text: m.type for m in result.mentions if m.kind is MentionKind.NAME}


def mention(result: Extraction, text: str) -> Mention:
    return next(m for m in result.mentions if m.span.text == text)


def test_known_names_keep_their_case(extract: Extract) -> None:
    result = extract("Meta released a model. The meta description of the page and an apple on the table name nothing.")
    assert names(result) == {"Meta": "Meta_Platforms"}


def test_the_longest_known_name_wins(extract: Extract) -> None:
    assert names(extract("Researchers at Google DeepMind in London trained it.")) == {
        "Google DeepMind": "Google_DeepMind",
        "London": "London",
    }


def test_possessives_are_no_part_of_a_name(extract: Extract) -> None:
    assert {"Microsoft", "OpenAI"} <= set(names(extract("Microsoft's stake and OpenAI’s valuation rose.")))


def test_known_names_override_the_base_model(extract: Extract) -> None:
    assert kinds(extract("OpenAI opened an office in Dublin."))["OpenAI"] is EntityType.COMPANY


def test_lists_are_cut_into_names(extract: Extract) -> None:
    found = names(extract("Investors include Toyota, Denso, Kioxia, NTT and SoftBank."))
    assert {"Toyota", "Denso", "Kioxia", "NTT", "SoftBank"} <= set(found)


@pytest.mark.parametrize(
    ("sentence", "name"),
    [
        ("The tool was built by 404 Media last year.", "404 Media"),
        ("The broker X-Mode sold location data.", "X-Mode"),
        ("The chip designer Fluxtronics Labs was founded in Lyon.", "Fluxtronics Labs"),
        ("Zorvexa unveiled the QL-900 for data centers.", "QL-900"),
        ("Last week the Danish Centre for Tidal Computing opened in Aarhus.", "Danish Centre for Tidal Computing"),
        ("Novo founded the Nordic Centre for Tides A/S last year.", "Nordic Centre for Tides"),
        ("The fund is run by Sheikh Rashid bin Omar al-Vesely of Dubai.", "Rashid bin Omar al-Vesely"),
        ("Members include Epic, Spotify, Sparrow, Deezer, and others.", "Sparrow"),
        ("Researchers broke the Zorvexa Q-series chips.", "Zorvexa Q-series"),
    ],
)
def test_names_of_unusual_form_are_found_whole(extract: Extract, sentence: str, name: str) -> None:
    assert name in names(extract(sentence))


def test_versions_belong_to_the_model(extract: Extract) -> None:
    found = names(extract("Anthropic compared Claude 3 Opus with GPT-4 and Llama 3. Apple shipped iOS 17.4 in March."))
    assert {"Claude 3 Opus", "GPT-4", "Llama 3", "iOS 17.4"} <= set(found)


def test_a_longer_name_replaces_the_known_name_inside_it(extract: Extract) -> None:
    found = names(extract("Intel Capital and Dell Technologies Capital led the round."))
    assert {"Intel Capital", "Dell Technologies Capital"} <= set(found)
    assert "Intel" not in found


def test_a_model_number_is_apart_from_its_maker(extract: Extract) -> None:
    found = names(extract("The firm bought ten thousand AMD MI450X accelerators."))
    assert found["AMD"] == "Advanced_Micro_Devices"
    assert "MI450X" in found


def test_roles_and_titles_are_no_part_of_a_name(extract: Extract) -> None:
    found = names(extract("OpenAI CEO Sam Altman met Senator Ron Wyden and Attorney General Merrick Garland."))
    assert {"OpenAI", "Sam Altman", "Ron Wyden", "Merrick Garland"} <= set(found)
    assert not {"CEO", "Senator", "General", "Attorney General"} & set(found)


def test_legal_forms_keep_the_link(extract: Extract) -> None:
    assert names(extract("Meta Platforms Inc. appealed."))["Meta Platforms Inc."] == "Meta_Platforms"


@pytest.mark.parametrize(
    ("sentence", "name"),
    [
        ("The Online Safety Act of 2023 covers it.", "Online Safety Act"),
        ("It breaches Regulation (EU) 2018/1725 in two ways.", "Regulation (EU) 2018/1725"),
        ("Biden signed Executive Order 14110 in October.", "Executive Order 14110"),
        ("They back the Preventing Algorithmic Rent Act in Congress.", "Preventing Algorithmic Rent Act"),
        ("Under Section 702 the agency may collect it.", "Section 702"),
    ],
)
def test_laws_are_known_by_the_form_of_their_name(extract: Extract, sentence: str, name: str) -> None:
    assert any(m.span.text.startswith(name) and m.type is EntityType.REGULATION for m in extract(sentence).mentions)


def test_quantities_dates_and_common_abbreviations_are_no_names(extract: Extract) -> None:
    result = extract("On Monday the CEO said 960MW and 5G would cost $10B by Q3, and GPUs in PCs run APIs 38X faster.")
    assert names(result).keys() <= {"5G", "GPUs"}


def test_peoples_are_no_places(extract: Extract) -> None:
    assert not extract("Many Americans and Europeans disagree.").mentions


def test_headline_capitals_alone_make_no_name(extract: Extract) -> None:
    result = extract("Success Highlights Technical Potential of Open Models\nMistral AI released a model in Paris.")
    assert set(names(result)) == {"Mistral AI", "Paris"}


def test_a_heading_is_a_sentence_of_its_own(extractor: Extractor) -> None:
    text = "Apple sues\nMicrosoft invested in Mistral AI."
    found = blocks(text)
    doc = extractor.doc(Article("a", text, found))
    assert found[0].kind is BlockKind.HEADING
    assert "Microsoft" in [token.text for token in doc if token.is_sent_start]


def test_a_nationality_is_an_adjective_mention_of_its_place(extract: Extract) -> None:
    french = mention(extract("The French startup Mistral AI grew."), "French")
    assert (french.entity, french.kind) == ("France", MentionKind.ADJECTIVE)


@pytest.mark.parametrize(
    ("sentence", "governments"),
    [
        ("The French and German governments objected.", {"Government_of_France", "Government_of_Germany"}),
        (
            "Objections of the French, German and Italian governments remained.",
            {"Government_of_France", "Government_of_Germany", "Government_of_Italy"},
        ),
        ("Israel's government signed the contract.", {"Government_of_Israel"}),
        ("The government of Japan paid for it.", {"Government_of_Japan"}),
        ("With help of the Tokyo government it was built.", {"Government_of_Japan"}),
        ("The U.S. government intervened.", {"Government_of_the_United_States"}),
        ("Paris rejected the draft.", {"Government_of_France"}),
        ("Italy has fined OpenAI 15 million euros.", {"Government_of_Italy"}),
        ("Beijing opened an antitrust inquiry.", {"Government_of_China"}),
        ("Nvidia urged Washington to lift the ban.", {"Government_of_the_United_States"}),
    ],
)
def test_governments_are_named_by_their_nation(extract: Extract, sentence: str, governments: set[str]) -> None:
    assert {m.entity for m in extract(sentence).mentions if m.type is EntityType.GOVERNMENT} == governments


@pytest.mark.parametrize("sentence", ["The meeting took place in Paris.", "Nvidia opened Paris to visitors.", "Paris opened a museum."])
def test_a_city_that_does_not_act_is_a_place(extract: Extract, sentence: str) -> None:
    assert kinds(extract(sentence))["Paris"] is EntityType.PLACE


def test_a_city_that_stands_for_an_institution_of_the_union_is_that(extract: Extract) -> None:
    assert names(extract("Brussels opened a probe into Meta."))["Brussels"] == "European_Commission"


@pytest.mark.parametrize("sentence", ["Zoom said revenue had grown.", "Anthropic's revenue has grown."])
def test_a_known_name_at_a_start_needs_no_tag_where_the_syntax_shows_it(extract: Extract, sentence: str) -> None:
    assert len(names(extract(sentence))) == 1


def test_governments_named_together_share_a_span_that_is_no_alternative_label(extract: Extract) -> None:
    result = extract("The French and German governments objected.")
    shared = [m for m in result.mentions if m.type is EntityType.GOVERNMENT]
    assert len({m.span for m in shared}) == 1
    assert not any("French and German governments" in entity.alt_labels for entity in result.entities)


def test_mentions_and_entities_agree(extract: Extract) -> None:
    result = extract("Zorvexa's founder Ana Lopes said the French company would use Azure. She praised Microsoft.")
    assert {m.entity for m in result.mentions} == {entity.id for entity in result.entities}
    assert [entity.id for entity in result.entities] == sorted(entity.id for entity in result.entities)
    assert all(result.article.text[m.span.start_char : m.span.end_char] == m.span.text for m in result.mentions)
