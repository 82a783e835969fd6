"""The test harness: recorded cases, benchmarks, scorers."""
