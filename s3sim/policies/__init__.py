"""Pure scheduling decisions, and the systems that are made of them."""
