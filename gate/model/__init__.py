"""Nouns: what gate talks about, as frozen values without behaviour that needs the world."""
