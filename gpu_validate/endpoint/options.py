"""The command line's part: `gpu-validate replay EXPERIMENT --url http://HOST:PORT`."""

import argparse
import os
from collections.abc import Callable
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpu_validate.endpoint.address import Address
from gpu_validate.points import read_experiment
from s3sim.core.errors import InputError

if TYPE_CHECKING:
    from gpu_validate.endpoint.plan import EndpointPlan

__all__ = ["PACKAGE", "add", "demand_fitting", "run"]

PACKAGE = "aiohttp (pip install 's3sim[endpoint]')"
ABOUT = "drive an OpenAI-compatible completions endpoint with the same trace, in place of a model on this machine"
SHARED = ("experiment", "set", "out", "resume", "overwrite", "seed", "timeout")
OWN = (
    *("model", "only", "tokenizer", "api_key_env", "max_connections", "max_failures", "retries", "backoff_s"),
    *("connect_timeout_s", "first_token_timeout_s", "token_timeout_s", "timeout_s"),
)


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options to those of the replay."""
    group = parser.add_argument_group("a live server", ABOUT)
    put, seconds, count = group.add_argument, _number, _whole
    put("--url", help="of the server, such as http://localhost:8000; credentials in it are not written down")
    put("--model", metavar="NAME", help="as the server calls it [default: the one that it lists]")
    put("--only", action="append", metavar="KEY=VALUE", help="replay these points alone: by system, scenario, seed, …")
    put("--tokenizer", type=Path, metavar="PATH", help="the model's tokenizer.json, for a server that takes text alone")
    put("--api-key-env", metavar="NAME", help="the environment variable that holds the API key")
    put("--max-connections", type=count(1), metavar="N", help="at once; further requests wait [default: 512]")
    put("--max-failures", type=count(0), metavar="N", help="requests of a point that may fail [default: 0]")
    put("--retries", type=count(0), metavar="N", help="after no connection, 429 and 503 [default: 5]")
    put("--backoff-s", type=seconds, metavar="SECONDS", help="before the first retry, doubled each time [default: 0.5]")
    put("--connect-timeout-s", type=seconds, metavar="SECONDS", help="[default: 10]")
    put("--first-token-timeout-s", type=seconds, metavar="SECONDS", help="from sending on [default: 600]")
    put("--token-timeout-s", type=seconds, metavar="SECONDS", help="between tokens [default: 60]")
    put("--timeout-s", type=seconds, metavar="SECONDS", help="of a whole request [default: 3600]")
    parser.set_defaults(defaults={name: parser.get_default(name) for name in _names(parser)})


def _names(parser: argparse.ArgumentParser) -> list[str]:
    return [action.dest for action in parser._actions if action.dest != "help"]


def demand_fitting(given: argparse.Namespace) -> None:
    """Raise InputError for an option that means nothing with, or without, --url."""
    for name, default in given.defaults.items():
        option = f"--{name.replace('_', '-')}"
        if getattr(given, name) == default or name == "url" or name in SHARED:
            continue
        if given.url is None and name in OWN:
            raise InputError(f"{option}: is for a live server; give --url too")
        if given.url is not None and name not in OWN:
            raise InputError(f"{option}: is for a model on this machine, and --url is given; leave one out")


def run(given: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Drive the server that --url names; raises what `replay_endpoint` does."""
    if find_spec("aiohttp") is None:
        raise InputError("--url: needs the package aiohttp, which is not installed: pip install 's3sim[endpoint]'")
    from gpu_validate.endpoint.points import chosen  # noqa: PLC0415  the rest needs aiohttp
    from gpu_validate.endpoint.run import replay_endpoint  # noqa: PLC0415

    plan = _plan(given)
    experiment = chosen(read_experiment(given.experiment, given.set), plan.only)
    out = given.out or Path("results") / f"{experiment.name}-endpoint"
    replay_endpoint(experiment, plan, out, resume=given.resume, overwrite=given.overwrite, say=say)
    say(f"results: {out}")


def _plan(given: argparse.Namespace) -> "EndpointPlan":
    from gpu_validate.endpoint.driver import Rules  # noqa: PLC0415
    from gpu_validate.endpoint.plan import EndpointPlan  # noqa: PLC0415
    from gpu_validate.endpoint.retry import Retry  # noqa: PLC0415
    from gpu_validate.endpoint.waiting import Limits  # noqa: PLC0415

    retry = _given(times=given.retries, first_s=given.backoff_s)
    limits = _given(
        connect_s=given.connect_timeout_s,
        first_token_s=given.first_token_timeout_s,
        token_s=given.token_timeout_s,
        request_s=given.timeout_s,
    )
    rules = _given(connections=given.max_connections, max_failures=given.max_failures)
    return EndpointPlan(
        address=Address.parse(given.url, api_key=_api_key(given.api_key_env)),
        rules=Rules(retry=Retry(**retry), **rules),
        limits=Limits(**limits),
        model=given.model,
        tokenizer=given.tokenizer,
        only=tuple(given.only or ()),
        seed=given.seed,
        timeout_s=given.timeout,
    )


def _given(**options: Any) -> dict[str, Any]:
    """The options that were given; the others have their defaults where they are defined."""
    return {name: value for name, value in options.items() if value is not None}


def _api_key(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise InputError("--api-key-env: names no environment variable that is set; give the name, not the key itself")
    if not (key.isascii() and key.isprintable()):
        raise InputError("--api-key-env: the variable holds characters that no HTTP header may hold")
    return key


def _number(text: str) -> float:
    """A time in seconds, as argparse types go."""
    value = float(text)
    if not 0 < value < inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: give seconds above 0")
    return value


def _whole(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text!r} is too little: give a whole number of at least {least}")
        return value

    return whole
