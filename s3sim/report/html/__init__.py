"""One HTML page of a run, which opens without a network: data shaped here, drawn by Bokeh in the browser."""

from s3sim.report.html.page import write_page

__all__ = ["write_page"]
