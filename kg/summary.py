"""What became of the articles of a batch: of each, and of all together."""

from dataclasses import dataclass, field
from enum import StrEnum

from ingest.errors import ArticleError
from ingest.model import Extraction
from kg.wording import counted


class Outcome(StrEnum):
    """What became of one article."""

    STORED = "stored"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Event:
    """One article is done; `detail` says why it failed, or how many claims it makes. `name` is its id, or its source when it failed."""

    name: str
    outcome: Outcome
    detail: str = ""


@dataclass(slots=True)
class Summary:
    """What a batch came to."""

    stored: int = 0
    unchanged: int = 0
    failed: list[ArticleError] = field(default_factory=list)
    mentions: int = 0
    claims: int = 0
    interrupted: bool = False
    snapshot: int | None = None

    @property
    def articles(self) -> int:
        """How many were looked at."""
        return self.stored + self.unchanged + len(self.failed)


def note(extraction: Extraction | ArticleError, summary: Summary) -> Event:
    """Counts what became of an article, and says it."""
    if isinstance(extraction, ArticleError):
        summary.failed.append(extraction)
        return Event(extraction.source, Outcome.FAILED, extraction.reason)
    summary.stored += 1
    summary.mentions += len(extraction.mentions)
    summary.claims += len(extraction.claims)
    return Event(extraction.article.id, Outcome.STORED, counted(len(extraction.claims), "claim"))
