"""The parts of an endpoint's client, each for itself: event streams, chunks, addresses, prompts, retries."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_validate.cli import main
from gpu_validate.endpoint.address import HIDDEN, Address, redact, without_credentials
from gpu_validate.endpoint.chunks import read_chunk
from gpu_validate.endpoint.failures import Failed, Kind
from gpu_validate.endpoint.prompts import TokenPrompts, text_prompts
from gpu_validate.endpoint.retry import Retry
from gpu_validate.endpoint.sse import LONGEST, Events
from s3sim.core.errors import InputError
from tests.gpu.endpoint_runs import byte_pairs, write_experiment

LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=8), max_size=3)


@given(
    st.lists(LINES.filter(bool), max_size=5),
    st.sampled_from(("\n", "\r", "\r\n")),
    st.booleans(),
    st.one_of(st.lists(st.integers(0, 200), max_size=12), st.just(range(999))),  # or each byte for itself
)
def test_events_do_not_depend_on_how_the_stream_is_cut(
    events: list[list[str]], newline: str, bom: bool, cuts: Sequence[int]
) -> None:
    """Any cut, also inside a character or a CR LF, gives the same events; comments and other fields give none."""
    text = "".join(
        newline.join([": ping", "event: x", *(f"data: {line}" for line in lines), "", "", ""]) for lines in events
    )
    stream = (b"\xef\xbb\xbf" if bom else b"") + text.encode()
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    pieces = [stream[begin:end] for begin, end in pairwise(places)]
    parser = Events()
    assert [data for piece in pieces for data in parser.feed(piece)] == ["\n".join(lines) for lines in events]


def test_a_stream_without_lines_fails_before_it_fills_memory() -> None:
    """What is no event stream is given up after a bounded number of bytes."""
    parser, piece = Events(), b"x" * 65536
    for _ in range(LONGEST // len(piece)):
        assert not list(parser.feed(piece))
    with pytest.raises(Failed, match="no server-sent event"):
        list(parser.feed(piece))


@pytest.mark.parametrize(
    ("plain", "has_text", "reason", "tokens"),
    [
        ({"choices": [{"text": "a"}]}, True, None, None),
        ({"choices": [{"text": "", "finish_reason": None}], "usage": None}, True, None, None),  # half a character
        ({"choices": [{"text": "a", "finish_reason": "length"}]}, True, "length", None),
        ({"choices": [{"text": "", "finish_reason": "stop"}]}, False, "stop", None),
        ({"choices": [], "usage": {"completion_tokens": 7}}, False, None, 7),
        ({"usage": {"completion_tokens": 7}}, False, None, 7),
        ({"choices": []}, False, None, None),
    ],
)
def test_a_chunk_with_text_is_a_token(plain: Any, has_text: bool, reason: str | None, tokens: int | None) -> None:
    """Endings and usage emit no token; a token whose characters are not whole yet does."""
    chunk = read_chunk(json.dumps(plain))
    assert (chunk.has_text, chunk.finish_reason, chunk.completion_tokens) == (has_text, reason, tokens)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("<html>", Kind.GARBAGE),
        ("[1]", Kind.GARBAGE),
        ('{"choices": 3}', Kind.GARBAGE),
        ('{"choices": [{"text": 3}]}', Kind.GARBAGE),
        ('{"object": "x"}', Kind.GARBAGE),
        ('{"error": {"message": "no memory"}}', Kind.ERROR),
        ('{"choices": [{"text": "", "finish_reason": "abort"}]}', Kind.ERROR),
    ],
)
def test_what_is_no_chunk_fails(data: str, kind: Kind) -> None:
    """Garbage and errors in a stream end its request, and say which they are."""
    with pytest.raises(Failed) as caught:
        read_chunk(data)
    assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://localhost:8000", "http://localhost:8000/v1"),
        ("http://localhost:8000/", "http://localhost:8000/v1"),
        ("https://host/v1/", "https://host/v1"),
        ("https://host/some/v1/completions", "https://host/some/v1"),
        ("http://[::1]:80", "http://[::1]:80/v1"),
        ("http://ann:s3cret@host:1/x?key=k3y#part", "http://host:1/x/v1"),
    ],
)
def test_an_address_is_the_base_of_the_api(text: str, url: str) -> None:
    """With or without /v1 and /completions, and never with credentials, not even in its repr."""
    address = Address.parse(text, api_key="t0ken")
    assert address.url == url
    assert not [word for word in ("s3cret", "k3y", "t0ken", "ann") if word in repr(address)]


@pytest.mark.parametrize("text", ["localhost:8000", "ftp://u:s3cret@host", "http://", "http://h:port", "http://[1"])
def test_what_is_no_address_is_said_without_its_credentials(text: str) -> None:
    """The message shows the value, without what is secret."""
    with pytest.raises(InputError, match="--url") as caught:
        Address.parse(text)
    assert "s3cret" not in str(caught.value)


def test_secrets_are_hidden_in_every_form() -> None:
    """The key, the password, a query's values and the header made of them, plain or quoted."""
    address = Address.parse("http://ann:p%40ss%2Fword@host/v1?key=a%2Bb", api_key="t0ken")
    basic = Address.parse("http://ann:p%40ss%2Fword@host").headers()["Authorization"].split()[1]
    said = f"t0ken p@ss/word p%40ss%2Fword a+b a%2Bb {basic}"
    assert redact(said, address.secrets()) == " ".join([HIDDEN] * 6)
    assert address.headers() == {"Authorization": "Bearer t0ken"}
    assert address.of("models") == "http://host/v1/models?key=a%2Bb"


