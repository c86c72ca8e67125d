//! What is told to people loses the secrets that a system echoed, also in an answer that was no refusal.
//! Values of records are no words of ours, and stay as they are.

use super::redact::Redactor;
use super::{Check, ConnectError, Examination, FieldPlan, FieldStanding, Finding, LiveSchema, MadeField, Prepared};

pub(super) trait Clean {
    fn clean(self, redactor: &Redactor) -> Self;
}

impl Clean for String {
    fn clean(self, redactor: &Redactor) -> Self {
        redactor.clean(&self)
    }
}

impl<T: Clean> Clean for Vec<T> {
    fn clean(self, redactor: &Redactor) -> Self {
        self.into_iter().map(|one| one.clean(redactor)).collect()
    }
}

impl<T: Clean, E: Clean> Clean for Result<T, E> {
    fn clean(self, redactor: &Redactor) -> Self {
        self.map(|told| told.clean(redactor)).map_err(|error| error.clean(redactor))
    }
}

impl Clean for ConnectError {
    fn clean(self, redactor: &Redactor) -> Self {
        Self { message: self.message.clean(redactor), hint: self.hint.clean(redactor), ..self }
    }
}

impl Clean for Finding {
    fn clean(self, redactor: &Redactor) -> Self {
        Self { what: self.what.clean(redactor), remedy: self.remedy.clean(redactor), ..self }
    }
}

impl Clean for Examination {
    fn clean(self, redactor: &Redactor) -> Self {
        let ended = self.ended.map(|error| error.clean(redactor));
        Self { findings: self.findings.clean(redactor), ended, ..self }
    }
}

impl Clean for Check {
    fn clean(self, redactor: &Redactor) -> Self {
        Self { label: self.label.clean(redactor), warnings: self.warnings.clean(redactor), ..self }
    }
}

impl Clean for Prepared {
    fn clean(self, redactor: &Redactor) -> Self {
        Self { created: self.created.clean(redactor), warnings: self.warnings.clean(redactor), ..self }
    }
}

impl Clean for FieldPlan {
    fn clean(self, redactor: &Redactor) -> Self {
        let standing = match self.standing {
            FieldStanding::New => FieldStanding::New,
            FieldStanding::Archived(kind) => FieldStanding::Archived(kind.clean(redactor)),
            FieldStanding::There(kind) => FieldStanding::There(kind.clean(redactor)),
        };
        Self { standing, ..self }
    }
}

impl Clean for MadeField {
    fn clean(self, redactor: &Redactor) -> Self {
        match self {
            Self::Created => Self::Created,
            Self::Restored(kind) => Self::Restored(kind.clean(redactor)),
            Self::There(kind) => Self::There(kind.clean(redactor)),
        }
    }
}

impl Clean for LiveSchema {
    fn clean(self, redactor: &Redactor) -> Self {
        Self { warnings: self.warnings.clean(redactor), ..self }
    }
}
