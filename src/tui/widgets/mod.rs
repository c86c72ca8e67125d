//! What tabs draw with: text, panels, lists, in roles instead of colours.

pub mod list;
pub mod paint;

pub use list::{Edge, Keyed, List, Want};
pub use paint::Paint;
