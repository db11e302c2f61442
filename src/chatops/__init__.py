"""chatops puts an AI chat app into production on Azure from one YAML file, and rehearses it on a laptop first."""

__version__ = "0.1.0"
