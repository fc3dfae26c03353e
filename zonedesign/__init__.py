"""Designs home-care zones: travel times, integer programs, proof and maps."""
