"""Speed and memory, measured: `make bench`. Nothing here is asserted; tests never depend on a clock."""
