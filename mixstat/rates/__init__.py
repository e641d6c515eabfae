"""Convergence-rate studies: truths, losses, resumable simulations and fitted rates."""
