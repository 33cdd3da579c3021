"""The words of a report in one place: import them from here."""

from __future__ import annotations

from audit_core.report.explain import explain
from audit_core.report.headline import Headline, ground_sentence, headline, people_sentence
from audit_core.report.limits import (
    chance_sentence,
    check_of,
    check_words,
    limit_words,
    warn_words,
)
from audit_core.report.needs_words import needs_sentence
from audit_core.report.numbers import count, counted, decimal, figures, percent, points, ratio
from audit_core.report.people import group_words, of_every_hundred, people, subject_words
from audit_core.report.readings import Reading, group_figures, reading, reading_of_gap, unit_of
from audit_core.report.sentences import bounds_text, interval_text, ranges_text, reading_sentence, sentence
from audit_core.report.words import (
    EVIDENCE_SENTENCES,
    EVIDENCE_WORDS,
    MARK_SHAPES,
    MARK_WORDS,
    NOT_DISCRIMINATION,
    READ_INTERVAL,
    VERDICT_MARKS,
    VERDICT_WORDS,
    Mark,
    mark_of,
    measure_name,
    metric_name,
    names_text,
    short_name,
    status_word,
    verdict_word,
)

__all__ = [
    "EVIDENCE_SENTENCES",
    "EVIDENCE_WORDS",
    "MARK_SHAPES",
    "MARK_WORDS",
    "NOT_DISCRIMINATION",
    "READ_INTERVAL",
    "VERDICT_MARKS",
    "VERDICT_WORDS",
    "Headline",
    "Mark",
    "Reading",
    "bounds_text",
    "chance_sentence",
    "check_of",
    "check_words",
    "count",
    "counted",
    "decimal",
    "explain",
    "figures",
    "ground_sentence",
    "group_figures",
    "group_words",
    "headline",
    "interval_text",
    "limit_words",
    "mark_of",
    "measure_name",
    "metric_name",
    "names_text",
    "needs_sentence",
    "of_every_hundred",
    "people",
    "people_sentence",
    "percent",
    "points",
    "ranges_text",
    "ratio",
    "reading",
    "reading_of_gap",
    "reading_sentence",
    "sentence",
    "short_name",
    "status_word",
    "subject_words",
    "unit_of",
    "verdict_word",
    "warn_words",
]
