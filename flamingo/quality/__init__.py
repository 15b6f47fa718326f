"""The critic: what a painted picture holds of its photo and of its painting, in figures, words and maps.

The verb is `flamingo.quality.api.judge`; `flamingo.quality.critic.Critic` is for those who have pixels, and
`best_of` there chooses among variants. Nothing is imported here, for SciPy takes a while to load.
"""
