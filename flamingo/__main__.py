"""`python -m flamingo` is the command `flamingo`."""

from flamingo.cli import main

if __name__ == "__main__":
    main()
