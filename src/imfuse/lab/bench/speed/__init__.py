"""Speed of models, each row in a process of its own."""
