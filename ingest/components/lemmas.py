"""`aikg_lemmas`: the base pipeline's rule lemmatizer, which consults its tables once for each word that it meets."""

from spacy.attrs import LEMMA, MORPH, ORTH, POS  # type: ignore[import-not-found]
from spacy.lang.en.lemmatizer import EnglishLemmatizer
from spacy.language import Language
from spacy.lookups import Lookups, Table
from spacy.tokens import Doc, Token
from spacy.vocab import Vocab

_MOST = 1 << 17  # words remembered at once: some 30 MB

type Key = tuple[int, int, int]


@Language.factory("aikg_lemmas", default_config={"overwrite": False}, requires=["token.pos", "token.morph"], assigns=["token.lemma"])
def create(nlp: Language, name: str, overwrite: bool) -> "Lemmas":
    """Takes the place of an English `lemmatizer` in rule mode, and its tables (`lookups`)."""
    return Lemmas(nlp.vocab, name, overwrite=overwrite)


class Lemmas(EnglishLemmatizer):
    """The same lemmas: by rule they depend only on the word, its part of speech and its morphology (all three here as hashes)."""

    def __init__(self, vocab: Vocab, name: str, *, overwrite: bool) -> None:
        super().__init__(vocab, None, name, mode="rule", overwrite=overwrite)
        self._known: dict[Key, int] = {}

    def use_tables(self, lookups: Lookups) -> None:
        """Takes another lemmatizer's tables; the index, there lists of up to 57,000 words, is searched as sets."""
        self.lookups = Lookups()
        for name in lookups.tables:
            self.lookups.set_table(name, lookups.get_table(name))
        if "lemma_index" in lookups:
            index = lookups.get_table("lemma_index")
            self.lookups.set_table("lemma_index", Table.from_dict({kind: frozenset(words) for kind, words in index.items()}, "lemma_index"))

    def __call__(self, doc: Doc) -> Doc:
        """Sets `token.lemma` where there is none, or everywhere to `overwrite`."""
        table = doc.to_array([ORTH, POS, MORPH, LEMMA])
        table[:, 3] = [
            lemma if lemma and not self.overwrite else self._known.get((orth, pos, morph)) or self._meet(doc[i], (orth, pos, morph))
            for i, (orth, pos, morph, lemma) in enumerate(table.tolist())
        ]
        return doc.from_array([LEMMA], table[:, 3])  # type: ignore[arg-type]

    def _meet(self, token: Token, key: Key) -> int:
        if len(self._known) >= _MOST:
            self._known.clear()
            self.cache.clear()
        lemma = self.vocab.strings.add(self.lemmatize(token)[0], allow_transient=False)  # type: ignore[call-arg]  # outlives memory zones
        self._known[key] = lemma
        return lemma
