"""The `kg` command: `main` is its entry point, `commands` the table of commands, and most other modules are one of them."""
