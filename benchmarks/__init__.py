"""Programs that measure, and what they measured; README.md says how to run each."""
