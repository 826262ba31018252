"""`python -m infraspend` is `infraspend`."""

from infraspend.cli import main

main()
