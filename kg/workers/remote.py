"""The worker of a gateway, `kg serve --store`: like any other, but its store is a remote service, to which it may connect.

No query is evaluated in this process, as the engine could connect from here too: the service reads it, and says what is wrong with it.
The pool ends it at a query's deadline like any other, and the connection to the service with it. What the service answers is read and
written anew, so an answer that ends too soon, or with a complaint in the middle of it, is an error here.
"""

import json
import os
from typing import Any

from kg.errors import RemoteError
from kg.remote.client import Client, not_results
from kg.remote.store import RemoteStore
from kg.settings import Settings
from kg.workers.confine import confine
from kg.workers.wire import Kind, Query, Request, arguments, pack_frame
from kg.workers.worker import Worker


class RemoteWorker(Worker):
    """Answers requests one after the other from the service that the settings name."""

    def __init__(self, connection: Any, settings: Settings) -> None:
        super().__init__(connection)
        self._settings = settings
        self._remote: RemoteStore | None = None

    def _open(self, path: str) -> Any:
        if self._remote is None:
            self._remote = RemoteStore(Client(self._settings), parses=False)
        return self._remote

    def _answer(self, request: Request) -> None:
        try:
            super()._answer(request)
        except RemoteError as error:
            mistaken = "syntax" if isinstance(request, Query) else "value"  # SPARQL 1.1 Protocol, 2.1.6: 400 is for what cannot be read
            self._fail(mistaken if error.status == 400 else "remote", str(error))
        except SyntaxError as error:
            self._fail("remote", str(not_results(self._settings.store or "", error)))


def main() -> None:
    """Confine this process but for the network, say that it is ready, and serve."""
    connection, memory_mb, parent = arguments()
    problems = confine(memory_mb, may_connect=True)
    if os.getppid() != parent:
        return
    connection.sendall(pack_frame(Kind.READY, json.dumps(problems).encode()))
    RemoteWorker(connection, Settings.load()).serve()


if __name__ == "__main__":
    main()
