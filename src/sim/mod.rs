//! Stand-ins for both systems that speak their HTTP; written from the API facts alone, sharing no code with `connect`.
