"""SQL text in, our nouns out: splitting, parsing, deparsing, quoting. The parser is imported in this room only."""
