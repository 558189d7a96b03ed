"""Records, their state machines and the DTOs made from them (transport, consumption and runtime specs). Pure."""
