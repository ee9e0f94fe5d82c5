"""Everything `ingest` raises on purpose.

IngestError
 ├─ ArticleError    one article cannot be read; a batch reports it and goes on
 └─ PipelineError   the pipeline cannot be built (missing model, unknown component, damaged weights)
"""


class IngestError(Exception):
    """Base of all errors of `ingest`; the message says what, where and what to do."""


class ArticleError(IngestError):
    """One article cannot be read: `source` names it, `reason` says why and what to do."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason

    def __reduce__(self) -> tuple[type["ArticleError"], tuple[str, str]]:
        return ArticleError, (self.source, self.reason)  # crosses from a worker process


class PipelineError(IngestError):
    """The extraction pipeline cannot be built or configured."""
