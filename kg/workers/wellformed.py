"""XML as it must be: what the engine's serializers write though no document may hold it is refused, and line ends are kept."""

import re

from kg.workers.jsonld import Sink

TAIL_BYTES = 64  # of what was written before, so that nothing hides where two pieces meet; longer than any prefix of ours
_CHARACTER = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")  # XML 1.0, 2.2
_NAME = re.compile(rb"<(?:[\w.-]+:[^A-Za-z_\x80-\xff]|xmlns:)")  # Namespaces in XML 1.0, 3 and 4; in text a `<` is written `&lt;`


class WellFormed:
    """A file in front of another. Raises ValueError for a character or a name that XML cannot say."""

    def __init__(self, output: Sink) -> None:
        self._output = output
        self._tail = b""

    def write(self, piece: bytes) -> int:
        seen = self._tail + piece
        if found := _CHARACTER.search(seen):
            code = ord(found.group().decode())
            raise ValueError(f"the answer has the character U+{code:04X}, which XML cannot say; ask for another format")
        if _NAME.search(seen):
            raise ValueError("the answer has a property or class whose IRI ends in no XML name; ask for another format than RDF/XML")
        self._tail = seen[-TAIL_BYTES:]
        self._output.write(piece.replace(b"\r", b"&#13;"))  # XML 1.0, 2.11: a bare one is read as a line feed
        return len(piece)

    def flush(self) -> None:
        """Nothing is kept back."""
