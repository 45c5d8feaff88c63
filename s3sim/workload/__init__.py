"""What is asked of a server: traces, their formats, arrival processes and length distributions."""
