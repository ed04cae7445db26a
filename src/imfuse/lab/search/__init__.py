"""The search of architectures: what to build the network of, found by gradients of a validation loss."""
