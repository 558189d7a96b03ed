"""Everything that is kept, in SQLite; only here is SQL."""
