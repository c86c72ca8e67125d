//! What the rooms' own errors mean to a person and to a script: each becomes a report with its exit code.

use crate::error::{Kind, Report};
use crate::store::{LeaseError, StoreError};

impl From<StoreError> for Report {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::WrongKey { .. } | StoreError::KeyFile { .. } => Kind::Connection,
            StoreError::Name(_) | StoreError::Missing(_) => Kind::Usage,
            StoreError::Exists(_) | StoreError::NoDraft | StoreError::Newer { .. } => Kind::Refused,
            _ => Kind::Failed,
        };
        Self::new(kind, error.to_string()).hint(error.hint())
    }
}

impl From<LeaseError> for Report {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Store(error) => error.into(),
            LeaseError::Held { .. } => Self::refused(error.to_string())
                .hint("end the other engine first, or ask it: the console on this workspace passes requests on"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_with_the_file_has_its_exit_code() {
        let file = std::path::PathBuf::from("acme.db");
        let table = [
            (StoreError::WrongKey { file: file.clone() }, 4),
            (StoreError::KeyFile { file, why: "mode".into() }, 4),
            (StoreError::Missing("x".into()), 2),
            (StoreError::Exists("x".into()), 3),
            (StoreError::Newer { found: 2, known: 1 }, 3),
            (StoreError::Full, 1),
            (StoreError::Busy, 1),
        ];
        for (error, code) in table {
            let report = Report::from(error);
            assert_eq!(report.kind.exit_code(), code, "{report}");
            assert!(report.hint.is_some(), "{report}");
        }
    }

    #[test]
    fn a_second_engine_is_refused_and_told_who_holds_the_workspace() {
        let report = Report::from(LeaseError::Held { holder: "process 42 on ada".into() });
        assert_eq!(report.kind, Kind::Refused);
        assert!(report.what.contains("process 42 on ada"));
    }
}
