// Empty on purpose: tests evaluate what they ask for.
