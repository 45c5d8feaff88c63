"""How a server is driven, and what was found out about it."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from gpu_validate.endpoint.address import Address
from gpu_validate.endpoint.driver import Rules
from gpu_validate.endpoint.probe import PROMPT, Dialect, find_dialect, find_model
from gpu_validate.endpoint.prompts import Prompts, TextPrompts, TokenPrompts, text_prompts
from gpu_validate.endpoint.transport import Client
from gpu_validate.endpoint.waiting import Limits
from s3sim.experiment.resolved import Plain

__all__ = ["EndpointPlan", "Server", "reached"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPlan:
    """How a server is driven: what stands on the command line."""

    address: Address
    rules: Rules
    limits: Limits = field(default_factory=Limits)
    model: str | None = None  # None: the one that the server lists
    tokenizer: Path | None = None  # for servers that take no token ids
    only: tuple[str, ...] = ()
    seed: int = 0  # of the prompts
    timeout_s: float | None = None  # of each point

    @property
    def connections(self) -> int:
        """At once, at most."""
        return self.rules.connections

    def to_json(self) -> Plain:
        """What results depend on; no credentials."""
        return {
            "kind": "endpoint",
            "url": self.address.url,
            "tokenizer": None if self.tokenizer is None else str(self.tokenizer),
            "only": list(self.only),
            "seed": self.seed,
            "max_connections": self.connections,
        }

    def limits_json(self) -> Plain:
        """How long anything was waited for, and how often tried."""
        rules = {"max_failures": self.rules.max_failures, "retry": asdict(self.rules.retry)}
        return asdict(self.limits) | {"timeout_s": self.timeout_s} | rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What a server was found to take."""

    dialect: Dialect
    ids: TokenPrompts
    texts: TextPrompts | None
    added: int  # tokens that it adds to a text

    def prompts(self, *seed: int) -> Prompts:
        """Prompts in the form that it takes."""
        if self.dialect.token_ids or self.texts is None:
            return replace(self.ids, seed=seed)
        return replace(self.texts, seed=seed, added=self.added)

    def to_json(self) -> Plain:
        """As the run directory tells it."""
        return asdict(self.dialect) | {"added_prompt_tokens": self.added, "vocab": self.ids.vocab}


async def reached(client: Client, plan: EndpointPlan, *, vocab: int) -> Server:
    """The server, asked what it takes; raises InputError where it refuses, SystemFaultError where it fails.

    `vocab` bounds token ids; that of a tokenizer, where one is given, goes before.
    """
    texts = None if plan.tokenizer is None else text_prompts(plan.tokenizer, (plan.seed,))
    ids = TokenPrompts(vocab=len(texts.words) if texts else vocab, seed=(plan.seed,))
    model = plan.model or await find_model(client)
    dialect, ending = await find_dialect(client, model, plan.rules.retry, ids=ids, texts=texts)
    counted = ending.prompt_tokens
    added = 0 if dialect.token_ids or counted is None else max(0, counted - PROMPT)
    return Server(dialect=dialect, ids=ids, texts=texts, added=added)
