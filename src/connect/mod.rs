//! The two systems over HTTPS. All URLs of real systems live here.
