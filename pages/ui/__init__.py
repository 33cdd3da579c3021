"""What all screens share: session, caches, controls, words and colours of a status, the style sheet."""
