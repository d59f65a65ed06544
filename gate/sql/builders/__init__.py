"""One file per family of statements: from the parser's node to (command tag, action). The room is walked."""
