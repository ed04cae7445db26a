"""Pictures of networks: boxes and arrows in points, what flows through them, and the cells of a trunk."""
