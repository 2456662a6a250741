"""For tests: an app whose processes die by SIGKILL at a point of a delivery."""
