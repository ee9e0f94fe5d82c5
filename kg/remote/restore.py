"""A backup into a remote service, one graph after the other by the Graph Store Protocol."""

import tempfile
from typing import IO

from pyoxigraph import NamedNode, RdfFormat, Store

from kg.errors import DataError
from kg.iris import Iris
from kg.remote.client import Client
from kg.remote.store import RemoteStore, base_iri
from kg.remote.writer import locked
from kg.settings import Settings


def restore(settings: Settings, quads: IO[bytes], base: str, *, replace: bool) -> int:
    """Puts the graphs of N-Quads into the service that the settings name; returns how many quads the service then says they hold.

    `replace`: in the place of what is there under this base IRI. It is no single transaction: when it breaks off, run it with `replace`.
    Raises DataError when there is data already, or a quad is in no named graph.
    """
    client = Client(settings)
    try:
        with locked(client, settings.lock_timeout_s), tempfile.TemporaryDirectory(prefix="kg-restore-") as folder:
            if not replace and base_iri(client, settings) is not None:
                raise DataError(f"{client.place} holds data already; name another --store, or --replace to put the backup in its place")
            store = Store(folder)
            store.bulk_load(quads, RdfFormat.N_QUADS)
            return _put_all(client, store, Iris(base), replace=replace)
    finally:
        client.close()


def _put_all(client: Client, store: Store, iris: Iris, *, replace: bool) -> int:
    remote = RemoteStore(client)
    graphs = sorted((graph for graph in store.named_graphs() if isinstance(graph, NamedNode)), key=str)
    if len(store) != sum(1 for graph in graphs for _ in store.quads_for_pattern(None, None, None, graph)):
        raise DataError("the backup has quads outside named graphs, which a remote store is not given; restore it into a --data directory")
    # The description of the dataset comes last: as long as it is missing, the data is not taken for complete.
    for graph in sorted(graphs, key=lambda graph: (graph == iris.meta, str(graph))):
        with tempfile.TemporaryFile() as file:
            store.dump(file, RdfFormat.N_TRIPLES, from_graph=graph)
            file.seek(0)
            client.put_graph(graph.value, file)
    if replace:
        ours = (graph for graph in remote.named_graphs() if isinstance(graph, NamedNode) and graph.value.startswith(f"{iris.base}graph/"))
        if left := sorted(set(ours) - set(graphs), key=str):
            client.update(";\n".join(f"DROP SILENT GRAPH {graph}" for graph in left), repeatable=True)
    return remote.count(graphs)
