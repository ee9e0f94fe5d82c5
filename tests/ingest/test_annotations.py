"""The components that remember what they found annotate as the base pipeline's own do."""

from pathlib import Path
from typing import Any

import pytest
from spacy.lang.en.lemmatizer import EnglishLemmatizer
from spacy.language import Language
from spacy.pipeline import AttributeRuler
from spacy.tokens import Doc

from ingest import pipeline
from ingest.components import attributes, lemmas
from ingest.readers import find, read

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

ODD_RULES: dict[str, dict[str, Any]] = {
    "a row, set from its end": {"patterns": [[{"TAG": "DT"}, {"TAG": {"IN": ["NN", "NNP"]}}]], "attrs": {"POS": "X"}, "index": -1},
    "rows that overlap": {"patterns": [[{"TAG": "NNP"}, {"TAG": "NNP"}, {"TAG": "NNP"}]], "attrs": {"LEMMA": "thrice"}, "index": 1},
    "two rows of one rule": {
        "patterns": [[{"LOWER": "ai"}], [{"LOWER": "the"}, {"LOWER": "ai"}]],
        "attrs": {"MORPH": "Foo=Bar"},
        "index": 0,
    },
    "all words but some": {"patterns": [[{"LOWER": {"NOT_IN": ["the", "of"]}, "TAG": "DT"}]], "attrs": {"TAG": "XX"}, "index": 0},
    "words of a form": {"patterns": [[{"LOWER": {"REGEX": "^[a-m]"}, "DEP": "nsubj"}]], "attrs": {"POS": "VERB", "DEP": "dep"}, "index": 0},
    "any token": {"patterns": [[{}]], "attrs": {"MORPH": "Any=Yes"}, "index": 0},
    "a word as it is written": {"patterns": [[{"ORTH": "The"}]], "attrs": {"POS": "INTJ"}, "index": 0},
    "a word of a form in a form": {"patterns": [[{"LOWER": {"REGEX": {"IN": ["^th"]}}}]], "attrs": {"POS": "INTJ"}, "index": 0},
    "repetition": {"patterns": [[{"TAG": "JJ", "OP": "+"}, {"TAG": "NN"}]], "attrs": {"LEMMA": "much"}, "index": -1},
    "another attribute": {"patterns": [[{"TAG": "CC"}]], "attrs": {"NORM": "plus"}, "index": 0},
}

type Annotation = list[tuple[str, ...]]


def _annotation(doc: Doc) -> Annotation:
    return [(token.text, token.tag_, token.pos_, str(token.morph), token.lemma_, token.dep_, token.norm_) for token in doc]


@pytest.fixture(scope="module")
def base() -> Language:
    return pipeline.base(pipeline.DEFAULT_MODEL)


@pytest.fixture(scope="module")
def parsed(base: Language) -> list[Doc]:
    """The first examples, as the attribute ruler is given them."""
    docs = [base.make_doc(read(path).text) for path in find([EXAMPLES])][:4]
    for name in base.pipe_names[: base.pipe_names.index("attribute_ruler")]:
        docs = [base.get_pipe(name)(doc) for doc in docs]
    return docs


def _remembering(base: Language, rules: list[dict[str, Any]]) -> attributes.Attributes:
    ruler = attributes.Attributes(base.vocab, "attribute_ruler")
    ruler.add_patterns(rules)
    return ruler


def test_examples_are_annotated_as_by_the_base_pipeline(extractor: pipeline.Extractor, base: Language) -> None:
    for article in (read(path) for path in find([EXAMPLES])):
        doc = extractor.nlp.get_pipe("aikg_blocks")(base.make_doc(article.text))
        remembered = doc.copy()
        for name, component in base.pipeline:
            doc, remembered = component(doc), extractor.nlp.get_pipe(name)(remembered)
        assert _annotation(remembered) == _annotation(doc)


def test_they_stand_in_the_place_and_under_the_name_of_what_they_replace(extractor: pipeline.Extractor, base: Language) -> None:
    assert [name for name in extractor.nlp.pipe_names if not name.startswith("aikg_")] == base.pipe_names
    assert isinstance(extractor.nlp.get_pipe("attribute_ruler"), attributes.Attributes)
    assert isinstance(extractor.nlp.get_pipe("lemmatizer"), lemmas.Lemmas)


@pytest.mark.parametrize("name", ODD_RULES)
@pytest.mark.parametrize("first", [True, False], ids=["before the others", "after the others"])
def test_a_rule_of_another_form_does_what_it_does_in_spacy(base, parsed, name: str, first: bool) -> None:
    usual = base.get_pipe("attribute_ruler").patterns
    rules = [ODD_RULES[name], *usual] if first else [*usual, ODD_RULES[name]]
    ruler, remembering = AttributeRuler(base.vocab), _remembering(base, rules)
    ruler.add_patterns(rules)
    for doc in parsed:
        expected = _annotation(ruler(doc.copy()))
        assert _annotation(remembering(doc.copy())) == expected
        assert _annotation(remembering(doc.copy())) == expected, "what is remembered differs"


def test_a_rule_added_later_is_obeyed(base, parsed) -> None:
    remembering = _remembering(base, base.get_pipe("attribute_ruler").patterns)
    before = _annotation(remembering(parsed[0].copy()))
    remembering.add([[{"LOWER": "the"}]], {"LEMMA": "THE"})
    after = _annotation(remembering(parsed[0].copy()))
    assert {new[4] for old, new in zip(before, after, strict=True) if old != new} == {"THE"}


def test_a_rule_that_points_past_its_pattern_is_refused(base, parsed) -> None:
    with pytest.raises(ValueError, match="E1001"):
        _remembering(base, [{"patterns": [[{"TAG": "DT"}]], "attrs": {"POS": "X"}, "index": 1}])(parsed[0].copy())


def _lemmatizers(base: Language, *, overwrite: bool) -> tuple[EnglishLemmatizer, lemmas.Lemmas]:
    original = EnglishLemmatizer(base.vocab, None, mode="rule", overwrite=overwrite)
    original.lookups = base.get_pipe("lemmatizer").lookups
    remembering = lemmas.Lemmas(base.vocab, "lemmatizer", overwrite=overwrite)
    remembering.use_tables(original.lookups)
    return original, remembering


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_lemma_that_is_there_stays_unless_told_otherwise(base, parsed, overwrite: bool) -> None:
    doc = base.get_pipe("attribute_ruler")(parsed[0].copy())
    doc[0].lemma_ = "given"
    original, remembering = (lemmatize(doc.copy()) for lemmatize in _lemmatizers(base, overwrite=overwrite))
    assert _annotation(remembering) == _annotation(original)
    assert (remembering[0].lemma_ == "given") is not overwrite


def test_memory_that_is_full_changes_nothing(base, parsed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attributes, "_MOST", 20)
    monkeypatch.setattr(lemmas, "_MOST", 20)
    original, remembering = _lemmatizers(base, overwrite=False)
    ruler = base.get_pipe("attribute_ruler")
    forgetful = _remembering(base, ruler.patterns)
    for doc in parsed:
        assert _annotation(remembering(forgetful(doc.copy()))) == _annotation(original(ruler(doc.copy())))
