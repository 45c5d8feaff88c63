"""`python -m s3sim`."""

from s3sim.cli.main import main

if __name__ == "__main__":
    main()
