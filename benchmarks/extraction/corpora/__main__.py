"""Our relation extraction on KnowledgeNet and CORE, trained on parts of them and tested on the others.

Both stages are fitted as `kg train` fits them. KnowledgeNet: folds 1 and 2 and the project's own passages against fold 3; every pair of
mentions that the pipeline finds counts. CORE: four texts in five against the fifth; the pair is given. "shipped" are the package's weights
on the same test parts, of which they saw the texts in training (at weight 0.1). Takes a quarter of an hour on one core.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language

from benchmarks.extraction.corpora.core import Core
from benchmarks.extraction.corpora.knowledgenet import KnowledgeNet
from benchmarks.extraction.corpora.score import Tally, given_pair, micro, official, summed, text_facts
from ingest import pipeline
from ingest.model import Schema
from ingest.scoring import Counts
from ingest.train.passages import own_passages
from ingest.train.training import LATE_STEPS
from kg.ontology import schema
from kg.settings import DEFAULT_BASE_IRI

EXAMPLES = """examples:
  python -m benchmarks.extraction.corpora ../shared/data                           # both, as tables by relation
  python -m benchmarks.extraction.corpora ../shared/data --only core               # one of them
  python -m benchmarks.extraction.corpora ../shared/data --json figures.json       # the same figures as JSON too
  python -m benchmarks.extraction.corpora ../shared/data --tested unseen           # trained on all of one, tested on all of the other
"""


@dataclass(frozen=True, slots=True)
class Result:
    """One corpus measured one way."""

    corpus: str
    name: str
    tally: Tally


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.extraction.corpora",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", type=Path, help="holds knowledgenet/train.jsonl and core/train.json")
    parser.add_argument(
        "--tested", type=Path, metavar="DIR", help="another directory of that layout: train on all of the first, test on this"
    )
    parser.add_argument("--only", choices=list(_CORPORA), action="append", help="this corpus alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--model", default=pipeline.DEFAULT_MODEL, help="base pipeline")
    parser.add_argument("--processes", type=int, default=1, help="processes that fit side by side")
    arguments = parser.parse_args()
    known = schema(DEFAULT_BASE_IRI)
    nlp = pipeline.load(known, model=arguments.model).nlp
    results: list[Result] = []
    with nlp.select_pipes(disable=list(LATE_STEPS)):
        for name in arguments.only or _CORPORA:
            tested = arguments.tested and arguments.tested / name
            for result in _CORPORA[name](nlp, known, arguments.directory / name, tested, arguments.processes):
                print(table(result), flush=True)
                results.append(result)
    if arguments.json:
        arguments.json.write_text(json.dumps([as_json(result) for result in results], indent=2) + "\n", encoding="utf-8")


def _knowledgenet(nlp: Language, known: Schema, directory: Path, tested: Path | None, processes: int) -> Iterator[Result]:
    corpus = KnowledgeNet(nlp, known, directory, list(own_passages(known.relations)), tested=tested, processes=processes)
    part, seen = (str(tested), "shipped") if tested else ("fold 3", "shipped, seen")
    yield Result("KnowledgeNet", "cross-validated on all" if tested else "folds 1 and 2, cross-validated", corpus.cross_validated())
    facts = {passage.id: corpus.facts(passage) for passage in corpus.tested}
    yield Result("KnowledgeNet", part, summed(text_facts(passage, facts[passage.id]) for passage in corpus.tested))
    yield Result("KnowledgeNet", f"{part} by its evaluator.py", {"all": sum((official(p, facts[p.id]) for p in corpus.tested), Counts())})
    for name, pronouns in ((seen, False), (f"{seen}, with every pronoun", True)):
        made = (text_facts(passage, corpus.shipped_facts(passage, pronouns=pronouns)) for passage in corpus.tested)
        yield Result("KnowledgeNet", f"{part}, {name}", summed(made))


def _core(nlp: Language, known: Schema, directory: Path, tested: Path | None, processes: int) -> Iterator[Result]:
    corpus = Core(nlp, known, directory, tested=tested, processes=processes)
    part, seen = (str(tested), "shipped") if tested else ("a fifth", "shipped, seen")
    yield Result("CORE", "cross-validated on all" if tested else "four fifths, cross-validated", corpus.cross_validated())
    for name, answer in ((part, corpus.answer), (f"{part}, {seen}", corpus.shipped_answer)):
        yield Result("CORE", name, summed(given_pair(one.pairs[0], answer(one), corpus.symmetric) for one in corpus.tested))


_CORPORA: dict[str, Callable[[Language, Schema, Path, Path | None, int], Iterator[Result]]] = {"knowledgenet": _knowledgenet, "core": _core}


def table(result: Result) -> str:
    """The counts by relation and, last, all together."""
    rows = [*result.tally.items(), ("micro", micro(result.tally))]
    head = f"{result.corpus}, {result.name}\n  {'relation':<14}{'P':>7}{'R':>7}{'F1':>7}{'gold':>7}"
    lines = [f"  {name:<14}{c.precision:7.3f}{c.recall:7.3f}{c.f1:7.3f}{c.found + c.missed:7}" for name, c in rows]
    return "\n".join([head, *lines, ""])


def as_json(result: Result) -> dict[str, Any]:
    """The same as numbers: shares in [0, 1] and counts."""
    figures = {name: _figures(counts) for name, counts in result.tally.items()}
    return {"corpus": result.corpus, "part": result.name, "micro": _figures(micro(result.tally)), "relations": figures}


def _figures(counts: Counts) -> dict[str, float]:
    shares = {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
    return {name: round(share, 4) for name, share in shares.items()} | {
        "made": counts.right + counts.wrong,
        "gold": counts.found + counts.missed,
    }


if __name__ == "__main__":
    main()
