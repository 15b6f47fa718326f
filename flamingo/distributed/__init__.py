"""Painting and filming on a Ray cluster (the extra `ray`): a pool of processes there, and an adapter for each kind of
work. It lies above what it distributes; the verbs find it by name when `--on ray` asks for it."""
