//! What the rooms' own errors mean to a person and to a script: each becomes a report with its exit code.

use crate::connect::{ConnectError, ConnectErrorKind};
use crate::engine::core::view::ViewError;
use crate::engine::driver::DriverError;
use crate::engine::driver::deploy::DeployError;
use crate::engine::driver::doctor::connect_command;
use crate::engine::driver::receiver::ListenError;
use crate::engine::driver::setup::SetupError;
use crate::error::{Kind, Report};
use crate::store::{DraftError, LeaseError, StoreError};

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

impl From<DraftError> for Report {
    fn from(error: DraftError) -> Self {
        match error {
            DraftError::Store(error) => error.into(),
            DraftError::Stale(_) => Self::refused(format!("{error}; nothing was changed"))
                .hint("look at it with `lockstep config diff`, then run this again"),
        }
    }
}

impl From<DeployError> for Report {
    fn from(error: DeployError) -> Self {
        match error {
            DeployError::Stale(stale) => Self::from(DraftError::Stale(stale)),
            DeployError::Unreadable(mistakes) => {
                let lines: Vec<_> = mistakes.iter().map(|mistake| format!("{mistake} {}", mistake.hint)).collect();
                Self::refused("the draft is not a configuration; nothing was changed").because(lines.join("\n"))
            }
            DeployError::Unfit { version, errors } => super::check::refusal(&errors, version),
            DeployError::Setup(error) => error.into(),
        }
    }
}

impl From<ViewError> for Report {
    fn from(error: ViewError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<LeaseError> for Report {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Store(error) => error.into(),
            LeaseError::Held { .. } => {
                Self::refused(error.to_string()).hint("end the other engine first, or use its console")
            }
        }
    }
}

impl From<ConnectError> for Report {
    fn from(error: ConnectError) -> Self {
        let kind = match error.kind {
            ConnectErrorKind::Address | ConnectErrorKind::PlainHttp => Kind::Usage,
            _ => Kind::Connection,
        };
        let report = Self::new(kind, error.message);
        if error.hint.is_empty() { report } else { report.hint(error.hint) }
    }
}

impl From<SetupError> for Report {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::NotConnected(system) => {
                Self::connection(error.to_string()).hint(format!("connect it with `{}`", connect_command(system)))
            }
            SetupError::NotDeployed => Self::refused(error.to_string())
                .hint("look at the draft with `lockstep config show`, then `lockstep config deploy`"),
            SetupError::Unreadable(_) => Self::failed(error.to_string()),
            SetupError::Misfit(errors) => {
                let lines: Vec<_> = errors.iter().map(|error| format!("{error} {}", error.hint)).collect();
                Self::refused("the deployed configuration does not fit the two systems any more")
                    .because(lines.join("\n"))
                    .hint("mend it: `lockstep config export`, `config import`, `config deploy`")
            }
            SetupError::Connect(error) => (*error).into(),
            SetupError::Store(error) => error.into(),
        }
    }
}

impl From<ListenError> for Report {
    fn from(error: ListenError) -> Self {
        match &error {
            ListenError::Bind { address, source } => Self::failed(format!("cannot listen on {address}"))
                .because(source)
                .hint("end what listens there, or choose another port with --listen"),
            ListenError::PublicUrl(_) => Self::usage(error.to_string())
                .hint("write it as https://host/path; what is appended to it is /hubspot and /connectwise"),
        }
    }
}

impl From<DriverError> for Report {
    fn from(error: DriverError) -> Self {
        match error {
            DriverError::Lease(error) => error.into(),
            DriverError::Store(error) => error.into(),
            DriverError::Thread(_) | DriverError::Stopped(_) => Self::failed(error.to_string())
                .hint("nothing is lost: what was under way is in the journal, and is looked up at the next start"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::System;

    #[test]
    fn every_trouble_with_the_file_has_its_exit_code() {
        let file = std::path::PathBuf::from("acme.db");
        let table = [
            (StoreError::WrongKey { file: file.clone() }, 4),
            (StoreError::NoWorkspace { file: file.clone(), why: "it is empty" }, 1),
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

    #[test]
    fn trouble_with_a_system_is_a_connection_trouble_and_a_wrong_address_is_not() {
        let table = [
            (ConnectErrorKind::Credentials, 4),
            (ConnectErrorKind::Permission, 4),
            (ConnectErrorKind::Unreachable, 4),
            (ConnectErrorKind::Address, 2),
            (ConnectErrorKind::PlainHttp, 2),
        ];
        for (kind, code) in table {
            let report = Report::from(ConnectError::new(kind, "what happened", ""));
            assert_eq!((report.kind.exit_code(), report.hint.clone()), (code, None), "{kind:?}");
        }
    }

    #[test]
    fn a_workspace_that_is_not_ready_says_what_to_do_first() {
        let report = Report::from(SetupError::NotConnected(System::ConnectWise));
        assert_eq!(report.kind, Kind::Connection);
        assert_eq!(
            report.hint.as_deref(),
            Some(
                "connect it with `lockstep connect connectwise --site URL --company ID --public-key KEY --client-id GUID`"
            )
        );
        assert_eq!(Report::from(SetupError::NotDeployed).kind, Kind::Refused);
    }
}
