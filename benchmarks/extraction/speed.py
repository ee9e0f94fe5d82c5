"""The whole pipeline beside the bare base pipeline on the same texts: `python -m benchmarks.extraction.speed DIR`.

Both take one text a call and turns within each round; the ratio is the median over rounds of bare time by whole time (processor time of the
process, one thread), so 1.0 would mean that extraction costs nothing beside parsing.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from ingest import pipeline
from ingest.readers import find, read
from kg.ontology import schema
from kg.settings import DEFAULT_BASE_IRI


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path, help="articles (.txt, .md)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default=pipeline.DEFAULT_MODEL)
    arguments = parser.parse_args()
    articles = [read(path) for path in find([arguments.directory])]
    whole, bare = pipeline.load(schema(DEFAULT_BASE_IRI), model=arguments.model), pipeline.base(arguments.model)
    tokens = sum(len(bare.make_doc(article.text)) for article in articles)

    def parse() -> None:
        for article in articles:
            bare(article.text)

    def extract() -> None:
        for article in articles:
            whole(article)

    parse(), extract()
    pairs = [(_cost_s(parse), _cost_s(extract)) for _ in range(arguments.rounds)]
    ratio = statistics.median(one / other for one, other in pairs)
    fastest = [min(side) for side in zip(*pairs, strict=True)]
    print(f"{len(articles)} articles, {tokens:,} tokens, {arguments.rounds} rounds")
    print(f"bare {tokens / fastest[0]:,.0f} tokens/s, whole {tokens / fastest[1]:,.0f} tokens/s; ratio {ratio:.2f}")


def _cost_s(work: Callable[[], None]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()
