"""Claims of clear sentences, on the real pipeline."""

from dataclasses import replace

import pytest

from ingest import pipeline
from ingest.components import MENTIONS
from ingest.components.claims import RULE_CONFIDENCE, Candidate, likeliest
from ingest.model import Article, EntityType, Modality, Polarity, Relation
from ingest.scan import MAX_SENTENCE
from kg.iris import AIKG, SKOS
from kg.ontology import ontology_triples


def stated(extractor, text: str) -> set[tuple[str, str, str]]:
    """The claims of a text as labels."""
    extraction = extractor(Article("a", text))
    labels = {entity.id: entity.label for entity in extraction.entities}
    return {(labels[claim.subject], claim.relation, labels[claim.object]) for claim in extraction.claims}


def examples() -> list[tuple[str, str, str, str]]:
    """Relation, example sentence, and its two arguments, as the ontology gives them."""
    about: dict[str, dict[str, str]] = {}
    wanted = {SKOS("example"): "text", AIKG("exampleSubject"): "subject", AIKG("exampleObject"): "object"}
    for triple in ontology_triples():
        if triple.predicate in wanted:
            about.setdefault(triple.subject.value.rpartition("#")[2], {})[wanted[triple.predicate]] = triple.object.value
    return [(name, one["text"], one["subject"], one["object"]) for name, one in sorted(about.items()) if "subject" in one]


@pytest.mark.parametrize(("relation", "text", "subject", "object_"), examples(), ids=[name for name, *_ in examples()])
def test_the_example_of_each_relation_is_extracted(extractor, relation, text, subject, object_):
    extraction = extractor(Article("a", text))
    names = {entity.id: {entity.label, *entity.alt_labels} for entity in extraction.entities}
    found = [claim for claim in extraction.claims if claim.relation == relation]
    assert any(subject in names[claim.subject] and object_ in names[claim.object] for claim in found), extraction.claims


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("Mistral AI was acquired by Microsoft in 2030.", ("Microsoft", "acquires", "Mistral AI")),
        ("Nvidia, which acquired Databricks last year, reported record sales.", ("Nvidia", "acquires", "Databricks")),
        ("OpenAI CEO Sam Altman spoke in Paris.", ("Sam Altman", "leads", "OpenAI")),
        ("Nvidia unveiled a partnership with Amazon.", ("Nvidia", "partnersWith", "Amazon")),
        ("Meta and Microsoft both use ChatGPT.", ("Microsoft", "uses", "ChatGPT")),
        ("The New York Times filed a lawsuit against OpenAI.", ("The New York Times", "sues", "OpenAI")),
        ("Amazon holds a stake in Anthropic.", ("Amazon", "investsIn", "Anthropic")),
        ("Microsoft's investment in Mistral AI surprised Brussels.", ("Microsoft", "investsIn", "Mistral AI")),
    ],
)
def test_constructions(extractor, text, claim):
    assert claim in stated(extractor, text)


def test_coordination_is_expanded_on_both_sides(extractor):
    found = stated(extractor, "Amazon and Google invested in Anthropic and Databricks.")
    assert {(a, "investsIn", b) for a in ("Amazon", "Google") for b in ("Anthropic", "Databricks")} <= found


def test_lists_that_are_paired_in_turn_are_not_crossed(extractor):
    found = stated(extractor, "Microsoft and Nvidia are led by Satya Nadella and Jensen Huang, respectively.")
    assert {("Satya Nadella", "leads", "Microsoft"), ("Jensen Huang", "leads", "Nvidia")} <= found
    assert not {("Satya Nadella", "leads", "Nvidia"), ("Jensen Huang", "leads", "Microsoft")} & found


def test_a_claim_cites_the_sentence_and_the_mentions_it_comes_from(extractor):
    text = "It rained. Microsoft invested in Mistral AI. It snowed."
    claim = next(c for c in extractor(Article("a", text)).claims if c.relation == "investsIn")
    assert claim.evidence.text == "Microsoft invested in Mistral AI."
    for span in (claim.evidence, claim.subject_mention, claim.object_mention):
        assert text[span.start_char : span.end_char] == span.text
    assert claim.subject_mention.text == "Microsoft"


