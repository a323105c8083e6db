"""Floor 0: conventions, checks, results, errors, kernels, catalogue. Import from its modules."""
