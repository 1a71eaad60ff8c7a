"""A release of the chart, reached from here: what it consists of, its secrets, and tunnels to it.

Everything is asked of kubectl, so that whoever can use the cluster can use this, in the same way.
"""
