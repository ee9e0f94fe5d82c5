"""Polarity, modality and attribution, on the real pipeline."""

import pytest

from ingest.model import Article, Claim, Modality, Polarity
from ingest.pipeline import Extractor

AFFIRMED, NEGATED = Polarity.AFFIRMED, Polarity.NEGATED
ACTUAL, PLANNED, POSSIBLE, PAST = Modality.ACTUAL, Modality.PLANNED, Modality.POSSIBLE, Modality.PAST


def claims(extractor: Extractor, text: str, relation: str, **about: str) -> list[Claim]:
    return [claim for claim in extractor(Article("a", text, **about)).claims if claim.relation == relation]


@pytest.mark.parametrize(
    ("text", "relation", "polarity"),
    [
        ("Microsoft acquired Mistral AI.", "acquires", AFFIRMED),
        ("Microsoft did not acquire Mistral AI.", "acquires", NEGATED),
        ("Microsoft has never acquired Mistral AI.", "acquires", NEGATED),
        ("Microsoft denied that it acquired Mistral AI.", "acquires", NEGATED),
        ("Microsoft denied acquiring Mistral AI.", "acquires", NEGATED),
        ("Microsoft refused to acquire Mistral AI.", "acquires", NEGATED),
        ("Microsoft denied on Monday that it had bought Mistral AI.", "acquires", NEGATED),
        ("Microsoft denied any acquisition of Mistral AI.", "acquires", NEGATED),
        ("Microsoft failed to acquire Mistral AI.", "acquires", NEGATED),
        ("Microsoft ruled out acquiring Mistral AI.", "acquires", NEGATED),
        ("Microsoft will not acquire Mistral AI.", "acquires", NEGATED),
        ("Microsoft has no plans to acquire Mistral AI.", "acquires", NEGATED),
        ("Amazon does not use ChatGPT.", "uses", NEGATED),
        ("Amazon stopped using ChatGPT.", "uses", NEGATED),
        ("Microsoft has not completed an acquisition of Mistral AI.", "acquires", NEGATED),
        ("Nvidia never pursued a partnership with Intel.", "partnersWith", NEGATED),
        ("Google did not approve a partnership with OpenAI.", "partnersWith", NEGATED),
        ("Nvidia and Intel do not detail the terms of their partnership with Microsoft.", "partnersWith", AFFIRMED),
        ("Microsoft not only acquired Mistral AI but renamed it.", "acquires", AFFIRMED),
        ("OpenAI CEO Sam Altman did not comment.", "leads", AFFIRMED),
        ("Microsoft has called off its acquisition of Mistral AI.", "acquires", NEGATED),
        ("Microsoft has hardly used ChatGPT.", "uses", NEGATED),
        ("The blog falsely claimed that Microsoft had acquired Mistral AI.", "acquires", NEGATED),
        ("The judge refused to dismiss Getty Images' lawsuit against Stability AI.", "sues", AFFIRMED),
        ("Microsoft never regretted its acquisition of Mistral AI.", "acquires", AFFIRMED),
        ("Paris is not located in Germany.", "locatedIn", NEGATED),
        ("The European Commission stopped short of fining Apple.", "fines", NEGATED),
        ("Microsoft was unable to acquire Mistral AI.", "acquires", NEGATED),
        ("Microsoft walked away from its acquisition of Mistral AI.", "acquires", NEGATED),
        ("The CMA blocked Microsoft's acquisition of Mistral AI.", "acquires", NEGATED),
        ("The CMA failed to block Microsoft's acquisition of Mistral AI.", "acquires", AFFIRMED),
        ("The FTC sued to block Microsoft's acquisition of Mistral AI.", "acquires", AFFIRMED),
        ("Two senators oppose Nvidia's investment in Mistral AI.", "investsIn", AFFIRMED),
        ("A judge dismissed a lawsuit by Getty Images against Stability AI.", "sues", AFFIRMED),
        ("The European Commission ruled out an investigation of Microsoft.", "investigates", NEGATED),
        ("San Francisco is not part of Canada, but of California.", "locatedIn", NEGATED),
    ],
)
def test_polarity(extractor, text, relation, polarity):
    assert {claim.polarity for claim in claims(extractor, text, relation)} == {polarity}


@pytest.mark.parametrize(
    "text",
    [
        "Google, but not Microsoft, has acquired Mistral AI.",
        "Google rather than Microsoft acquired Mistral AI.",
        "Google acquired Mistral AI, not DeepL.",
    ],
)
def test_who_is_put_beside_as_the_one_that_is_not_meant_is_denied(extractor, text):
    found = {(claim.subject, claim.object): claim.polarity for claim in claims(extractor, text, "acquires")}
    assert found.pop(("Google", "Mistral_AI")) is AFFIRMED
    assert set(found.values()) <= {NEGATED}


