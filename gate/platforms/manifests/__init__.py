"""The files that `gate init` writes, as text. Imported only when they are to be written."""
