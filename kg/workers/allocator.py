"""Which memory allocator query workers use: the engine allocates and frees by the thousand, and most of a query's time can be that.

With mimalloc (https://github.com/microsoft/mimalloc, Debian package libmimalloc2.0), where the system has it, aggregates and
neighbourhoods of `benchmarks.serve` went from .78 to .91 of the native server's rate; joins and lookups changed by less than the noise.
Without it glibc's is told to keep more freed pieces of each size at hand than seven.
"""

import sysconfig
from collections.abc import Mapping
from pathlib import Path

from kg.errors import SettingError

AUTO, SYSTEM = "auto", "system"
LIBRARY = "libmimalloc.so.2"
# For every process of ours. https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html
GLIBC = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=127"}
PLACES = tuple(
    Path(place) for place in (f"/usr/lib/{sysconfig.get_config_var('MULTIARCH') or 'none'}", "/usr/lib64", "/usr/lib", "/usr/local/lib")
)


def mimalloc() -> Path | None:
    """Where the system has it."""
    return next((place / LIBRARY for place in PLACES if (place / LIBRARY).is_file()), None)


def environment(allocator: str) -> Mapping[str, str]:
    """What a worker's environment needs for it: AUTO, SYSTEM or the path of a shared library. Raises SettingError without that file."""
    if allocator == SYSTEM:
        return {}
    if allocator == AUTO:
        found = mimalloc()
        return {"LD_PRELOAD": str(found)} if found else {}
    library = Path(allocator)
    if not library.is_absolute() or not library.is_file() or set(allocator) & set(" :"):  # what LD_PRELOAD takes as the end of a name
        raise SettingError(f"KG_QUERY_ALLOCATOR: {allocator!r} is no absolute path of a shared library; name one, or {AUTO}, or {SYSTEM}")
    return {"LD_PRELOAD": str(library.resolve())}
