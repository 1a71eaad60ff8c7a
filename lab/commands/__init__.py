"""One module for each command of `bandstand`; `lab.cli` registers them."""
