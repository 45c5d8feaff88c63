"""In a real Jupyter kernel: figures and bars show themselves, and an interrupt loses nothing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.experiment.tiny import tiny

POINTS = 200  # enough that the first are finished long before the last
TIMEOUT = 120  # s, for a kernel to start and a cell to end
SESSION = '''
import json, re, sys
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

manager = KernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
manager.start_kernel(cwd=sys.argv[1])
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)

def run(code, *, watched, stop=False):
    """The messages of a cell; with `stop`, interrupted once a bar has moved."""
    ident = client.execute(code, allow_stdin=watched)
    told = []
    while True:
        message = client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") != ident:
            continue
        content = message["content"]
        told.append([message["msg_type"], content.get("data") or content.get("ename") or "", content.get("evalue", "")])
        if stop and re.search("progress value='[1-9]", str(content.get("data", ""))):
            stop = False
            manager.interrupt_kernel()
        if message["msg_type"] == "status" and content["execution_state"] == "idle":
            return told

try:
    cells = [run(**cell) for cell in json.loads(sys.argv[2])]
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
print(json.dumps(cells))
'''


def kernel(folder: Path, *cells: dict[str, Any]) -> list[list[list[Any]]]:
    """What a kernel says to each cell: type, data or error, and the error's message."""
    call = [sys.executable, "-c", SESSION, str(folder), json.dumps(cells)]
    done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr
    told: list[list[list[Any]]] = json.loads(done.stdout)
    return told


@pytest.fixture
def begin() -> str:
    """The cell that a notebook begins with: an experiment of many points."""
    workload = tiny()["workload"] | {"requests": 200}
    values = tiny(workload=workload, scenarios={"main": {}}, systems=["orca"], seeds=list(range(POINTS)))
    return f"from s3sim import Experiment, load, sweep\none = Experiment({values!r})"


def test_an_interrupted_kernel_goes_on_where_it_was(begin: str, tmp_path: Path) -> None:
    """Stopped in mid-run by the button: the error says how to go on, finished points stay, and resume=True does."""
    _, broken, resumed, result = kernel(
        tmp_path,
        {"code": begin, "watched": True},
        {"code": "sweep(one, out='out')", "watched": True, "stop": True},
        {"code": "before = len(load('out')); results = sweep(one, out='out', resume=True)", "watched": True},
        {"code": "before, len(results)", "watched": True},
    )
    ((_, name, message),) = (told for told in broken if told[0] == "error")
    assert name == "SystemFaultError"
    assert message.startswith("interrupted; ")
    assert message.endswith("of 200 points are finished in out; resume=True goes on (--resume on the command line)")
    assert not [told for told in resumed if told[0] == "error"]
    (shown,) = (told[1]["text/plain"] for told in result if told[0] == "execute_result")
    before, after = json.loads(f"[{shown[1:-1]}]")
    assert 1 <= before < after == POINTS


def test_figures_tables_and_bars_show_themselves(begin: str, tmp_path: Path) -> None:
    """No pyplot, no widgets: a PNG, HTML, one bar that is redrawn, and nothing on stderr; a machine sees no bar."""
    few = "few = one.with_(seeds=[0, 1])"
    _, bar, machine, figure, table, plan = kernel(
        tmp_path,
        {"code": f"{begin}\n{few}", "watched": True},
        {"code": "results = sweep(few, out='out')", "watched": True},
        {"code": "results = sweep(few, out='again')", "watched": False},
        {"code": "results.plot.memory()", "watched": True},
        {"code": "results", "watched": True},
        {"code": "one", "watched": True},
    )
    shown = [told[1]["text/html"] for told in bar if told[0] in ("display_data", "update_display_data")]
    assert [told[0] for told in bar].count("display_data") == 1
    assert "2 of 2" in shown[-1]
    assert not [told for told in (*bar, *machine) if told[0] == "stream"]
    assert not [told for told in machine if told[0] == "display_data"]
    (picture,) = (told[1] for told in figure if told[0] == "execute_result")
    assert "image/png" in picture
    for cell in (table, plan):
        (data,) = (told[1] for told in cell if told[0] == "execute_result")
        assert data["text/html"].startswith("<b>")
        assert "text/plain" in data
