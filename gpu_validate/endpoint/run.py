"""One experiment against a live server: every point driven, results in a run directory as they come."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gpu_validate.endpoint.address import redact
from gpu_validate.endpoint.calls import Call, calls_of
from gpu_validate.endpoint.driver import Driver
from gpu_validate.endpoint.plan import EndpointPlan, Server, reached
from gpu_validate.endpoint.record import client_columns, counts_of_answers, log_of, token_columns
from gpu_validate.endpoint.summary import TOKENS
from gpu_validate.endpoint.telling import failed, late, progress
from gpu_validate.endpoint.transport import Client
from gpu_validate.points import Experiment
from gpu_validate.results import ReplayDirectory
from gpu_validate.tables import log_columns
from s3sim.core.errors import InputError, S3SimError, SystemFaultError
from s3sim.experiment.build import Load, build_facts, build_hardware, build_load
from s3sim.experiment.resolved import Plain, Point

__all__ = ["replay_endpoint"]

Say = Callable[[str], None]


def replay_endpoint(
    experiment: Experiment, plan: EndpointPlan, out: Path, *, resume: bool = False, overwrite: bool = False, say: Say
) -> ReplayDirectory:
    """Drive a server with every point that is not finished yet, and write what it does into `out`.

    Raises InputError where an experiment cannot be driven, or the server refuses it, SystemFaultError where the
    server fails or the user interrupts; the directory is then marked partial, and `resume` goes on with it.
    """
    loads = {point.directory: _load_of(point) for point in experiment.points}
    replay = _Replay(experiment=experiment, plan=plan, loads=loads, directory=ReplayDirectory(out), say=say)
    try:
        asyncio.run(replay.run(resume=resume, overwrite=overwrite))
    except KeyboardInterrupt:
        raise SystemFaultError(f"interrupted; finished points are in {out}; --resume goes on") from None
    except S3SimError as error:
        raise type(error)(redact(str(error), plan.address.secrets())) from None
    return replay.directory


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replay:
    """An experiment's way through a server."""

    experiment: Experiment
    plan: EndpointPlan
    loads: dict[str, Load]
    directory: ReplayDirectory
    say: Say

    async def run(self, *, resume: bool, overwrite: bool) -> None:
        plan = self.plan
        async with Client.open(plan.address, plan.limits, connections=plan.connections) as client:
            server = await reached(client, plan, vocab=self.experiment.points[0].model["vocab"])
            settings = plan.to_json() | {"model": server.dialect.model}
            self.directory.prepare(self.experiment, settings, resume=resume, overwrite=overwrite)
            message = "stopped by a fault of this program"
            try:
                for point in self.experiment.points:
                    if not self.directory.finished(point):
                        await self._point(client, server, point)
                message = ""
            except asyncio.CancelledError:
                message = "interrupted"
                raise
            except S3SimError as error:
                message = redact(str(error), plan.address.secrets())
                raise
            finally:
                self.directory.close(self.experiment, settings, message)

    async def _point(self, client: Client, server: Server, point: Point) -> None:
        """Drive one point, and keep what came of it, whole or not."""
        before = self.directory.broken(point)
        attempt = 0 if before is None else int(before["attempt"]) + 1
        prompts = server.prompts(self.plan.seed, int(point.key, 16), attempt)

        def body(call: Call) -> bytes:
            return server.dialect.body(prompts.prompt(call.id, call.prompt_tokens), call.output_tokens)

        self.say(point.directory)
        driver = Driver(client, self.plan.rules, calls_of(self.loads[point.directory].trace), body)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        about = {"attempt": attempt, "started": started, "server": server.to_json()}
        try:
            async with asyncio.timeout(self.plan.timeout_s):
                await driver.run(progress(self.say))
        except TimeoutError:
            self._keep(point, driver, about, whole=False)
            raise SystemFaultError(late(point, driver)) from None
        except asyncio.CancelledError:
            self._keep(point, driver, about, whole=False)
            raise
        whole = len(driver.failures) <= self.plan.rules.max_failures
        self._keep(point, driver, about, whole=whole)
        if not whole:
            raise failed(point, driver)

    def _keep(self, point: Point, driver: Driver, about: Plain, *, whole: bool) -> None:
        load, answers = self.loads[point.directory], driver.answers
        tables: dict[str, Any] = {
            **log_columns(log_of(answers)),
            TOKENS: token_columns(answers),
            "client": client_columns(answers, self.plan.address.secrets()),
        }
        self.directory.keep(
            point,
            about=point.to_json() | {"facts": build_facts(point, build_hardware(point)).to_json()},
            tables=tables,
            replay=self.plan.to_json() | about | self._client(driver),
            counts=_counts_of(load),
            whole=whole,
        )

    def _client(self, driver: Driver) -> Plain:
        limits = self.plan.limits_json()
        return {"limits": limits, "most_connections": driver.most_connections} | counts_of_answers(driver.answers)


def _load_of(point: Point) -> Load:
    load = build_load(point)
    if load.closed_loop is not None:
        raise InputError(
            f"arrivals.kind: {point.arrivals['kind']!r} has no times of its own, and a server is driven by those of"
            " the trace; give arrivals of another kind"
        )
    return load


def _counts_of(load: Load) -> Plain:
    return {
        "over_length": load.counts.over_length,
        "over_length_dropped": load.counts.dropped,
        "over_length_truncated": load.counts.truncated,
        "invalid_rows_dropped": load.invalid_rows,
    }
