"""Reports: pages of figures and charts, each one self-contained file that fetches nothing."""
