"""`kg publish`: the store's present state as a new snapshot."""

import typer

from kg.cli import options
from kg.datadir import open_existing
from kg.errors import SettingError
from kg.settings import Settings
from kg.store import open_writer

EXAMPLES = (
    ("kg publish", "after a writer was killed, or when the current snapshot is damaged"),
    ("kg publish --data mine", "for another data directory"),
)


def command(data: options.Data = None, lock_timeout_s: options.LockTimeout = None, quiet: options.Quiet = False) -> None:
    """Publish the store's present state.

    `kg ingest` and `kg remove` publish by themselves; this brings a data directory back to order when one of them was killed between
    writing and publishing, or when the current snapshot is damaged. In a SPARQL service (KG_STORE) there is nothing to publish.
    """
    settings = Settings.load(data=data, lock_timeout_s=lock_timeout_s)
    if settings.store:
        raise SettingError(
            f"`kg publish` works on a data directory, and KG_STORE names {settings.store}, where what is written is visible at once; "
            "unset KG_STORE to publish a data directory"
        )
    open_existing(settings.data)
    with open_writer(settings) as writer:
        snapshot = writer.publish()
    if not quiet:
        typer.echo(f"snapshot {snapshot.number} published", err=True)
