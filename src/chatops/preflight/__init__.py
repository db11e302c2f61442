"""Preflight: everything that could refuse a stack, read before anything is written. One file per group of checks."""
