"""The tests of the workers use the servers of the tests of the web."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "web"))
