//! Where things lie on disk: the home directory, and which workspace in it is meant. Opens nothing.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Outcome, Report};
use crate::store::Workspace;

/// The longest name of a workspace, in bytes: it becomes a file name with an ending.
const MAX_NAME: usize = 63;

/// The directory of one installation: `workspaces/NAME.db`, `keys/NAME.key`, `logs/`.
#[derive(Debug, Clone)]
pub struct Home {
    root: PathBuf,
}

/// The name of a workspace that may become a file name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkspaceName(String);

impl WorkspaceName {
    /// # Errors
    /// A usage report unless the text is 1 to 64 ASCII letters, digits, `-` and `_`, the first a letter or digit.
    pub fn parse(text: &str) -> Outcome<Self> {
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if starts_well && text.len() <= MAX_NAME && text.chars().all(letters) {
            return Ok(Self(text.to_owned()));
        }
        Err(Report::usage(format!("`{text}` cannot be the name of a workspace"))
            .because(format!(
                "a name has 1 to {MAX_NAME} letters, digits, `-` or `_`, and begins with a letter or digit"
            ))
            .hint("choose a name such as `acme` or `acme-2`"))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for WorkspaceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl Home {
    /// The directory given, or the operating system's place for an application's data.
    ///
    /// # Errors
    /// A usage report when there is neither.
    pub fn resolve(given: Option<&Path>) -> Outcome<Self> {
        if let Some(root) = given {
            return Ok(Self { root: root.to_owned() });
        }
        directories::ProjectDirs::from("", "", "lockstep")
            .map(|dirs| Self { root: dirs.data_dir().to_owned() })
            .ok_or_else(|| {
                Report::usage("there is no place for workspaces")
                    .because("the account has no home directory")
                    .hint("name a directory with --home or LOCKSTEP_HOME")
            })
    }

    #[must_use]
    pub fn default_key_file(&self, name: &WorkspaceName) -> PathBuf {
        self.root.join("keys").join(format!("{name}.key"))
    }

    /// Where a person's own themes of the console are: the folder for configuration, never the data.
    #[must_use]
    pub fn themes_dir(&self) -> Option<PathBuf> {
        directories::ProjectDirs::from("", "", "lockstep").map(|dirs| dirs.config_dir().join("themes"))
    }

    #[must_use]
    pub fn logs_dir(&self) -> PathBuf {
        self.root.join("logs")
    }

    #[must_use]
    pub fn workspaces_dir(&self) -> PathBuf {
        self.root.join("workspaces")
    }

    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The names of all workspaces, sorted. A home that does not exist yet has none.
    ///
    /// # Errors
    /// When the directory is there and cannot be read.
    pub fn workspaces(&self) -> Outcome<Vec<WorkspaceName>> {
        Ok(Workspace::list(&self.workspaces_dir())?.into_iter().map(WorkspaceName).collect())
    }

    /// The workspace meant: the one named, or the only one there is.
    ///
    /// # Errors
    /// A usage report when it is not there, or when it has to be named and is not.
    pub fn choose(&self, named: Option<&str>) -> Outcome<WorkspaceName> {
        let all = self.workspaces()?;
        match named {
            Some(text) => {
                let name = WorkspaceName::parse(text)?;
                if all.contains(&name) { Ok(name) } else { Err(self.unknown(&name, &all)) }
            }
            None => match <[WorkspaceName; 1]>::try_from(all) {
                Ok([only]) => Ok(only),
                Err(all) if all.is_empty() => Err(self.nothing_here()),
                Err(all) => Err(Report::usage("several workspaces are here")
                    .because(format!("they are {}", list(&all)))
                    .hint("name one with --workspace NAME")),
            },
        }
    }

    fn unknown(&self, name: &WorkspaceName, all: &[WorkspaceName]) -> Report {
        if all.is_empty() {
            return self.nothing_here();
        }
        Report::usage(format!("there is no workspace `{name}` in {}", self.root.display()))
            .because(format!("there is {}", list(all)))
            .hint(format!("name one of these with --workspace, or make it with `lockstep init {name}`"))
    }

    fn nothing_here(&self) -> Report {
        Report::usage(format!("there is no workspace in {}", self.root.display()))
            .hint("make one with `lockstep init NAME`, or look around with `lockstep demo`")
    }
}

fn list(names: &[WorkspaceName]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Makes a directory, with its parents, that only its owner can enter.
///
/// # Errors
/// When it cannot be made.
pub fn make_private_dir(dir: &Path) -> Outcome<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| {
        Report::failed(format!("the directory {} cannot be made", dir.display()))
            .because(error)
            .hint("choose another place (--home DIR, --key-file FILE), or make the directory yourself")
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test without its directory must stop")]

    use super::*;
    use crate::error::Kind;

    fn home_with(names: &[&str]) -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::resolve(Some(dir.path())).unwrap();
        make_private_dir(&home.workspaces_dir()).unwrap();
        for name in names {
            fs::write(home.workspaces_dir().join(name), "").unwrap();
        }
        (dir, home)
    }

    #[test]
    fn names_that_could_leave_the_directory_are_refused() {
        for text in ["", "..", "../x", "a/b", "a.b", "-x", "_x", "ä", "a b", &"x".repeat(64)] {
            assert_eq!(WorkspaceName::parse(text).unwrap_err().kind, Kind::Usage, "{text:?}");
        }
        for text in ["acme", "acme-2", "a_b", "Acme", "0x", &"x".repeat(63)] {
            assert_eq!(WorkspaceName::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn the_only_workspace_need_not_be_named() {
        let (_dir, home) = home_with(&["acme.db", "acme.db-wal", "notes.txt"]);
        assert_eq!(home.choose(None).unwrap().as_str(), "acme");
        assert_eq!(home.choose(Some("acme")).unwrap().as_str(), "acme");
    }

    #[test]
    fn one_of_several_must_be_named() {
        let (_dir, home) = home_with(&["b.db", "a.db"]);
        let report = home.choose(None).unwrap_err();
        assert_eq!((report.kind, report.cause.as_deref()), (Kind::Usage, Some("they are `a`, `b`")));
        assert_eq!(home.choose(Some("b")).unwrap().as_str(), "b");
        assert_eq!(home.choose(Some("c")).unwrap_err().kind, Kind::Usage);
    }

    #[test]
    fn an_empty_home_points_to_init() {
        let home = Home::resolve(Some(Path::new("/nonexistent/lockstep"))).unwrap();
        assert_eq!(home.workspaces().unwrap(), []);
        assert!(home.choose(None).unwrap_err().hint.unwrap().contains("lockstep init"));
    }
}
