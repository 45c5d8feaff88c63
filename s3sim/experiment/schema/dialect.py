"""The YAML that experiments are written in: safe, and with the numbers of YAML 1.2."""

import re

import yaml

__all__ = ["Loader"]


class Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which takes 2e12 for a number too; YAML 1.1 wants 2.0e+12 and reads a text."""


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d[\d_]*(\.[\d_]*)?|\.\d[\d_]*)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)
