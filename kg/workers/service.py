"""What processes of a gateway are told of the service that keeps the graph.

Loads no HTTP client, so that a server without a service starts sooner.
"""

import os
from collections.abc import Mapping

from kg.settings import Settings

MODULE = "kg.workers.remote"
CONNECTING = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")  # what httpx reads


def environment(settings: Settings) -> Mapping[str, str]:
    """What a worker and a writer need to know of the service: the settings about it, and how to get there. Empty without a service."""
    if not settings.store:
        return {}
    known = {f"KG_{name.upper()}": value for name, value in settings if name.startswith("store") and value is not None}
    secret = {name: value.get_secret_value() if hasattr(value, "get_secret_value") else str(value) for name, value in known.items()}
    base = {"KG_BASE_IRI": settings.base_iri} if settings.base_iri else {}
    return {name: value for name, value in os.environ.items() if name.upper() in CONNECTING} | secret | base
