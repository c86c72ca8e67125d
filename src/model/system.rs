//! The two systems, and a pair of things that has one for each.

use std::fmt;
use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

/// One of the two systems that are kept in step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum System {
    HubSpot,
    ConnectWise,
}

impl System {
    pub const BOTH: [Self; 2] = [Self::HubSpot, Self::ConnectWise];

    /// The system on the other side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::HubSpot => Self::ConnectWise,
            Self::ConnectWise => Self::HubSpot,
        }
    }

    /// The name as people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HubSpot => "HubSpot",
            Self::ConnectWise => "ConnectWise",
        }
    }

    /// The name as commands, files and the database write it.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::HubSpot => "hubspot",
            Self::ConnectWise => "connectwise",
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One `T` for each system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct BySystem<T> {
    pub hubspot: T,
    pub connectwise: T,
}

impl<T> BySystem<T> {
    pub const fn new(hubspot: T, connectwise: T) -> Self {
        Self { hubspot, connectwise }
    }

    /// Makes both halves with one function.
    pub fn from_fn(mut make: impl FnMut(System) -> T) -> Self {
        Self { hubspot: make(System::HubSpot), connectwise: make(System::ConnectWise) }
    }

    pub fn map<U>(self, mut f: impl FnMut(System, T) -> U) -> BySystem<U> {
        BySystem { hubspot: f(System::HubSpot, self.hubspot), connectwise: f(System::ConnectWise, self.connectwise) }
    }
}

impl<T> Index<System> for BySystem<T> {
    type Output = T;
    fn index(&self, system: System) -> &T {
        match system {
            System::HubSpot => &self.hubspot,
            System::ConnectWise => &self.connectwise,
        }
    }
}

impl<T> IndexMut<System> for BySystem<T> {
    fn index_mut(&mut self, system: System) -> &mut T {
        match system {
            System::HubSpot => &mut self.hubspot,
            System::ConnectWise => &mut self.connectwise,
        }
    }
}
