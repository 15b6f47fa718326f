"""The studio's pages: what the server sends to a browser, and the style sheets, modules and pictures they use."""
