"""Azure as chatops sees it: one `Cloud` value for where it is, lazy SDK clients, calls whose failures speak plainly."""
