"""Photos and films rebuilt from pieces of a painting: the method `patches`.

A photo is given the painting's colours and then put together, from coarse to fine, out of small patches of the
painting that look like it: so the strokes are the painter's own, whatever the painting. It needs no training.

`brush` has what files, previews and the verb use, `clip_brush` what films do; `shot` keeps films steady; `synthesis`
goes from level to level; `matching` finds patches and turns them into pixels, over the compiled loops in `kernels`;
`transport` moves colours; `features` says what is compared; `atlas` lays out the paintings.
"""
