"""`python -m sourdine_train`."""

from .cli import main

main()
