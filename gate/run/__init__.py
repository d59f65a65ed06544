"""The supervisor: decides in pure functions, acts in one thin loop, names what it needs of the world as Protocols."""
