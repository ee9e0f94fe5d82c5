"""The arrays of a trained model in a file: one compressed `.npz`, which holds no pickles."""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ingest.errors import PipelineError

# what numpy raises for a file that is damaged or something else (TypeError: a single array), and readers for arrays that do not fit
_DAMAGED = (OSError, EOFError, BadZipFile, zlib.error, ValueError, KeyError, TypeError)


@contextmanager
def read(path: Path, what: str) -> Iterator[Mapping[str, NDArray[Any]]]:
    """The arrays of a file by name, each read when it is asked for, until the block ends.

    Raises PipelineError that says the file holds no `what`: it is damaged or something else, or the block cannot use an array.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:  # numpy would leave a damaged file open
            yield stored
    except _DAMAGED as error:
        raise PipelineError(f"{path} holds no {what} ({error}); train again, or install aikg again") from error
