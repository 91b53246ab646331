"""Report: results to figures and HTML. It draws and computes nothing."""
