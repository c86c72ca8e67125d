//! One encrypted SQLite file per workspace. All SQL lives here.
