"""How counts are put into words, for whoever reads what a command says."""


def counted(number: int, noun: str) -> str:
    """`1 claim`, `2 entities`, `1,234 claims`."""
    if number == 1:
        return f"1 {noun}"
    is_ies = noun.endswith("y") and noun[-2:-1] not in "aeiou"
    return f"{number:,} {noun.removesuffix('y')}ies" if is_ies else f"{number:,} {noun}s"
