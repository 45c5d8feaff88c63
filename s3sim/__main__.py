"""`python -m s3sim`."""

from s3sim.cli.main import main

main()
