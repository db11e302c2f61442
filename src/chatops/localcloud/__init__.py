"""The local cloud: Azure's management API on loopback, with the resources behind it really running.

An island: it imports nothing from chatops, and chatops talks to it over HTTPS alone, as it talks to Azure.
"""
