"""What a saga costs here and elsewhere: `python -m benchmarks` measures both modes and the peers
in `peers`, and writes `out/bench.json` and `RESULTS.md`."""
