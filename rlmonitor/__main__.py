"""``python -m rlmonitor`` is the ``rlmonitor`` command."""

from rlmonitor.cli import main

if __name__ == "__main__":
    main()