def test_a_claim_says_why(extractor):
    claim = next(c for c in extractor(Article("a", "Microsoft invested in Mistral AI.")).claims if c.relation == "investsIn")
    assert any("invest" in reason for reason in claim.why)
    assert claim.confidence >= RULE_CONFIDENCE


@pytest.mark.parametrize("text", ["Microsoft and Google published their results.", "Apple, Nvidia and Amazon fell on Monday."])
def test_names_side_by_side_are_no_claim(extractor, text):
    assert stated(extractor, text) == set()


def test_objections_without_a_target_are_about_the_regulation_last_spoken_of(extractor):
    text = "Parliament debated the AI Act for months. Objections from the French government delayed the vote."
    assert any(relation == "opposes" and "AI Act" in object_ for _, relation, object_ in stated_with_aliases(extractor, text))


def stated_with_aliases(extractor, text: str) -> list[tuple[str, str, set[str]]]:
    extraction = extractor(Article("a", text))
    names = {entity.id: {entity.label, *entity.alt_labels} for entity in extraction.entities}
    return [(claim.subject, claim.relation, names[claim.object]) for claim in extraction.claims]


def test_a_relation_of_ones_own_works_with_cue_words_alone(schema):
    organisations = frozenset({EntityType.COMPANY})
    poaches = Relation("poachesFrom", organisations, organisations, cues=("poach from", "hire researcher from"))
    own = replace(schema, relations={**schema.relations, "poachesFrom": poaches})
    extractor = pipeline.load(own, model=pipeline.DEFAULT_MODEL)
    assert ("Meta Platforms", "poachesFrom", "OpenAI") in stated(extractor, "Meta poached from OpenAI again.")
    assert ("Apple Inc.", "poachesFrom", "Google") in stated(extractor, "Apple hired researchers from Google.")


def test_the_same_text_gives_the_same_claims(extractor):
    article = Article("a", "OpenAI CEO Sam Altman said Microsoft invested in OpenAI. Meta's LLaMA competes with ChatGPT.")
    assert extractor(article) == extractor(article)
    assert [claim.why for claim in extractor(article).claims] == [claim.why for claim in extractor(article).claims]


@pytest.mark.shared
def test_seed_article_states_its_clear_claims(extractor, shared_dir):
    text = (shared_dir / "articles" / "iris-mistral-microsoft.txt").read_text(encoding="utf-8")
    extraction = extractor(Article("seed", text))
    claims = {(c.subject, c.relation, c.object): c for c in extraction.claims}
    assert ("Microsoft", "investsIn", "Mistral_AI") in claims
    opponents = {subject for subject, relation, _ in claims if relation == "opposes"}
    assert {"Government_of_France", "Government_of_Germany"} <= opponents
    benefit = next(c for c in extraction.claims if c.relation == "benefits" and c.object == "Big_Tech")
    assert (benefit.polarity, benefit.modality) == (Polarity.AFFIRMED, Modality.POSSIBLE)


def test_of_two_makers_of_a_product_the_likelier_one_stays_and_coordinated_ones_both_do(extractor):
    doc = extractor.doc(Article("a", "OpenAI and Microsoft built ChatGPT. Google mentioned ChatGPT."))
    mentions = list(doc.spans[MENTIONS])
    number = {(mention.text, mention.sent.start): n for n, mention in enumerate(mentions)}
    second = list(doc.sents)[1].start
    product = number["ChatGPT", 0]
    openai, microsoft = (Candidate(number[name, 0], "develops", product, -1, p, ()) for name, p in (("OpenAI", 0.9), ("Microsoft", 0.6)))
    google = Candidate(number["Google", second], "develops", number["ChatGPT", second], -1, 0.7, ())
    again = Candidate(number["Google", second], "uses", number["ChatGPT", second], -1, 0.4, ())
    assert likeliest([openai, microsoft, google, again], mentions) == [openai, microsoft, again]
    assert likeliest([google], mentions) == [google]


