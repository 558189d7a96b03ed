"""Pure rules and state machines: no I/O, no clock, no randomness of their own."""
