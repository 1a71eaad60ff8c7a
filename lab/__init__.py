"""The command line `bandstand`: local stack, load, faults, switch, verify, report."""
