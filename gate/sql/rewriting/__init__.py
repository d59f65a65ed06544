"""Statements made from statements: a tree is taken from a text, changed, and printed again. One file per kind."""
