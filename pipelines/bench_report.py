"""What the benchmarks say: tables, JSON files and plots."""
