"""Pure statistics over integer counts: rates, intervals, gaps, calibration, drift, ranking, plans."""
