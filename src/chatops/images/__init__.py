"""Images: from a folder with a Dockerfile to a digest in the stack's registry. Tags are hashes of what goes in."""
