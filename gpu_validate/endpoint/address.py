"""Where a server is: an address whose credentials are sent and never written down."""

import re
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from s3sim.core.errors import InputError

__all__ = ["Address", "redact", "without_credentials"]

HIDDEN = "***"
URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?:[^/\s?#]*@)?(?P<rest>[^\s?#]*)(?:[?#]\S*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The base of an OpenAI-compatible API, up to and with `/v1`; `url` holds no credentials, the rest may."""

    url: str
    query: str = field(default="", repr=False)
    user: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)
    api_key: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str, *, api_key: str | None = None) -> "Address":
        """The address in a URL, with or without `/v1` or `/v1/completions`; raises InputError for anything else."""
        shown = without_credentials(text)
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise InputError(f"--url {shown}: is no URL: {error}; give http://HOST:PORT") from None
        if parts.scheme not in ("http", "https") or not host:
            raise InputError(f"--url {shown}: is no address of a server; give http://HOST:PORT or https://HOST")
        name = f"[{host}]" if ":" in host else host
        base = f"{parts.scheme}://{name}{'' if port is None else f':{port}'}{_base(parts.path)}"
        user = None if parts.username is None else unquote(parts.username)
        password = unquote(parts.password or "")
        return cls(url=base, query=parts.query, user=user, password=password, api_key=api_key)

    def of(self, path: str) -> str:
        """The URL of a path of the API, with the query that was given."""
        return f"{self.url}/{path}{f'?{self.query}' if self.query else ''}"

    def headers(self) -> dict[str, str]:
        """The headers that name the user: the API key where there is one, else user and password."""
        if self.api_key is not None:
            return {"Authorization": f"Bearer {self.api_key}"}
        return {} if self.user is None else {"Authorization": f"Basic {self._basic()}"}

    def secrets(self) -> tuple[str, ...]:
        """Every text that must not be written down, the longest first."""
        values = [pair.partition("=")[2] for pair in self.query.split("&")]
        plain = [self.api_key or "", self.password, self.query, *values, *map(unquote, values)]
        plain += [self.user or "", self._basic()] if self.user is not None else []
        found = {form for text in plain if text for form in (text, quote(text, safe=""))}
        return tuple(sorted(found, key=len, reverse=True))

    def _basic(self) -> str:
        return b64encode(f"{self.user}:{self.password}".encode()).decode()


def redact(text: str, secrets: tuple[str, ...]) -> str:
    """The text with every secret in it hidden."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def without_credentials(text: str) -> str:
    """The text with user, password, query and fragment of every URL in it left out."""
    return URL.sub(lambda found: found["scheme"] + found["rest"], text)


def _base(path: str) -> str:
    path = path.rstrip("/").removesuffix("/completions")
    return path if path.endswith("/v1") else f"{path}/v1"