@pytest.mark.parametrize(
    "text",
    ["Nvidia plans to invest in Mistral AI, Bloomberg reported.", "Bloomberg reported that Nvidia plans to invest in Mistral AI."],
)
def test_who_reports_a_deal_is_no_party_to_it(extractor, text):
    assert {relation for subject, relation, _ in stated(extractor, text) if subject == "Nvidia"} == {"investsIn"}
    assert not [claim for claim in stated(extractor, text) if "Bloomberg" in claim[0] + claim[2]]


@pytest.mark.parametrize(
    ("text", "relation", "subject", "object_"),
    [
        ("The EU has approved Broadcom's acquisition of VMware.", "acquires", "Broadcom", "VMware"),
        ("VMware's acquisition by Broadcom was delayed.", "acquires", "Broadcom", "VMware"),
        ("Amazon's investment in Anthropic was cleared by the CMA.", "investsIn", "Amazon", "Anthropic"),
        ("Apple boss Tim Cook lashed out at Meta.", "leads", "Tim Cook", "Apple Inc."),
        ("Apple chief Tim Cook and Meta CEO Mark Zuckerberg met.", "leads", "Tim Cook", "Apple Inc."),
        ("Meta's Llama and Google's Gemma are free.", "develops", "Google", "Gemma"),
        ("Groq was bought by Nvidia rival AMD.", "acquires", "Advanced Micro Devices", "Groq"),
        ("OpenAI faces a lawsuit from Elon Musk.", "sues", "Elon Musk", "OpenAI"),
    ],
)
def test_nobody_else_in_the_sentence_does_it_too(extractor, text, relation, subject, object_):
    found = {(one, other) for one, name, other in stated(extractor, text) if name == relation and {one, other} & {subject, object_}}
    assert found == {(subject, object_)}


@pytest.mark.parametrize("person", ["Ron Wyden", "Petra Kolar"])  # the base pipeline takes the second for two names
def test_a_title_says_something_of_its_own_person_only(extractor, person):
    found = stated(extractor, f"Sen. {person} criticized Google and Microsoft.")
    about = {(subject, relation) for subject, relation, object_ in found if object_ == "United States Senate"}
    assert any(person.startswith(subject) and relation == "worksFor" for subject, relation in about)
    assert all(person.startswith(subject) for subject, _ in about)
    assert "United States Senate" not in {subject for subject, _, _ in found}


@pytest.mark.parametrize(("verb", "polarity"), [("were", Polarity.AFFIRMED), ("were not", Polarity.NEGATED)])
def test_who_is_against_a_law_opposes_it(extractor, verb, polarity):
    claims = extractor(Article("a", f"Meta and Google {verb} against the AI Act.")).claims
    assert {(claim.subject, claim.polarity) for claim in claims if claim.relation == "opposes"} == {
        ("Meta_Platforms", polarity),
        ("Google", polarity),
    }


def test_a_clause_about_an_apposition_is_about_the_name_beside_it(extractor):
    found = stated(extractor, "Mistral AI released Le Chat, a chatbot that challenges ChatGPT.")
    assert ("Le Chat", "competesWith", "ChatGPT") in found or ("ChatGPT", "competesWith", "Le Chat") in found


@pytest.mark.parametrize(("names", "claimed"), [(20, True), (400, False)])
def test_a_list_without_full_stops_is_no_sentence(extractor, names, claimed):
    """Its names stand beside each other for no reason, and pairing thousands of them would take minutes and gigabytes."""
    firms = ", ".join(f"Zorb{chr(97 + number % 26)}{chr(97 + number // 26)} Labs" for number in range(names))
    doc = extractor.doc(Article("a", f"Microsoft acquired Mistral AI, {firms} and OpenAI."))
    assert (max(sentence.end - sentence.start for sentence in doc.sents) <= MAX_SENTENCE) is claimed
    assert bool(doc._.claims) is claimed
