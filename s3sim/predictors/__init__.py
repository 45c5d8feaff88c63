"""How long an output is foreseen to be: arithmetic on arrays, without a trace and without a clock."""
