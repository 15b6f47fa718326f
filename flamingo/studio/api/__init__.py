"""The HTTP API: a module with a `router` for each kind of thing that it speaks of."""
