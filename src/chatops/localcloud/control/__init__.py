"""The providers of the local cloud, a module per family of types: tables, checks, computed fields, side effects."""
