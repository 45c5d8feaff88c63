"""The YAML that experiments are written in: safe, and with the numbers of YAML 1.2."""

import re

import yaml

__all__ = ["Dumper", "Loader"]

FLOAT = "tag:yaml.org,2002:float"
EXPONENT = re.compile(r"^[-+]?(\d[\d_]*(\.[\d_]*)?|\.\d[\d_]*)[eE][-+]?\d+$")


class Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which takes 2e12 for a number too; YAML 1.1 wants 2.0e+12 and reads a text."""


class Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper, which quotes a text that the loader would take for a number."""


Loader.add_implicit_resolver(FLOAT, EXPONENT, list("-+.0123456789"))
Dumper.add_implicit_resolver(FLOAT, EXPONENT, list("-+.0123456789"))
