"""The command line: parses, prints, exits. What a command does is in `gate.app`, imported when it is called."""
