"""The verb `paint`: a photo and a style in, a picture out.

The folder is called painting because `flamingo.paint` is the function.
"""
