"""Jet taggers of weaver-core and lgatr as models of hitforge: other people's code, run on our jets."""
