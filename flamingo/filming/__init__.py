"""An album becomes a film: photos are painted, shots are cut to the beats of a score, and the camera moves over them.

    from flamingo.filming.api import film

    [made] = film(["holidays/"], style="starry-night", persona="schubert", seconds=60, output="holidays.mp4")

The way through it: `album` takes photos in, `score` has the music made (or listens to the user's own), `cutting` lays
shots on its beats, which gives a `storyboard`; `rendering` has every photo painted and `reel` draws the frames.
"""