@pytest.mark.parametrize(
    ("text", "relation", "modality"),
    [
        ("Microsoft acquired Mistral AI.", "acquires", ACTUAL),
        ("Microsoft will acquire Mistral AI.", "acquires", PLANNED),
        ("Microsoft plans to acquire Mistral AI.", "acquires", PLANNED),
        ("Microsoft agreed to acquire Mistral AI.", "acquires", PLANNED),
        ("Microsoft is going to acquire Mistral AI.", "acquires", PLANNED),
        ("Microsoft announced its intention to acquire Mistral AI.", "acquires", PLANNED),
        ("Microsoft may acquire Mistral AI.", "acquires", POSSIBLE),
        ("Microsoft could acquire Mistral AI.", "acquires", POSSIBLE),
        ("Microsoft is in talks to acquire Mistral AI.", "acquires", POSSIBLE),
        ("Microsoft is considering acquiring Mistral AI.", "acquires", POSSIBLE),
        ("Microsoft is looking to acquire Mistral AI.", "acquires", POSSIBLE),
        ("Microsoft is poised to acquire Mistral AI.", "acquires", POSSIBLE),
        ("Shareholders urged Microsoft to acquire Mistral AI.", "acquires", POSSIBLE),
        ("Microsoft managed to acquire Mistral AI.", "acquires", ACTUAL),
        ("Amazon was the first company to use ChatGPT.", "uses", ACTUAL),
        ("Analysts doubt that Microsoft owns Mistral AI.", "ownedBy", POSSIBLE),
        ("Analysts found that Microsoft owns Mistral AI.", "ownedBy", ACTUAL),
        ("Microsoft should acquire Mistral AI.", "acquires", POSSIBLE),
        ("Microsoft nearly acquired Mistral AI.", "acquires", POSSIBLE),
        ("Had Microsoft acquired Mistral AI, the fund would have gained.", "acquires", POSSIBLE),
        ("Microsoft hopes to acquire Mistral AI.", "acquires", PLANNED),
        ("Google ended its partnership with Scale AI.", "partnersWith", PAST),
        ("Microsoft has quit using ChatGPT.", "uses", PAST),
        ("Linda Yaccarino has stepped down as chief executive of X Corp.", "leads", PAST),
        ("Microsoft reportedly acquired Mistral AI.", "acquires", POSSIBLE),
        ("If Microsoft acquires Mistral AI, prices will rise.", "acquires", POSSIBLE),
        ("Did Microsoft acquire Mistral AI?", "acquires", POSSIBLE),
        ("Nobody knows whether Microsoft acquired Mistral AI.", "acquires", POSSIBLE),
        ("Former Google CEO Eric Schmidt spoke first.", "leads", PAST),
        ("Jane Orwell, a vice president of Nvidia, resigned in May.", "worksFor", PAST),
        ("Jane Orwell, a vice president of Nvidia, was fired in May.", "worksFor", PAST),
        ("Jane Orwell, a vice president of Nvidia, will resign in May.", "worksFor", ACTUAL),
        ("Amazon will sell Google's Gemini in Europe.", "develops", ACTUAL),
        ("Amazon no longer uses ChatGPT.", "uses", PAST),
        ("Amazon previously used ChatGPT.", "uses", PAST),
        ("Amazon used to use ChatGPT.", "uses", PAST),
        ("The AI Act risks serving the interests of Big Tech.", "benefits", POSSIBLE),
    ],
)
def test_modality(extractor, text, relation, modality):
    assert {claim.modality for claim in claims(extractor, text, relation)} == {modality}


@pytest.mark.parametrize(
    "text",
    [
        "Microsoft denied reports that it acquired Mistral AI.",
        "Has Microsoft acquired Mistral AI?",
        "Microsoft has not acquired Mistral AI.",
        "Reports that Microsoft had acquired Mistral AI were false.",
    ],
)
def test_a_denial_or_a_question_never_becomes_a_fact(extractor, text):
    facts = [c for c in claims(extractor, text, "acquires") if (c.polarity, c.modality) == (AFFIRMED, ACTUAL)]
    assert facts == []


@pytest.mark.parametrize(
    ("text", "relation", "voice"),
    [
        ("Microsoft acquired Mistral AI.", "acquires", ""),
        ("Sam Altman said that Microsoft acquired Mistral AI.", "acquires", "Sam_Altman"),
        ("Microsoft acquired Mistral AI, Sam Altman said.", "acquires", "Sam_Altman"),
        ("According to Sam Altman, Microsoft acquired Mistral AI.", "acquires", "Sam_Altman"),
        ("Microsoft has acquired Mistral AI, according to Sam Altman.", "acquires", "Sam_Altman"),
        ("“Microsoft acquired Mistral AI last week,” Sam Altman said.", "acquires", "Sam_Altman"),
        ("“It was a good year. Microsoft acquired Mistral AI last week,” Sam Altman said.", "acquires", "Sam_Altman"),
        ("A spokeswoman for Meta confirmed that Microsoft had acquired Mistral AI.", "acquires", "Meta_Platforms"),
        ("A person at Meta said that Microsoft had acquired Mistral AI.", "acquires", ""),
        ("OpenAI CEO Sam Altman said the weather was fine.", "leads", ""),
    ],
)
def test_attribution(extractor, text, relation, voice):
    assert {claim.attribution for claim in claims(extractor, text, relation)} == {voice}


def test_the_author_of_an_opinion_piece_is_its_voice(extractor):
    text = "Microsoft acquired Mistral AI."
    told = claims(extractor, text, "acquires", author="Jane Roe", title="Opinion: enough is enough")
    assert [claim.attribution for claim in told] == ["Jane_Roe"]
    extraction = extractor(Article("a", text, author="Jane Roe", title="Opinion: enough is enough"))
    assert "Jane Roe" in {entity.label for entity in extraction.entities}


def test_the_author_of_a_report_is_not_its_voice(extractor):
    assert [claim.attribution for claim in claims(extractor, "Microsoft acquired Mistral AI.", "acquires", author="Jane Roe")] == [""]


@pytest.mark.parametrize(
    "text",
    [
        "Apple has not announced an acquisition of Mistral AI.",
        "Microsoft did not confirm the acquisition of Mistral AI.",
        "Microsoft has not disclosed any acquisition of Mistral AI.",
        "Microsoft has not completed an acquisition of Mistral AI.",
        "Apple isn't planning an acquisition of Mistral AI.",
    ],
)
def test_what_is_not_said_or_not_done_is_never_a_fact(extractor, text):
    found = claims(extractor, text, "acquires")
    assert found
    assert all(claim.polarity is NEGATED or claim.modality is not ACTUAL for claim in found)