@pytest.mark.parametrize("form", ["--url=http://u:p@ss@host:1/v1?key=k#f", "http://u:p@ss@host:1/v1?key=k#f"])
def test_a_command_is_written_down_without_credentials(form: str) -> None:
    """Whatever the form of the option, and whatever stands in the password."""
    assert without_credentials(form).removeprefix("--url=") == "http://host:1/v1"
    assert without_credentials("--set") == "--set"


def test_prompts_have_their_length_and_share_no_beginning() -> None:
    """Token prompts are drawn below the vocabulary, the same each time, others for another seed."""
    prompts = TokenPrompts(vocab=50, seed=(0, 1))
    drawn = [prompts.prompt(ident, 20) for ident in range(50)]
    assert all(len(ids) == 20 and min(ids) >= 0 and max(ids) < 50 for ids in drawn)
    assert len({tuple(ids[:6]) for ids in drawn}) == 50, "a prefix cache would know them"
    assert drawn == [prompts.prompt(ident, 20) for ident in range(50)]
    assert drawn[3] != TokenPrompts(vocab=50, seed=(0, 2)).prompt(3, 20)


def test_texts_have_their_length_by_the_tokenizer(tmp_path: Path) -> None:
    """A byte-pair tokenizer merges what is drawn, so texts are mended until they fit, with what the server adds."""
    path = byte_pairs(tmp_path)
    prompts = text_prompts(path, (0,))
    special = set(prompts.engine.get_added_tokens_decoder())
    for tokens in (1, 2, 7, 40):
        for ident in range(20):
            ids = prompts.engine.encode(prompts.prompt(ident, tokens), add_special_tokens=False).ids
            assert len(ids) == tokens
            assert not special & set(ids)
    assert len(prompts.engine.encode(replace(prompts, added=1).prompt(3, 7), add_special_tokens=False).ids) == 6


def test_waits_double_and_are_bounded() -> None:
    """What the server asks for goes before, within the bound; no two requests come back at once."""
    retry, busy = Retry(first_s=1, most_s=5), Failed(Kind.STATUS, "", status=429)
    for number, most in enumerate((1, 2, 4, 5, 5)):
        waits = [retry.wait_s(number, busy, ident) for ident in range(20)]
        assert len(set(waits)) == 20
        assert all(most / 2 <= wait <= most for wait in waits)
    assert retry.wait_s(0, Failed(Kind.STATUS, "", status=503, retry_after_s=3), 0) == 3
    assert retry.wait_s(0, Failed(Kind.STATUS, "", status=503, retry_after_s=300), 0) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "m"], "--model: is for a live server"),
        (["--only", "system=s3"], "--only: is for a live server"),
        (["--url", "http://h", "--device", "cuda"], "--device: is for a model on this machine"),
        (["--url", "http://h", "--strict"], "--strict: is for a model on this machine"),
        (["--url", "nowhere"], "is no address of a server"),
        (["--url", "http://h"], "the points differ in system"),
        (["--url", "http://h", "--only", "system=sarathi"], r"leaves no point \(known: vllm, s3\)"),
        (["--url", "http://h", "--only", "sistem=s3"], "did you mean 'system'"),
        (["--url", "http://h", "--only", "s3"], "give KEY=VALUE"),
        (["--url", "http://h", "--only", "system=s3"], "the points differ in max_num_seqs"),
        (["--url", "http://h", "--api-key-env", "NO_SUCH_VARIABLE"], "names no environment variable"),
    ],
)
def test_bad_options_are_said(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be driven ends in one message and exit code 2, before any server is asked."""
    changes = {"predictor": {"kind": "constant", "tokens": 4}, "sweep": {"max_num_seqs": [4, 8]}}
    path = write_experiment(tmp_path, systems=["vllm", "s3"], **changes)
    assert main(["replay", str(path), "--out", str(tmp_path / "run"), *arguments]) == 2
    assert re.search(message, capsys.readouterr().err)
    assert not (tmp_path / "run").exists()


def test_only_the_transport_knows_the_library() -> None:
    """Another one could take its place: aiohttp is imported in one module, and nowhere in the simulator."""
    root = Path(__file__).parents[2]
    paths = [path for room in ("s3sim", "gpu_validate") for path in root.glob(f"{room}/**/*.py")]
    assert {path.name for path in paths if "import aiohttp\n" in path.read_text(encoding="utf-8")} == {"transport.py"}
