"""Nouns as the word lists know them."""

from spacy.tokens import Token


def noun(token: Token) -> str:
    """The lower-case lemma; the parts of "start-up" are one noun."""
    if token.lower_ in ("up", "ups") and token.i > 1 and token.doc[token.i - 1].text == "-" and token.doc[token.i - 2].lower_ == "start":
        return "start-up"
    return token.lemma_.lower()
