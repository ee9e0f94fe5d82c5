"""What an article's claims must not be: denials published as facts, and claims from mere co-occurrence."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from spacy.tokens import Doc

from ingest.components import MENTIONS
from ingest.model import Modality, Polarity
from ingest.pipeline import extraction
from ingest.scoring import GoldClaim, entity_names, same


@dataclass(frozen=True, slots=True)
class Checks:
    """Of `denied` gold rows, `denied_as_facts` are claimed as affirmed and actual from the same evidence; of `quiet` sentences, which name
    two entities or more and are no gold row's evidence (optional rows count), `quiet_with_claim` yield a claim that no gold row states."""

    denied: int = 0
    denied_as_facts: int = 0
    quiet: int = 0
    quiet_with_claim: int = 0

    def __str__(self) -> str:
        """One sentence with all four numbers."""
        share = self.quiet_with_claim / max(self.quiet, 1)
        return (
            f"{self.denied_as_facts} of {self.denied} denied claims came out as facts; {self.quiet_with_claim} of {self.quiet} sentences "
            f"that name two entities or more and state nothing by the gold yielded a claim that is in none of the gold ({share:.1%})"
        )

    def __add__(self, other: "Checks") -> "Checks":
        return Checks(
            self.denied + other.denied,
            self.denied_as_facts + other.denied_as_facts,
            self.quiet + other.quiet,
            self.quiet_with_claim + other.quiet_with_claim,
        )


def check(doc: Doc, gold: Sequence[GoldClaim], symmetric: Collection[str]) -> Checks:
    """Checks the claims on the Doc of an annotated article; `symmetric` names the relations that hold both ways."""
    denied = [row for row in gold if row.polarity is Polarity.NEGATED]
    quiet = _quiet(doc, gold)
    names = entity_names(extraction(doc))
    told = {claim.evidence.start_char for claim in doc._.claims if not any(same(claim, row, names, symmetric) for row in gold)}
    with_claim = sum(any(start <= place < end for place in told) for start, end in quiet)
    return Checks(len(denied), sum(_is_fact(doc, row, names, symmetric) for row in denied), len(quiet), with_claim)


def _is_fact(doc: Doc, row: GoldClaim, names: Mapping[str, frozenset[str]], symmetric: Collection[str]) -> bool:
    affirmed = replace(row, polarity=Polarity.AFFIRMED)
    return any(
        claim.modality is Modality.ACTUAL
        and (claim.evidence.text in row.evidence or row.evidence in claim.evidence.text)
        and same(claim, affirmed, names, symmetric)
        for claim in doc._.claims
    )


def _quiet(doc: Doc, gold: Sequence[GoldClaim]) -> list[tuple[int, int]]:
    """The offsets of the sentences with two entities or more and without gold."""
    places = [(place, place + len(row.evidence)) for row in gold if (place := doc.text.find(row.evidence)) >= 0]
    found = []
    for sentence in doc.sents:
        start, end = sentence.start_char, sentence.end_char
        entities = {span.kb_id for span in doc.spans[MENTIONS] if sentence.start <= span.start < sentence.end}
        if len(entities) > 1 and not any(first < end and start < last for first, last in places):
            found.append((start, end))
    return found
