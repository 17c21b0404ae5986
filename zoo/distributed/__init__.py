"""One training on several devices of a machine, or on several machines."""
