"""What extraction costs, and how good its scorer is on other people's corpora."""
