"""The `kg` command: `main` holds the table of commands, each other module is one of them."""
