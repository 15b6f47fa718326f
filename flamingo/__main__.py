"""`python -m flamingo` is the command `flamingo`."""

import sys


def main() -> None:
    """The console script."""
    if sys.argv[1:] == ["--version"]:  # which needs nothing of what the commands are built from
        from flamingo import __version__

        try:
            print(f"flamingo {__version__}", flush=True)
        except (OSError, ValueError):
            pass
        else:
            return
    from flamingo.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
