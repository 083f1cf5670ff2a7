"""The meaning of a bar: pure functions, no I/O, no clock."""
