"""The example of docs/extending.md does what it says."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_component_of_ones_own_makes_claims_that_pass_the_gates():
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    found: dict[str, object] = {}
    exec(code.group(1), found)  # noqa: S102  our own document
    assert [(c.subject, c.relation, c.object) for c in found["claims"] if "a × between two names" in c.why] == [
        ("Microsoft", "partnersWith", "Nvidia")
    ]
