"""Listeners' grades: how well a piece of music suits a picture, kept in a database, and the table made of them."""
