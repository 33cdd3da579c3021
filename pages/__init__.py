"""The screens: one file each, reading top to bottom like what it shows."""
