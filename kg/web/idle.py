"""Connections that are open for nothing: whoever holds too many loses the one that has been idle for longest.

A connection is idle until the head of a request is complete, and again from the end of the answer. HTTP lets a server close such a one at
any time (RFC 9112, 9.5), and clients open another. So none is turned away, also when everybody comes through one proxy.
"""

from typing import Protocol


class Closable(Protocol):
    """What is a connection here."""

    def close_idle(self) -> None:
        """Close the connection, on which no request is under way."""


class IdleConnections:
    """The idle connections of each caller, the longest idle first; of one caller at most `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: dict[str, dict[Closable, None]] = {}

    def add(self, caller: str, connection: Closable) -> None:
        """The connection became idle."""
        held = self._of.setdefault(caller, {})
        held[connection] = None
        if len(held) > self._most:
            longest = next(iter(held))
            self.remove(caller, longest)
            longest.close_idle()

    def remove(self, caller: str, connection: Closable) -> None:
        """The connection is not idle any more, or never was."""
        held = self._of.get(caller)
        if held is not None:
            held.pop(connection, None)
            if not held:
                del self._of[caller]
