"""How a container app gets another revision, and how it goes back to one: gate, shift, settle.

There is no state file. What a killed rollout left is read from the app's revisions and traffic (`standing`), and every
step may be done again: whoever runs next finishes or returns.
"""
