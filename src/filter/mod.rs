//! Criteria that decide which records take part: text, tree, verdict with an explanation per clause.
