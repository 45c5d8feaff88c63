"""These tests need the extras `torch` and `endpoint`, and a real server; what is not installed is not collected."""

from importlib.util import find_spec

NEEDS = {
    "test_endpoint_server.py": ("fastapi", "uvicorn", "openai"),  # transformers[serving]
    "test_endpoint_*.py": ("aiohttp", "tokenizers"),
    "test_*.py": ("torch", "transformers"),
}
collect_ignore_glob = [pattern for pattern, packages in NEEDS.items() if not all(map(find_spec, packages))]
