"""Small answers, kept in memory by entity tag."""

from collections import OrderedDict

CACHE_BYTES = 64 * 1024 * 1024
CACHED_ANSWER_BYTES = 256 * 1024
ENTRY_BYTES = 600  # what an entry takes beside its body: the tag, its place in the table, the object headers


class AnswerCache:
    """Small answers by entity tag, which names the snapshot, so nothing ever goes stale; the least recently used go first."""

    def __init__(self, limit_bytes: int = CACHE_BYTES) -> None:
        self._limit = limit_bytes
        self._bytes = 0
        self._answers: OrderedDict[str, tuple[bytes, bool]] = OrderedDict()
        self.hits = 0
        self.misses = 0

    def get(self, tag: str) -> tuple[bytes, bool] | None:
        """The answer's bytes and whether they are uncompressed."""
        found = self._answers.get(tag)
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        self._answers.move_to_end(tag)
        return found

    def put(self, tag: str, body: bytes, *, plain: bool) -> None:
        """Keep the answer when it is small."""
        if len(body) > CACHED_ANSWER_BYTES or tag in self._answers:
            return
        self._answers[tag] = (body, plain)
        self._bytes += len(body) + ENTRY_BYTES
        while self._bytes > self._limit:
            _, (dropped, _) = self._answers.popitem(last=False)
            self._bytes -= len(dropped) + ENTRY_BYTES
