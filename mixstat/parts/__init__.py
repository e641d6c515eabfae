"""What gates and families of experts have in common."""
