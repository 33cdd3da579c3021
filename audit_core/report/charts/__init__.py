"""Charts: values become plain-dict Plotly figures that read on light and dark grounds alike."""
