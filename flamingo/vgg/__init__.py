"""VGG-19 without a deep-learning framework: what it sees of a picture, and the derivative of that.

    from flamingo.vgg.network import VGG19
    seen = VGG19.load().forward(picture, ["relu4_2"])      # picture: (1, 3, H, W) float32 RGB in [0, 1]

Gatys' method, DeepDream and the critic look with it. The training of the painter has its own in torch,
`flamingo.nn.vgg`, with the same weights.
"""
