"""A live engine behind an OpenAI-compatible completions endpoint, driven with a simulated point's trace.

address     where it is, and its credentials, which are sent and never written down
sse         server-sent events, as they come in pieces
chunks      what one event of a completion says
failures    how a request can fail, and which failures are worth another try
transport   one request and its stream over HTTP, every wait bounded; the only module that imports aiohttp
prompts     texts of the right length: token ids, or text by a tokenizer
probe       which fields the server takes
calls       the requests to make, and what came of each
driver      open-loop arrivals, retries, a cap on connections
record      what came back as an event log and tables
points      the points of an experiment that one server can be held against
run         an experiment into a run directory
options     the command line's part of it
"""
